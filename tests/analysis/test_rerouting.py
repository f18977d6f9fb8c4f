from __future__ import annotations

import numpy as np
import pytest

from analysis.rerouting import reroutings
from analysis.samples import Samples
from results import Event, Gap, Series


def told(metric: str, values: list[float], kind: str = "counter", server: str = "web/web1") -> Series:
    return Series("lb", server, metric, kind, np.arange(len(values), dtype=float), np.array(values))  # type: ignore[arg-type]


# Dead from 10 s on; its health check takes it out at 14 s, requests go to it until 12 s; back at 20 s.
UP = told("up", [1.0] * 14 + [0.0] * 6 + [1.0] * 10, "gauge")
REQUESTS = told(
    "requests", [*(10.0 * n for n in range(13)), *[120.0] * 8, *(120 + 10.0 * n for n in range(9))]
)
ERRORS = told("connect_errors", [0.0] * 11 + [4.0] + [7.0] * 18)
RETRIES = told("retries", [0.0] * 12 + [3.0] * 18)


def samples(*series: Series) -> Samples:
    return Samples(series, 0, 30)


def test_time_counts_from_the_first_sign_until_no_request_follows() -> None:
    gap = Gap("web", "web1", 10, 20, "refused")
    (found,) = reroutings(samples(UP, REQUESTS, ERRORS, RETRIES), [gap], [])
    assert (found.server, found.began_s, found.sign) == ("web/web1", 10, "its own page did not answer")
    assert found.moved_s == 13
    assert found.took_s == 3
    assert found.back_s == 20
    assert (found.failed, found.sent_again) == (7, 3)


def test_fault_that_was_injected_is_the_first_sign_where_it_came_first() -> None:
    data = {"name": "web-instance-down", "from_s": 9.0}
    began = Event(9, "fault", "fault web-instance-down: it is killed", data=data | {"to_s": None})
    ended = Event(19, "fault", "fault web-instance-down is over", data=data | {"to_s": 19.0})
    (found,) = reroutings(samples(UP, REQUESTS, ERRORS), [], [began, ended])
    assert (found.began_s, found.took_s) == (9, 4)
    assert found.sign == "the fault web-instance-down"


def test_gap_of_another_instance_says_nothing_of_this_one() -> None:
    (found,) = reroutings(samples(UP, REQUESTS, ERRORS), [Gap("web", "web2", 9, 20, "refused")], [])
    assert (found.began_s, found.sign) == (11, "failed requests")


def test_server_that_goes_on_being_asked_never_moved() -> None:
    always = told("requests", [10.0 * n for n in range(30)])
    (found,) = reroutings(samples(UP, always), [], [])
    assert found.moved_s is None
    assert found.took_s is None


def test_server_that_stays_out_is_not_back() -> None:
    gone = told("up", [1.0] * 5 + [0.0] * 5, "gauge")
    (found,) = reroutings(samples(gone), [], [])
    assert found.back_s is None


@pytest.mark.parametrize("series", [[], [told("up", [1.0] * 30, "gauge")]])
def test_nothing_was_out(series: list[Series]) -> None:
    assert reroutings(samples(*series), [], []) == []


def test_server_that_was_out_before_the_run_began_was_not_routed_around_in_it() -> None:
    up = told("up", [0.0] * 5 + [1.0] * 5 + [0.0] * 5 + [1.0] * 15, "gauge")
    (found,) = reroutings(samples(up), [], [])
    assert (found.began_s, found.back_s) == (10, 15)
