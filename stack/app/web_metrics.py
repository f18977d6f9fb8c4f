"""What a web instance tells Prometheus beside its requests: where a page's time went."""

from __future__ import annotations

from prometheus_client import Histogram

from stack.app.metrics import TIMES_S

RENDER = Histogram("app_render_seconds", "Rendering of pages", ["route"], buckets=TIMES_S)
BELOW = Histogram("app_below_seconds", "Time of pages spent asking the API", ["route"], buckets=TIMES_S)
