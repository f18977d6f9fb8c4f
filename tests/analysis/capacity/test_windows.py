"""Windows as they are known while load goes on, against what became of each single arrival in the end."""

import numpy as np
import pytest

from analysis.capacity import Window, window
from analysis.slo import Count
from results import Endpoint, Flow, Histogram, Interval, parse_slos
from tests.truth.simulated import Floats, Served, SimulatedServer

PAGE, PART = Endpoint("page", "http"), Endpoint("part", "http")
LIMIT_S = 0.25
LAG_S = 2
SECONDS = 20


def known(served: Served, now_s: int) -> tuple[dict[int, list[Interval]], dict[int, list[Flow]]]:
    """What a generator has told by the end of second `now_s` of arrivals with a request each."""
    due, ended = served.arrival_s, served.arrival_s + served.response_s
    intervals, flows = {}, {}
    for second in range(now_s + 1):
        told = (due >= second) & (due < second + 1) & (ended <= now_s + 1)
        response = Histogram.from_values_us(served.response_s[told] * 1e6)
        intervals[second] = [Interval(second, "g0", PAGE, response, response)]
        flows[second] = [
            Flow(
                second,
                "g0",
                scheduled=int(((due >= second) & (due < second + 1)).sum()),
                finished=int(((ended >= second) & (ended < second + 1)).sum()),
                in_flight=int(((due < second + 1) & (ended >= second + 1)).sum()),
            )
        ]
    return intervals, flows


def windows(served: Served, slos: str) -> list[Window]:
    """A window for each second, as soon as it can be judged."""
    wanted = parse_slos(slos)
    return [
        window(second, *known(served, second + LAG_S), wanted, second + LAG_S)
        for second in range(SECONDS - LAG_S)
    ]


def responses(served: Served, second: int) -> Floats:
    """What the arrivals of a second took in the end."""
    took: Floats = served.response_s[np.floor(served.arrival_s) == second]
    return took


@pytest.mark.parametrize("rate_per_s", [30, 49, 60, 100, 300])
def test_requests_that_have_not_ended_count_as_over_and_each_request_once(rate_per_s) -> None:
    served = SimulatedServer(1, 0.02, seed=rate_per_s).serve(rate_per_s, SECONDS)
    for second, seen in enumerate(windows(served, "p99 < 250ms")):
        took = responses(served, second)
        assert seen.scheduled == seen.counts[0].n == took.size
        # A histogram's bucket is 0.4% of the limit wide.
        assert seen.counts[0].over == pytest.approx((took > LIMIT_S).sum(), abs=1)


def test_servers_that_overtake_each_other_mislead_by_no_more_than_their_number() -> None:
    slots = 8
    served = SimulatedServer(slots, 0.16, seed=5).serve(100, SECONDS)
    over = [seen.counts[0].over for seen in windows(served, "p99 < 250ms")]
    true = [(responses(served, second) > LIMIT_S).sum() for second in range(SECONDS - LAG_S)]
    assert max(true) > 90
    assert np.abs(np.subtract(over, true)).max() <= slots


def test_what_has_not_ended_took_at_least_the_limit_and_is_no_error() -> None:
    served = SimulatedServer(1, 0.02, "fixed", seed=2).serve(100, SECONDS)
    for second, seen in enumerate(windows(served, "p99 < 250ms, mean < 100ms, errors < 1%")):
        took = responses(served, second)
        ended = (served.arrival_s + served.response_s <= second + LAG_S + 1)[
            np.floor(served.arrival_s) == second
        ]
        sure = took[ended].sum() + (~ended).sum() * LIMIT_S
        assert seen.mean_response_us == pytest.approx(sure / took.size * 1e6, rel=0.01)
        assert seen.mean_response_us <= took.mean() * 1e6 * 1.01
        _, mean, errors = seen.counts
        assert mean.over <= took.sum() / 0.1 * 1.01
        assert errors == Count(took.size, 0)


def test_in_a_run_that_is_over_nothing_is_left_to_be_added() -> None:
    served = SimulatedServer(1, 0.02, seed=3).serve(100, SECONDS)
    end_s = int((served.arrival_s + served.response_s).max()) + 1
    (seen,) = window(10, *known(served, end_s), parse_slos("p99 < 250ms")).counts
    took = responses(served, 10)
    assert seen.n == took.size
    assert seen.over == pytest.approx((took > LIMIT_S).sum(), abs=1)


@pytest.mark.parametrize(
    ("slo", "n", "over"),
    [
        ("p99 < 250ms", 30, 12),
        ("page p99 < 250ms", 10, 4),
        ("part p99 < 250ms", 20, 8),
        ("other p99 < 250ms", 0, 0),
    ],
)
def test_an_arrival_that_has_not_ended_misses_as_many_requests_as_the_others_made(slo, n, over) -> None:
    # 6 of 10 arrivals have ended, each with one page and two parts.
    fast = Histogram.from_values_us([10_000.0] * 6)
    own = [Interval(0, "g0", PAGE, fast, fast), Interval(0, "g0", PART, fast + fast, fast + fast)]
    flows = {
        0: [Flow(0, "g0", scheduled=10, finished=6)],
        1: [Flow(1, "g0", scheduled=3, in_flight=5, backlog=2)],
    }
    assert window(0, {0: own}, flows, parse_slos(slo), 1).counts == (Count(n, over),)


def test_a_second_of_which_nothing_has_ended_is_over_as_a_whole() -> None:
    flows = {0: [Flow(0, "g0", scheduled=10, in_flight=10)], 1: [Flow(1, "g0", scheduled=3, in_flight=40)]}
    seen = window(0, {}, flows, parse_slos("p99 < 250ms, page p99 < 250ms"), 1)
    assert seen.counts == (Count(10, 10), Count(10, 10))
