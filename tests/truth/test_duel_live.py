from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.truth.duel_live import Found, live_duel
from tests.truth.test_duel_errors import show

pytestmark = [pytest.mark.truth, pytest.mark.timeout(7200)]


def fought(folder: Path, factor: float, duels: int, seconds: float, first: int) -> list[Found]:
    return [live_duel(factor, number, seconds, folder) for number in range(first, first + duels)]


def table(found: list[Found]) -> list[list[str]]:
    head = ["service time", "verdict", "pairs", "runs made again", "typical response time", "seconds"]
    return [head] + [
        [
            *(f"x {one.factor:g}", one.verdict, str(one.pairs), str(one.repeated)),
            "{:+.1%}, {:+.1%} to {:+.1%}".format(*one.typical),
            f"{one.took_s:.0f}",
        ]
        for one in found
    ]


def covered(found: list[Found], truth: Callable[[float], float]) -> float:
    known = [one for one in found if not math.isnan(one.typical[0])]
    return sum(one.typical[1] <= truth(one.factor) <= one.typical[2] for one in known) / len(known)


def test_identical_servers_do_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = fought(tmp_path, 1.0, 30, 6, 1)
    show(capsys, table(found))
    # At 1% each, 2 of 30 would come about in less than one series of 25.
    assert sum(one.verdict == "fail" for one in found) <= 1
    # A nominal 95%: fewer than 24 of 30 come about in less than one series of 500.
    assert covered(found, lambda _: 0.0) >= 0.8


@pytest.mark.parametrize(("factor", "duels", "least"), [(1.1, 10, 0.9), (1.05, 10, 0.6)])
def test_a_slower_server_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], factor: float, duels: int, least: float
) -> None:
    found = fought(tmp_path, factor, duels, 20, 500)
    show(capsys, table(found))
    expected = least * duels
    chance = 2 * math.sqrt(duels * least * (1 - least))
    assert sum(one.verdict == "fail" for one in found) >= expected - chance
    # A change of 5% is below the margin that a pass excludes: simulated, 2.4% of such duels pass.
    assert sum(one.verdict == "pass" for one in found) <= (0 if factor >= 1.1 else 2)
