"""Capacity searches on the live calibrated server: real load, real clock, and a limit known from a formula.

`python -m tests.truth.live_searches FILE.jsonl --seeds 0-3 --budget 240` adds a line for each search.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np

from analysis.capacity import Done, Level, Search, Settings, Window
from drive import capacity
from drive.plan import plan_from
from drive.progress import PlainProgress
from drive.target import Target
from tests.truth.loads import calibrated_server
from tests.truth.searches import Errors, Setting, table

SCENARIO = str(Path(__file__).resolve().parent / "one_request.py")
LIVE = [
    Setting("exponential", 1, 0.002, 0.15),
    Setting("exponential", 4, 0.01, 0.2),
    Setting("exponential", 8, 0.02, 0.25),
    Setting("exponential", 16, 0.04, 0.3),
    Setting("fixed", 1, 0.0025, 0.15),
    Setting("fixed", 8, 0.02, 0.2),
]
"""Limits of 370 to 470/s: the server only sleeps, so that two can be searched side by side.

A machine that is shared stalls for 20 ms now and then, which the formula does not know: the latency limits
are several times as long. With limits of 60 to 100 ms the same searches read up to 10% too low.
"""
TRIAL_S = 20.0


@dataclass(frozen=True)
class Result:
    """One search of one method; rates per second."""

    method: str
    setting: str
    seed: int
    truth_per_s: float
    found_per_s: float
    low_per_s: float
    high_per_s: float
    spent_s: float
    invalid_levels: int

    @property
    def error(self) -> float:
        return self.found_per_s / self.truth_per_s - 1


class Bisection(Search):
    """What is usually done: doubling, then bisection; each rate judged by one trial of a fixed length.

    It takes the search's place in the same course of load: the same generators, windows and budget. Between
    trials the load rests until the server is idle, so that no trial finds what another left behind.
    """

    low_per_s = 0.0
    high_per_s = math.inf
    _rested = True

    def next(self) -> Level | Done:
        left_s = self.settings.budget_s - self.spent_s
        if self.history and self._rested:
            self._learn()
        if left_s < TRIAL_S + self.settings.overhead_s or self.high_per_s < 1.01 * self.low_per_s:
            return Done("budget")
        if self.history and self._rested:
            self._rested = False
            return Level(0.1, "recover", 3, 60, len(self.history))
        self._rested = True
        return Level(self._wanted(), "bracket", TRIAL_S, TRIAL_S, len(self.history))

    def enough(self, level: Level, windows: list[Window]) -> bool:  # type: ignore[override]
        return len(windows) >= level.min_s and (level.purpose == "bracket" or windows[-1].in_flight <= 1)

    def _wanted(self) -> float:
        if not self.low_per_s and math.isinf(self.high_per_s):
            return self.settings.start_per_s
        if math.isinf(self.high_per_s):
            return 2 * self.low_per_s
        return (self.low_per_s + self.high_per_s) / 2

    def _learn(self) -> None:
        """A trial passes when its quantile is within the limit, whatever the noise."""
        level, windows = self.history[-1].result.level, self.history[-1].result.windows
        over = sum(window.counts[0].over for window in windows)
        if over <= (1 - self.settings.slos[0].quantile) * sum(window.counts[0].n for window in windows):
            self.low_per_s = max(self.low_per_s, level.rate_per_s)
        else:
            self.high_per_s = min(self.high_per_s, level.rate_per_s)


def find(setting: Setting, seed: int, budget_s: float, runs: Path) -> Result:
    """One search as `harness capacity` makes it."""
    with calibrated(setting, seed) as target:
        settings = Settings(setting.slos, budget_s=budget_s)
        found = capacity.find_capacity(
            plan_from(SCENARIO, seed=seed), target, settings, runs, quiet()
        ).capacity
    invalid = sum(bool(level.problems) for level in found.levels)
    rate, low, high = found.rate_per_s or 0.0, found.low_per_s or 0.0, found.high_per_s or 0.0
    return Result("search", setting.name, seed, setting.truth_per_s, rate, low, high, found.spent_s, invalid)


def bisect(setting: Setting, seed: int, budget_s: float, runs: Path) -> Result:
    """One bisection, given a start at a quarter of the limit, which the search has to find by itself."""
    made: list[Bisection] = []

    def make(settings: Settings) -> Bisection:
        made.append(Bisection(settings))
        return made[-1]

    with calibrated(setting, seed) as target, mock.patch.object(capacity, "Search", make):
        settings = Settings(setting.slos, start_per_s=setting.truth_per_s / 4.3, budget_s=budget_s)
        capacity.find_capacity(plan_from(SCENARIO, seed=seed), target, settings, runs, quiet())
    one = made[0]
    middle = (one.low_per_s + one.high_per_s) / 2
    return Result(
        "bisection, 20 s trials", setting.name, seed, setting.truth_per_s, middle, one.low_per_s,
        one.high_per_s, one.spent_s, sum(not seen.valid for seen in one.history),
    )  # fmt: skip


@contextmanager
def calibrated(setting: Setting, seed: int) -> Iterator[Target]:
    """The target that is a calibrated server of its own."""
    flags = ["--slots", str(setting.slots), "--service", str(setting.service_s), "--kind", setting.kind]
    with calibrated_server(*flags, "--seed", str(seed)) as (url, _):
        yield Target(name="calibrated", base_url=url, allow_load=True)


def quiet() -> PlainProgress:
    """Progress that nobody reads."""
    return PlainProgress(StringIO())


def errors_by_setting(results: list[Result]) -> dict[str, Errors]:
    """The errors of one method, by setting and over all."""
    settings = list(dict.fromkeys(one.setting for one in results))
    groups = {name: [one for one in results if one.setting == name] for name in settings} | {"all": results}
    return {
        name: Errors(np.array([one.error for one in group]), max(one.spent_s for one in group))
        for name, group in groups.items()
    }


def live_table(results: list[Result]) -> str:
    """The errors of each method, setting by setting."""
    methods = list(dict.fromkeys(one.method for one in results))
    return table({m: errors_by_setting([one for one in results if one.method == m]) for m in methods})


def main() -> None:
    """Make searches and add their results to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", default="0-3")
    parser.add_argument("--budget", type=float, default=240.0)
    parser.add_argument("--method", choices=["search", "bisection"], default="search")
    given = parser.parse_args()
    first, last = (int(side) for side in given.seeds.split("-"))
    method: Callable[[Setting, int, float, Path], Result] = find if given.method == "search" else bisect
    for seed in range(first, last + 1):
        for setting in LIVE:
            with tempfile.TemporaryDirectory() as runs:
                found = method(setting, seed, given.budget, Path(runs))
            with given.file.open("a") as out:
                out.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    main()
