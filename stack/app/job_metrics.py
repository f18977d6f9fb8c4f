"""What a job worker tells Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from stack.app.metrics import TIMES_S

JOBS_QUEUED = Gauge("app_jobs_queued", "Jobs waiting")
JOBS_LATER = Gauge("app_jobs_later", "Jobs that failed and wait for another attempt")
JOBS_DEAD_KEPT = Gauge("app_jobs_dead_kept", "Jobs given up, kept for a look")
JOBS_DONE = Counter("app_jobs_done", "Jobs finished")
JOBS_RETRIED = Counter("app_jobs_retried", "Job attempts that failed and will be tried again")
JOBS_DEAD = Counter("app_jobs_dead", "Jobs given up")
JOB_START = Histogram("app_job_start_seconds", "From enqueued to started", buckets=TIMES_S)
JOB_FINISH = Histogram("app_job_finish_seconds", "From enqueued to finished", buckets=TIMES_S)
