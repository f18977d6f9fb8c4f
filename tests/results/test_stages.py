import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results import Slo, Stage, Stages, UsageError, parse_duration_s, parse_rate_per_s, parse_slos

RAMP = Stages.parse("50/s for 30s, ramp to 200/s over 1m, 200/s for 30s")


def test_the_rate_follows_the_words() -> None:
    assert [RAMP.rate_at(at) for at in (0, 29.9, 60, 90, 119, 121)] == [50, 50, 125, 200, 200, 0]


def test_expected_arrivals_are_the_rates_integral() -> None:
    times = np.linspace(0, 120, 120_001)
    summed = np.trapezoid([RAMP.rate_at(at) for at in times], times)
    assert RAMP.cumulative(120) == pytest.approx(summed, rel=1e-3)
    assert RAMP.cumulative(120) == 50 * 30 + 125 * 60 + 200 * 30


@given(st.floats(0.001, 119.99))
def test_time_of_inverts_cumulative(at_s: float) -> None:
    assert RAMP.time_of(RAMP.cumulative(at_s)) == pytest.approx(at_s, abs=1e-6)


def test_there_is_no_time_after_the_last_arrival() -> None:
    assert RAMP.time_of(RAMP.cumulative(120) + 1) == float("inf")


def test_holds_are_the_steady_stretches() -> None:
    assert RAMP.holds() == [(0, 30, 50), (90, 120, 200)]


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 100), st.booleans()), min_size=1, max_size=6))
def test_the_text_of_stages_parses_to_the_same_stages(pieces: list[tuple[int, int, bool]]) -> None:
    level, stages = 0.0, []
    for target, seconds, is_ramp in pieces:
        stages.append(Stage(level if is_ramp else float(target), float(target), float(seconds)))
        level = float(target)
    assert Stages.parse(Stages(tuple(stages)).text) == Stages(tuple(stages))


def test_users_are_the_closed_model() -> None:
    assert not Stages.parse("20 users for 30s").open


@pytest.mark.parametrize(
    "text", ["", "fast", "50/s", "50/s for ever", "50/s for 0s", "ramp to 5/s", "5/s for 3s, 5 users for 3s"]
)
def test_other_words_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Stages.parse(text)
    assert "\n" not in str(refused.value)


def test_durations_and_rates_have_units() -> None:
    assert parse_duration_s("1m30s") == 90
    assert parse_duration_s("250ms") == 0.25
    assert parse_rate_per_s("900/m") == 15
    for text in ("10", "s", "5 parsecs"):
        with pytest.raises(UsageError):
            parse_duration_s(text)
    with pytest.raises(UsageError):
        parse_rate_per_s("200")


def test_objectives_are_read_as_they_are_written() -> None:
    slos = parse_slos("p99<250ms, errors < 0.1%, todo.list p95 <= 0.1s, max<2s")
    assert slos == [
        Slo("latency", 0.99, 250_000),
        Slo("errors", 0.0, 0.001),
        Slo("latency", 0.95, 100_000, "todo.list"),
        Slo("latency", 1.0, 2_000_000),
    ]
    assert [slo.text for slo in slos] == [
        "p99 < 250 ms",
        "errors < 0.1%",
        "todo.list p95 < 100 ms",
        "max < 2 s",
    ]


@pytest.mark.parametrize("text", ["p99", "p99 > 3s", "errors < 5", "errors < 200%", "p99 < 0ms", "soon"])
def test_other_objectives_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_slos(text)
