"""A run as it was stored: all that analysis and reports know of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from results import read_load, read_tiers, schema
from results.errors import HarnessError
from results.histogram import Histogram
from results.interval import Account, Endpoint, Flow, Interval
from results.read_load import Which
from results.records import Digest, Event, Gap, LogGroup
from results.series import Series
from results.slo import Slo, parse_slos
from results.stages import Stages


class Run:
    """One stored run, read from its run.db alone. Raises HarnessError on a file that cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            schema.check(self._db, str(path))
            rows = self._db.execute("SELECT key, value FROM info").fetchall()
        except sqlite3.Error as damage:
            raise HarnessError(f"{path} cannot be read ({damage})") from damage
        self.info: dict[str, Any] = {key: json.loads(value) for key, value in rows}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # What was asked

    @property
    def id(self) -> str:
        """The run's name, unique in its runs folder."""
        return str(self.info["id"])

    @property
    def kind(self) -> str:
        """run, capacity or duel."""
        return str(self.info.get("kind", "run"))

    @property
    def scenario(self) -> str:
        """The locustfile that made the load."""
        return str(self.info["scenario"])

    @property
    def target(self) -> str:
        """The name of the target."""
        return str(self.info["target"])

    @property
    def started_at(self) -> datetime:
        """When load began, with its time zone."""
        return datetime.fromisoformat(self.info["started_at"])

    @property
    def stages(self) -> Stages | None:
        """The planned load; None where the rate was steered while running (a capacity search)."""
        return Stages.parse(self.info["stages"]) if self.info.get("stages") else None

    @property
    def slos(self) -> list[Slo]:
        """The objectives the run is held to."""
        return parse_slos(self.info.get("slos", ""))

    @property
    def warmup_s(self) -> float:
        """The first seconds, which no figure includes."""
        return float(self.info.get("warmup_s", 0))

    @property
    def plan(self) -> dict[str, Any]:
        """Everything that was asked, as validated."""
        return dict(self.info.get("plan", {}))

    @property
    def environment(self) -> dict[str, Any]:
        """What was run on what: `versions`, `knobs` and `host`, each a dict."""
        return dict(self.info.get("environment", {}))

    # What happened

    @property
    def state(self) -> str:
        """running (or killed while so), finished, interrupted by the user, or aborted for a reason."""
        return str(self.info.get("state", "running"))

    @cached_property
    def duration_s(self) -> float:
        """Seconds of load: as planned, or up to the last second that was measured."""
        if "duration_s" in self.info:
            return float(self.info["duration_s"])
        last = read_load.last_second(self._db)
        return 0.0 if last is None else float(last) + 1

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """Every endpoint that was called, in order of first appearance."""
        return list(self._endpoint_ids)

    @cached_property
    def _endpoint_ids(self) -> dict[Endpoint, int]:
        return read_load.endpoint_ids(self._db)

    def intervals(
        self, endpoint: Endpoint | str | None = None, start_s: float | None = None, end_s: float | None = None
    ) -> Iterator[Interval]:
        """Intervals with start_s <= second < end_s in order of time; of one endpoint (by name) or all.

        Where response and service times were the same, both are one histogram: add to a copy.
        """
        return read_load.intervals(self._db, self._endpoint_ids, endpoint, start_s, end_s)

    def merged(
        self,
        endpoint: Endpoint | str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        which: Which = "response",
        setup: bool = False,
    ) -> Histogram:
        """The histogram of a window over one endpoint or all; setup requests only when asked for."""
        return read_load.merged(self._db, self._endpoint_ids, endpoint, start_s, end_s, which, setup)

    @cached_property
    def flows(self) -> list[Flow]:
        """What became of the arrivals, by second and generator."""
        return read_load.flows(self._db)

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """The account of every arrival, by generator."""
        return read_load.accounts(self._db)

    @property
    def account(self) -> Account:
        """The account of every arrival over all generators."""
        return sum(self.accounts.values(), Account())

    # What each tier said

    def series(
        self, tier: str | None = None, instance: str | None = None, metric: str | None = None
    ) -> list[Series]:
        """Series that match every name given, in order of tier, instance and metric."""
        return read_tiers.series(self._db, tier, instance, metric)

    @cached_property
    def events(self) -> list[Event]:
        """What happened, in order of time."""
        return read_tiers.events(self._db)

    @property
    def levels(self) -> list[Event]:
        """The levels of a capacity search; data has from_s, to_s, rate_per_s, purpose and passed."""
        return [event for event in self.events if event.kind == "level"]

    @cached_property
    def gaps(self) -> list[Gap]:
        """Where a tier could not be asked."""
        return read_tiers.gaps(self._db)

    @cached_property
    def digests(self) -> list[Digest]:
        """SQL statements by total time, the costliest first."""
        return read_tiers.digests(self._db)

    @cached_property
    def logs(self) -> list[LogGroup]:
        """Groups of warnings and errors, the most frequent first."""
        return read_tiers.logs(self._db)


def open_run(path: str | Path) -> Run:
    """The run in a run.db, or in the folder that holds one. Raises HarnessError if there is none."""
    place = Path(path)
    file = place / "run.db" if place.is_dir() else place
    if not file.is_file():
        raise HarnessError(f"no run at {place}: 'harness runs' lists what there is")
    return Run(file)


def find_runs(folder: Path) -> Iterable[Path]:
    """Every run.db below a runs folder, newest first by name (ids begin with their date)."""
    return sorted(folder.glob("*/run.db"), key=lambda file: file.parent.name, reverse=True)
