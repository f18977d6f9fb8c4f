"""Figures of a request log, by lines as HAProxy's documentation writes them."""

from pathlib import Path

import pytest

from probes.access_log import AccessLogProbe

OK = (
    "127.0.0.1:41234 [24/Nov/2026:13:00:00.123] public web/web1 10/3/30/69/109 200 2750 - - ---- "
    '1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"\n'
)
REDISPATCHED = (
    "127.0.0.1:41235 [24/Nov/2026:13:00:00.500] public web/web2 0/0/0/7/+9 503 212 - - ---- "
    '3/3/1/1/+2 0/0 "GET / HTTP/1.1"\n'
)
NEVER_SENT = (
    "127.0.0.1:41236 [24/Nov/2026:13:00:01.000] public web/<NOSRV> 0/60000/-1/-1/60000 503 212 - - sQ-- "
    '3/3/1/1/0 0/9 "GET /todos HTTP/1.1"\n'
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "haproxy.log"
    file.write_text(OK)  # before the run began
    return file


def write(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def figures(probe: AccessLogProbe) -> dict[str, dict[str, float]]:
    told: dict[str, dict[str, float]] = {}
    for reading in probe.sample():
        told.setdefault(reading.instance, {})[reading.metric.removeprefix("log.")] = reading.value
    return told


def test_each_servers_requests_times_retries_and_failures(log: Path) -> None:
    probe = AccessLogProbe(str(log))
    write(log, OK * 3 + REDISPATCHED + "[WARNING]  (12) : Server web/web2 is DOWN\n" + NEVER_SENT)
    told = figures(probe)
    assert told["web/web1"] == pytest.approx(
        {
            "requests": 3,
            "queue_seconds": 0.009,
            "connect_seconds": 0.09,
            "response_seconds": 0.207,
            "total_seconds": 0.327,
            "errors_5xx": 0,
            "aborted": 0,
            "retries": 0,
        }
    )
    assert told["web/web2"]["total_seconds"] == pytest.approx(0.009)
    assert (told["web/web2"]["retries"], told["web/web2"]["errors_5xx"]) == (2, 1)
    # What did not come about is no time: it neither adds to a sum nor takes from it.
    assert told["web/<NOSRV>"]["response_seconds"] == told["web/<NOSRV>"]["connect_seconds"] == 0
    assert told["web/<NOSRV>"]["queue_seconds"] == 60
    assert told["web/<NOSRV>"]["aborted"] == 1


def test_figures_grow_and_a_rotated_log_is_read_from_its_beginning(log: Path) -> None:
    probe = AccessLogProbe(str(log))
    write(log, OK)
    assert figures(probe)["web/web1"]["requests"] == 1
    write(log, OK[:40])
    assert figures(probe)["web/web1"]["requests"] == 1
    write(log, OK[40:])
    assert figures(probe)["web/web1"]["requests"] == 2
    log.write_text(OK)
    assert figures(probe)["web/web1"]["requests"] == 3
