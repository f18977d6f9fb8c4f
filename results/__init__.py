"""What was asked and what was measured. Everyone reads from here; it knows nobody else."""

from results.duel import StoredDuel, find_duels, is_duel, open_duel
from results.errors import HarnessError, UsageError
from results.histogram import BUCKETS, Histogram, bucket_low_us, bucket_mid_us
from results.interval import Account, Endpoint, Flow, Interval, Part
from results.records import Digest, Event, Gap, LogGroup
from results.run import Run, find_runs, open_run
from results.series import Series
from results.slo import Slo, parse_slos
from results.stages import Stage, Stages
from results.store import RunWriter, Sample
from results.units import parse_duration_s, parse_rate_per_s

__all__ = [
    "BUCKETS",
    "Account",
    "Digest",
    "Endpoint",
    "Event",
    "Flow",
    "Gap",
    "HarnessError",
    "Histogram",
    "Interval",
    "LogGroup",
    "Part",
    "Run",
    "RunWriter",
    "Sample",
    "Series",
    "Slo",
    "Stage",
    "Stages",
    "StoredDuel",
    "UsageError",
    "bucket_low_us",
    "bucket_mid_us",
    "find_duels",
    "find_runs",
    "is_duel",
    "open_duel",
    "open_run",
    "parse_duration_s",
    "parse_rate_per_s",
    "parse_slos",
]
