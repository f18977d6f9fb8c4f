"""Duels on the calibrated server: two of them, whose service times differ by a known factor, loaded in turn.

`python -m tests.truth.duel_live --factor 1.1 --duels 10 --seconds 20` runs duels and prints a line for each.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from analysis.compare.effect import Side
from analysis.duel import DuelPlan
from analysis.duel.stored import judge_stored
from drive.duel import DuelCourse
from drive.duel_sides import Stand
from drive.live import Moment
from drive.plan import Plan
from drive.target import Target
from results import Stages
from tests.truth.loads import HERE, calibrated_server

SERVICE_S = 0.05
SIGMA = 0.5
RATE_PER_S = 150.0


class Quiet:
    """Progress for nobody."""

    def phase(self, text: str) -> None:
        """Say nothing."""

    def second(self, *moments: Moment) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Hold nothing."""


@dataclass(frozen=True)
class Found:
    """What one live duel said of the response times over all endpoints, and how long it took."""

    factor: float
    number: int
    verdict: str
    pairs: int
    repeated: int
    typical: tuple[float, float, float]
    """The change and the ends of its interval, as shares; nan before the first look."""
    p99: tuple[float, float, float]
    took_s: float


def live_duel(
    factor: float, number: int, seconds: float, folder: Path, plan: DuelPlan | None = None
) -> Found:
    """One duel: the candidate's service times are those of the baseline times `factor`."""
    began = time.monotonic()
    shared = ["--slots", "32", "--kind", "lognormal", "--sigma", str(SIGMA)]
    servers = [
        calibrated_server(*shared, "--service", str(service_s), "--seed", str(2 * number + place))
        for place, service_s in enumerate((SERVICE_S, SERVICE_S * factor))
    ]
    with servers[0] as (baseline, _), servers[1] as (candidate, _):
        urls: dict[Side, str] = {"baseline": baseline, "candidate": candidate}
        sides = {side: _stand(side, url) for side, url in urls.items()}
        load = Plan(
            HERE / "one_request.py", Stages.constant(RATE_PER_S, seconds), warmup_s=1.0, seed=100 * number
        )
        stored = DuelCourse(load, plan or DuelPlan(), sides, folder, Quiet()).run()
    result = judge_stored(stored).result
    seen = {
        one.metric: (one.change, one.low, one.high) for one in result.comparisons if one.endpoint == "all"
    }
    unknown = (math.nan, math.nan, math.nan)  # the duel ended before its first look
    return Found(
        factor,
        number,
        result.verdict,
        result.pairs,
        len(stored.repeated),
        seen.get("typical", unknown),
        seen.get("p99", unknown),
        round(time.monotonic() - began, 1),
    )


def _stand(side: Side, url: str) -> Stand:
    target = Target(name=side, allow_load=True, base_url=url)
    return Stand(side, lambda: (target, False))


def main() -> None:
    """Run duels, a line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--factor", type=float, default=1.0)
    parser.add_argument("--duels", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="number of the first duel, which sets its seeds")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run")
    asked = parser.parse_args()
    for number in range(asked.first, asked.first + asked.duels):
        with tempfile.TemporaryDirectory() as folder:
            found = live_duel(asked.factor, number, asked.seconds, Path(folder))
        sys.stdout.write(json.dumps(found.__dict__) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
