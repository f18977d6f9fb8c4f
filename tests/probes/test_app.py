"""Metrics pages in the names of OpenTelemetry, HikariCP and Prisma, as their documentation writes them."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from probes.app import AppProbe, readings_from
from probes.probe import ProbeError

OPENTELEMETRY = """\
# TYPE db_client_connection_count gauge
db_client_connection_count{db_client_connection_pool_name="main",db_client_connection_state="idle"} 3
db_client_connection_count{db_client_connection_pool_name="main",db_client_connection_state="used"} 7
db_client_connection_max{db_client_connection_pool_name="main"} 10
db_client_connection_pending_requests{db_client_connection_pool_name="main"} 4
db_client_connection_timeouts_total{db_client_connection_pool_name="main"} 2
db_client_connection_wait_time_seconds_bucket{db_client_connection_pool_name="main",le="0.005"} 90
db_client_connection_wait_time_seconds_sum{db_client_connection_pool_name="main"} 1.5
db_client_connection_wait_time_seconds_count{db_client_connection_pool_name="main"} 100
python_gc_objects_collected_total{generation="0"} 1062
"""
OPENTELEMETRY_DOTTED = """\
# TYPE "db.client.connection.count" gauge
{"db.client.connection.count","db.client.connection.pool.name"="main","db.client.connection.state"="used"} 7
{"db.client.connection.count","db.client.connection.pool.name"="main","db.client.connection.state"="idle"} 3
{"db.client.connection.max","db.client.connection.pool.name"="main"} 10
{"db.client.connection.timeouts","db.client.connection.pool.name"="main"} 2
{"db.client.connection.wait_time_sum","db.client.connection.pool.name"="main"} 1.5
{"db.client.connection.wait_time_count","db.client.connection.pool.name"="main"} 100
{"http.server.request.duration_count"} 9
"""
OPENTELEMETRY_BEFORE = """\
# TYPE db_client_connections_usage gauge
db_client_connections_usage{otel_scope_name="hikaricp-3.0",pool_name="main",state="used"} 7.0
db_client_connections_usage{otel_scope_name="hikaricp-3.0",pool_name="main",state="idle"} 3.0
db_client_connections_max{otel_scope_name="hikaricp-3.0",pool_name="main"} 10.0
db_client_connections_pending_requests{otel_scope_name="hikaricp-3.0",pool_name="main"} 4.0
db_client_connections_timeouts_total{otel_scope_name="hikaricp-3.0",pool_name="main"} 2.0
db_client_connections_wait_time_milliseconds_bucket{pool_name="main",le="5.0"} 90
db_client_connections_wait_time_milliseconds_sum{pool_name="main"} 1500.0
db_client_connections_wait_time_milliseconds_count{pool_name="main"} 100
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
# TYPE prisma_client_queries_wait_histogram_ms histogram
prisma_client_queries_wait_histogram_ms_bucket{le="0"} 0
prisma_client_queries_wait_histogram_ms_bucket{le="+Inf"} 104
prisma_client_queries_wait_histogram_ms_sum 730.5
prisma_client_queries_wait_histogram_ms_count 104
"""


def figures(page: str) -> dict[str, tuple[float, str]]:
    return {reading.metric: (reading.value, reading.kind) for reading in readings_from(page)}


@pytest.mark.parametrize("page", [OPENTELEMETRY, OPENTELEMETRY_DOTTED, OPENTELEMETRY_BEFORE])
def test_opentelemetrys_pool_names_in_every_spelling(page: str) -> None:
    told = figures(page)
    assert told["pool.main.used"] == (7, "gauge")
    assert told["pool.main.idle"] == (3, "gauge")
    assert told["pool.main.max"] == (10, "gauge")
    assert told["pool.main.timeouts"] == (2, "counter")
    assert told["pool.main.wait_seconds"] == (1.5, "counter")
    assert told["pool.main.wait_count"] == (100, "counter")
    if "le=" in page:
        assert told["pool.main.wait_bucket.0.005"] == (90, "counter")
    assert told.get("pool.main.pending", (4, "gauge")) == (4, "gauge")
    assert {metric.split(".")[0] for metric in told} == {"pool"}


def test_time_of_pages_by_route_and_lookups_with_their_time_by_what_was_cached() -> None:
    told = figures(
        'app_render_seconds_count{route="/todos"} 4\n'
        'app_render_seconds_sum{route="/todos"} 0.5\n'
        'app_below_seconds_sum{route="/todos"} 2\n'
        'app_cache_class_lookups_total{key_class="todo.list",result="miss"} 3\n'
        'app_cache_class_seconds_count{key_class="todo.list"} 5\n'
        'app_cache_class_seconds_sum{key_class="todo.list"} 0.25\n'
    )
    assert told == {
        "render_count./todos": (4, "counter"),
        "render_seconds./todos": (0.5, "counter"),
        "below_seconds./todos": (2, "counter"),
        "cache_class.todo.list.misses": (3, "counter"),
        "cache_class.todo.list.seconds": (0.25, "counter"),
    }


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
    assert told["pool.pool.open"] == (9, "gauge")
    assert told["pool.pool.wait_count"] == (104, "counter")
    assert told["pool.pool.wait_seconds"] == (0.7305, "counter")


def test_the_stacks_own_page_and_the_library_that_made_it_agree() -> None:
    registry = CollectorRegistry()
    labels = ("db_client_connection_pool_name", "db_client_connection_state")
    Gauge("db_client_connection_count", "", labels, registry=registry).labels('re\\ad "1"', "used").set(4)
    Counter("db_client_connection_timeouts", "", labels[:1], registry=registry).labels("a,b} c").inc(3)
    told = figures(generate_latest(registry).decode())
    assert list(told.values()) == [(4, "gauge"), (3, "counter")]


@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html>\n<title>Sign in</title>\n",
        '{"status": "ok", "uptime": 12}\n',
        "app works\n",
        "",
        "prisma_pool_connections_busy many\n",
    ],
)
def test_a_page_that_is_no_metrics_page_has_no_figures(page: str) -> None:
    assert figures(page) == {}


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


@pytest.mark.parametrize(
    "text", ["<!doctype html>\n<title>Sign in</title>\n", '{"status": "ok", "uptime": 12}\n', ""]
)
def test_a_page_that_is_not_prometheus_is_said_in_one_line(
    page: tuple[str, dict[str, str]], text: str
) -> None:
    url, content = page
    content["page"] = text
    with pytest.raises(ProbeError, match="not a Prometheus page"):
        AppProbe("api", "api1", url).sample()


def test_a_page_is_read_again_over_the_same_probe(page: tuple[str, dict[str, str]]) -> None:
    url, content = page
    probe = AppProbe("api", "api1", url)
    for used in (1, 2):
        content["page"] = f"prisma_pool_connections_busy {used}\n"
        assert probe.sample()[0].value == used
    probe.close()
