"""Metrics pages in the names of OpenTelemetry, HikariCP and Prisma, as their documentation writes them."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from probes.app import AppProbe, readings_from
from probes.probe import ProbeError

OPENTELEMETRY = """\
# TYPE db_client_connection_count gauge
db_client_connection_count{db_client_connection_pool_name="primary",db_client_connection_state="idle"} 3
db_client_connection_count{db_client_connection_pool_name="primary",db_client_connection_state="used"} 7
db_client_connection_max{db_client_connection_pool_name="primary"} 10
db_client_connection_pending_requests{db_client_connection_pool_name="primary"} 4
db_client_connection_timeouts_total{db_client_connection_pool_name="primary"} 2
db_client_connection_wait_time_seconds_bucket{db_client_connection_pool_name="primary",le="0.005"} 90
db_client_connection_wait_time_seconds_sum{db_client_connection_pool_name="primary"} 1.5
db_client_connection_wait_time_seconds_count{db_client_connection_pool_name="primary"} 100
python_gc_objects_collected_total{generation="0"} 1062
"""
HIKARI = """\
# HELP hikaricp_connections_active Active connections
# TYPE hikaricp_connections_active gauge
hikaricp_connections_active{pool="HikariPool-1",} 9.0
hikaricp_connections_idle{pool="HikariPool-1",} 1.0
hikaricp_connections_max{pool="HikariPool-1",} 10.0
hikaricp_connections_pending{pool="HikariPool-1",} 6.0
hikaricp_connections_timeout_total{pool="HikariPool-1",} 1.0
hikaricp_connections_acquire_seconds_count{pool="HikariPool-1",} 5120.0
hikaricp_connections_acquire_seconds_sum{pool="HikariPool-1",} 2.75E1
"""
PRISMA = """\
# HELP prisma_pool_connections_busy The number of pool connections currently executing datasource queries
prisma_pool_connections_busy 5
prisma_pool_connections_idle 4
prisma_pool_connections_open 9
prisma_client_queries_wait 12
"""


def figures(page: str) -> dict[str, tuple[float, str]]:
    return {reading.metric: (reading.value, reading.kind) for reading in readings_from(page)}


def test_opentelemetrys_pool_names() -> None:
    told = figures(OPENTELEMETRY)
    assert told["pool.primary.used"] == (7, "gauge")
    assert told["pool.primary.max"] == (10, "gauge")
    assert told["pool.primary.pending"] == (4, "gauge")
    assert told["pool.primary.timeouts"] == (2, "counter")
    assert told["pool.primary.wait_seconds"] == (1.5, "counter")
    assert told["pool.primary.wait_count"] == (100, "counter")


def test_hikaricps_pool_names() -> None:
    told = figures(HIKARI)
    assert told["pool.HikariPool-1.used"] == (9, "gauge")
    assert told["pool.HikariPool-1.max"] == (10, "gauge")
    assert told["pool.HikariPool-1.pending"] == (6, "gauge")
    assert told["pool.HikariPool-1.timeouts"] == (1, "counter")
    assert told["pool.HikariPool-1.wait_seconds"] == (27.5, "counter")


def test_prismas_pool_names() -> None:
    told = figures(PRISMA)
    assert told["pool.pool.used"] == (5, "gauge")
    assert told["pool.pool.pending"] == (12, "gauge")


@pytest.fixture
def page() -> Iterator[tuple[str, dict[str, str]]]:
    """A server that answers with `content["page"]`, and its address."""
    content = {"page": ""}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = content["page"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/metrics", content
        server.shutdown()


def test_a_page_that_is_not_prometheus_is_said_in_one_line(page: tuple[str, dict[str, str]]) -> None:
    url, content = page
    content["page"] = "<!doctype html>\n<title>Sign in</title>\n"
    with pytest.raises(ProbeError, match="not a Prometheus page"):
        AppProbe("api", "api1", url).sample()


def test_a_page_is_read_again_over_the_same_probe(page: tuple[str, dict[str, str]]) -> None:
    url, content = page
    probe = AppProbe("api", "api1", url)
    for used in (1, 2):
        content["page"] = f"prisma_pool_connections_busy {used}\n"
        assert probe.sample()[0].value == used
    probe.close()
