import pytest

from analysis.capacity.findings import Findings
from analysis.capacity.level import Level, LevelResult, Purpose, Window
from analysis.capacity.settings import Settings
from analysis.slo import Count
from results import parse_slos

SETTINGS = Settings(tuple(parse_slos("p99 < 100ms")))


def window(rate_per_s: int, over: int, mean_ms: float = 10) -> Window:
    return Window(rate_per_s, rate_per_s, 3, mean_ms * 1e3, (Count(rate_per_s, over),))


def level(
    rate_per_s: int, over: int, purpose: Purpose = "narrow", problems: tuple[str, ...] = ()
) -> LevelResult:
    """Twenty seconds at a rate with so many slow requests in each; 1% are allowed."""
    windows = tuple(window(rate_per_s, over) for _ in range(20))
    return LevelResult(Level(rate_per_s, purpose, 20, 20), windows, 22.0, problems)


def findings(*levels: LevelResult) -> Findings:
    found = Findings(SETTINGS)
    for one in levels:
        found.observe(one)
    return found


@pytest.mark.parametrize(("over", "outcome"), [(1, "pass"), (4, "unclear"), (20, "fail")])
def test_a_level_passes_or_fails_where_its_share_is_surely_on_one_side(over: int, outcome: str) -> None:
    found = findings(level(400, over))
    assert found.outcome(found.history[0]) == outcome


def test_neither_a_pause_nor_a_level_with_problems_is_evidence() -> None:
    found = findings(level(100, 0, "recover"), level(200, 0, problems=("a worker was lost",)), level(300, 0))
    assert [seen.rate_per_s for seen in found.evidence] == [300]
    assert found.outcome(found.history[1]) == "invalid"


def test_a_level_far_over_is_no_evidence_once_its_rate_was_clearly_kept() -> None:
    failed, kept = level(400, 100), level(400, 1)
    assert not findings(failed).disturbed(findings(failed).history[0])
    found = findings(failed, kept)
    assert found.disturbed(found.history[0])
    assert found.evidence == found.history[1:]
    before = findings(kept, failed)
    assert before.evidence == before.history


def test_the_limit_is_bracketed_between_a_rate_that_was_kept_and_one_that_was_not() -> None:
    assert not findings(level(200, 0), level(300, 0)).bracketed
    assert findings(level(200, 0), level(400, 20)).bracketed


def test_failing_twice_at_a_rate_is_beyond_doubt_and_failing_once_by_little_is_not() -> None:
    once = findings(level(200, 0), level(400, 12))
    assert not once.beyond_doubt(once.history[1])
    twice = findings(level(200, 0), level(400, 12), level(404, 12))
    assert twice.beyond_doubt(twice.history[1])


def test_a_pause_has_worked_off_its_backlog_at_a_third_of_the_limit_or_without_load() -> None:
    found = findings()
    assert found.recovered(window(100, 0, mean_ms=33))
    assert not found.recovered(window(100, 0, mean_ms=40))
    assert found.recovered(window(0, 0, mean_ms=40))


def test_the_best_estimate_is_the_limit_that_the_shares_were_made_from() -> None:
    limit_per_s, slope = 450, 50
    shares = {rate: 0.01 * (rate / limit_per_s) ** slope for rate in (435, 445, 455, 465)}
    found = findings(*(level(rate, round(rate * share)) for rate, share in shares.items()))
    assert found.best().rate_per_s == pytest.approx(limit_per_s, rel=0.01)
