from collections.abc import Callable

import pytest

from analysis.capacity.level import Done, Level, LevelResult, Window
from analysis.capacity.search import Search
from analysis.capacity.settings import Settings
from analysis.slo import Count
from results import parse_slos

SLOS = tuple(parse_slos("p99 < 100ms"))
LIMIT_PER_S = 450.0


def share_over(rate_per_s: float) -> float:
    """Of a system whose limit is known: 1% are slow there, and far more a little above."""
    return min(0.01 * (rate_per_s / LIMIT_PER_S) ** 50, 0.9)


def windows(rate_per_s: float, seconds: int) -> tuple[Window, ...]:
    arrivals = max(round(rate_per_s), 1)
    over = Count(arrivals, round(arrivals * share_over(rate_per_s)))
    return tuple(Window(arrivals, arrivals, 3, 10_000.0, (over,)) for _ in range(seconds))


def held(level: Level, *problems: str) -> LevelResult:
    """The level as that system answers it, held no longer than needed."""
    seconds = max(int(level.min_s), 1)
    return LevelResult(level, windows(level.rate_per_s, seconds), seconds + 3.0, problems)


def overloaded(level: Level) -> LevelResult:
    """More comes in each second than goes out, and nearly all of it is late."""
    grown = tuple(Window(400, 300, 100 * (at + 1), 1e6, (Count(400, 390),)) for at in range(5))
    return LevelResult(level, grown, 8.0)


def steps(search: Search, hold: Callable[[Level], LevelResult] = held) -> tuple[list[Level], Done]:
    """Every level that the search asks for, and how it ends."""
    asked = []
    while isinstance(step := search.next(), Level):
        asked.append(step)
        search.observe(hold(step))
    return asked, step


def test_the_rate_doubles_until_one_fails_and_then_closes_in_on_the_limit() -> None:
    search = Search(Settings(SLOS))
    asked, _ = steps(search)
    assert [level.rate_per_s for level in asked[:6]] == [25, 50, 100, 200, 400, 800]
    narrow = [level.rate_per_s for level in asked if level.purpose == "narrow"]
    assert min(narrow[-3:]) < LIMIT_PER_S < max(narrow[-3:])
    assert search.best().rate_per_s == pytest.approx(LIMIT_PER_S, rel=0.03)
    assert asked[-1].purpose == "confirm"
    assert asked[-1].rate_per_s < LIMIT_PER_S
    assert [level.number for level in asked] == list(range(len(asked)))


def test_a_level_that_overloads_is_followed_by_a_pause_below_what_came_through() -> None:
    search = Search(Settings(SLOS, start_per_s=400))
    first = search.next()
    assert isinstance(first, Level)
    search.observe(overloaded(first))
    pause = search.next()
    assert isinstance(pause, Level)
    assert pause.purpose == "recover"
    assert 0 < pause.rate_per_s < 300


def test_a_level_that_is_no_evidence_is_held_again_and_once_more_ends_what_lies_above() -> None:
    asked, done = steps(
        Search(Settings(SLOS)),
        lambda level: held(level, *(["a worker was lost"] if level.rate_per_s > 150 else [])),
    )
    assert [level.rate_per_s for level in asked[:5]] == [25, 50, 100, 200, 200]
    assert max(level.rate_per_s for level in asked) == 200
    assert done.reason == "not valid"


def test_a_system_that_never_fails_is_confirmed_at_the_highest_rate_allowed() -> None:
    asked, done = steps(Search(Settings(SLOS, max_per_s=300)))
    assert (asked[-1].rate_per_s, asked[-1].purpose, done.reason) == (300, "confirm", "max rate")


def test_a_system_that_fails_at_the_lowest_rate_is_not_searched_further() -> None:
    asked, done = steps(Search(Settings(SLOS, start_per_s=2000, min_per_s=1000)))
    assert [level.rate_per_s for level in asked] == [2000, 1000]
    assert done.reason == "min rate"


@pytest.mark.parametrize("budget_s", [60, 100, 150])
def test_the_budget_is_kept(budget_s: float) -> None:
    search = Search(Settings(SLOS, budget_s=budget_s, precision=0))
    _, done = steps(search)
    assert done.reason == "budget"
    assert search.spent_s <= budget_s


def test_a_bracketing_level_ends_early_unless_it_is_near_the_limit() -> None:
    search = Search(Settings(SLOS))
    level = Level(400, "bracket", 5, 15)
    far_below, near = windows(300, 5), windows(449, 5)
    assert not search.enough(level, far_below[:4])
    assert search.enough(level, far_below)
    assert not search.enough(level, near)
    assert search.enough(level, near * 3)
