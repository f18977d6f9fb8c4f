"""Replication lag as a reader of the replica sees it, by a heartbeat."""

from __future__ import annotations

import threading
import time
from collections import Counter

from probes.database import DatabaseProbe, Login
from probes.probe import ProbeError, Reading

_LAG = "SELECT TIMESTAMPDIFF(MICROSECOND, at, UTC_TIMESTAMP(6)) / 1000 AS lag_ms FROM heartbeat WHERE id = 1"


class LagProbe:
    """Replication lag as a reader sees it: a heartbeat row written on the primary, read on the replica.

    Resolution is the beat's; a replica that does not apply shows a lag that grows, never zero.
    """

    tier = "replica"
    instance = "replica"
    BEAT_S = 0.05
    STALLED_S = 1.0
    """Without a beat for so long, an old row on the replica says nothing about the replica."""

    def __init__(self, primary: Login, replica: Login) -> None:
        self._primary = DatabaseProbe("primary", {**primary, "schema": "harness"})
        self._replica = DatabaseProbe("replica", {**replica, "schema": "harness"})
        self._stop = threading.Event()
        self._begun = threading.Event()
        """Set once the first beat was written, or could not be."""
        self._problem = ""
        self._beaten_at = 0.0
        self._beater: threading.Thread | None = None

    @property
    def calls(self) -> Counter[str]:
        """The beats on the primary, and the reads of them on the replica."""
        return self._primary.calls + self._replica.calls

    def sample(self) -> list[Reading]:
        """The lag now, in ms. Raises ProbeError."""
        if self._beater is None:
            self._beater = threading.Thread(target=self._beat, daemon=True, name="heartbeat")
            self._beater.start()
            self._begun.wait(self.STALLED_S)
        if self._problem:
            raise ProbeError(self._problem)
        if time.monotonic() - self._beaten_at > self.STALLED_S:
            raise ProbeError("replica: no lag, because the primary does not take the heartbeat's write")
        rows = self._replica.ask(_LAG)
        if not rows:  # the very first beat is on its way
            self._stop.wait(4 * self.BEAT_S)
            rows = self._replica.ask(_LAG)
        if not rows:
            raise ProbeError("replica: no heartbeat has arrived")
        # A row is on average half a beat old when nothing lags.
        return [Reading("lag_ms", max(float(rows[0]["lag_ms"]) - self.BEAT_S * 500, 0.0))]

    def _beat(self) -> None:
        while not self._stop.wait(self.BEAT_S):
            try:
                self._primary.ask("REPLACE INTO heartbeat VALUES (1, UTC_TIMESTAMP(6))")
                self._problem, self._beaten_at = "", time.monotonic()
            except ProbeError as problem:
                self._problem = f"replica: no lag, because the heartbeat cannot be written ({problem})"
            self._begun.set()
        self._primary.close()

    def close(self) -> None:
        """Stop the heartbeat."""
        self._stop.set()
        if self._beater is not None:
            self._beater.join(timeout=3)
        self._replica.close()
