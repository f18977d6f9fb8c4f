"""Where a request's time went, from the parts that its Server-Timing tells, nested ones taken apart.

`total` is the time of the whole request at the server that answered, and `api` that of the calls a web page
made; both contain other parts. What is left of `total` is the server's own work; what is left of the
service time is outside of it: the network, the load balancer, the wait for a connection.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

OWN, API, OUTSIDE, OTHER = "own work", "API", "outside", "other"
LAST = (OUTSIDE, OTHER)
"""These stand last wherever parts are shown: they are what no part explains."""
_OF_PAGES = ("render", "total", "api", "web-queue")
"""Parts of a page that are not parts of the API calls behind it."""


def taken_apart(parts_ms: Mapping[str, Floats], service_ms: Floats) -> dict[str, Floats]:
    """Parts that add up to the service time, in ms, none below 0; arrays of any one shape.

    Where no `total` was told, what no part explains is `other`.
    """
    known = dict(sorted(parts_ms.items()))
    total, api = known.pop("total", None), known.pop("api", None)
    shown = dict(known)
    if api is not None:
        behind = [ms for name, ms in known.items() if name not in _OF_PAGES]
        shown[API] = np.maximum(api - np.sum(behind, axis=0), 0) if behind else api
    explained = np.sum(list(shown.values()), axis=0) if shown else np.zeros_like(service_ms)
    if total is None:
        return shown | {OTHER: np.maximum(service_ms - explained, 0)}
    shown[OWN] = np.maximum(total - explained, 0)
    return shown | {OUTSIDE: np.maximum(service_ms - np.maximum(total, explained), 0)}


def in_order(parts: Mapping[str, float]) -> list[tuple[str, float]]:
    """The greatest first, what no part explains last."""
    return sorted(parts.items(), key=lambda part: (part[0] in LAST, -part[1]))
