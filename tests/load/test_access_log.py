"""Access logs: real lines of the stack's HAProxy, and of nginx's documented combined format."""

from __future__ import annotations

from pathlib import Path

import pytest

from load.access_log import Logged, parse_line, recorded, recording
from results import UsageError

DATA = Path(__file__).parent / "data"
HAPROXY = (DATA / "haproxy_access.txt").read_text()
COMBINED = (DATA / "nginx_combined.txt").read_text()


def test_a_line_of_haproxy_is_its_request_at_its_beginning() -> None:
    found = parse_line(HAPROXY.splitlines()[3])
    assert found is not None
    assert (found.method, found.path, found.status, found.frontend) == (
        "GET",
        "/search?q=a%20b",
        303,
        "public",
    )
    assert found.at_s % 60 == pytest.approx(53.387)


@pytest.mark.parametrize("number", [0, 4])
def test_what_is_no_request_is_none(number: int) -> None:
    assert parse_line(HAPROXY.splitlines()[number]) is None


def test_haproxys_requests_come_in_the_order_and_at_the_times_of_their_beginnings() -> None:
    found = recorded(HAPROXY.splitlines(), frontend="public")
    assert [(request.path, request.status) for request in found.requests] == [
        ("/signin", 503),
        ("/signin", 200),
        ("/search?q=a%20b", 303),
    ]
    assert [request.at_s for request in found.requests] == pytest.approx([0, 0.161, 73.732], abs=1e-6)
    assert found.left_out == {"not a request": 2, "frontend inner": 1, "POST": 1}


def test_every_line_is_replayed_or_left_out_for_a_reason() -> None:
    found = recorded(HAPROXY.splitlines(), frontend="public", methods="get, post")
    assert len(found.requests) + sum(found.left_out.values()) == len(HAPROXY.splitlines())


def test_a_speed_brings_the_times_closer() -> None:
    found = recorded(HAPROXY.splitlines(), frontend="public", speed=10)
    assert [request.at_s for request in found.requests] == pytest.approx([0, 0.0161, 7.3732], abs=1e-6)


def test_nginx_tells_seconds_and_time_zones_and_a_second_is_filled_evenly() -> None:
    found = recorded(COMBINED.splitlines())
    assert found.requests == (
        Logged(0.0, "GET", "/a", 200),
        Logged(0.5, "GET", "/b?x=1", 404),
        Logged(2.0, "HEAD", "/c", 200),
    )
    assert found.left_out == {"not a request": 1}


def test_bins_hold_every_request_once() -> None:
    assert recorded(COMBINED.splitlines()).per_bin(1) == [2, 0, 1]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (HAPROXY, {}, "frontends inner, public: name one"),
        (HAPROXY, {"frontend": "other"}, "no GET, HEAD request"),
        (COMBINED, {"methods": "PUT"}, "2 GET, 1 HEAD, 1 not a request"),
        ("", {}, "it is empty"),
        ("hello\n", {}, "1 not a request"),
    ],
)
def test_a_log_without_anything_to_replay_says_why(text: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        recorded(text.splitlines(), **options)  # type: ignore[arg-type]


def test_a_log_that_grows_meanwhile_stays_what_it_was(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(COMBINED)
    size = log.stat().st_size
    log.write_text(COMBINED * 2)
    assert len(recording(str(log), size).requests) == 3
    assert len(recording(str(log), size * 2).requests) == 6


def test_a_log_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.log: No such file"):
        recording(str(tmp_path / "nothing.log"))
