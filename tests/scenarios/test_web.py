"""Web scenarios: what the harness counted beside what load balancer, instances and worker counted."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.scenarios.conftest import HERE, Drive, Driven, Servers, wait_for

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def api(drive: Drive) -> Driven:
    return drive(str(HERE / "mixed_api.py"), "haproxy", "api", "jobs", rate_per_s=40, for_s=4)


@pytest.fixture(scope="module")
def pages(drive: Drive) -> Driven:
    return drive(str(HERE / "mixed_pages.py"), "haproxy", "web", rate_per_s=40, for_s=3)


def test_no_answer_was_wrong_and_no_row_another_teams(api: Driven, pages: Driven) -> None:
    assert not api.failures()
    assert not pages.failures()


def test_every_procedure_is_counted_as_the_api_counted_it(api: Driven) -> None:
    counted: Counter[str] = Counter()
    for endpoint in api.run.endpoints:
        if endpoint.kind == "trpc":
            counted[re.split(r" \[|,", endpoint.name)[0]] += api.run.merged(endpoint, setup=True).count
    # A search page asks for who is there and for what was searched.
    for procedure in ("auth.me", "todo.search"):
        counted[procedure] += api.count("/search")
    by_api: Counter[str] = Counter()
    for name, grown in api.grown["api"].items():
        found = re.match(r'app_procedure_calls_total\{code="\w+",procedure="([\w.]+)"\}', name)
        if found and grown:
            by_api[found[1]] += int(grown)
    assert by_api == counted


def test_a_batch_is_one_request_at_the_load_balancer(api: Driven) -> None:
    requests = api.count("", "trpc") + api.count("", "page") + api.count("", "file")
    of_three = sum(api.count(f"team.dashboard [{link}]") for link in ("batch", "stream"))
    of_two = api.count("todo.update [batch]") / 2
    assert api.grown["haproxy"]["requests"] == requests - 2 * of_three - of_two


def test_another_teams_todo_is_not_found_and_that_is_no_failure(api: Driven) -> None:
    refused = api.grown["api"]['app_procedure_calls_total{code="NOT_FOUND",procedure="todo.byId"}']
    assert 0 < refused <= api.count("todo.byId, anyone's")


def test_latency_is_told_by_team_size(api: Driven) -> None:
    sizes = {name for e in api.run.endpoints for name in re.findall(r"\[(\w+ team)\]", e.name)}
    assert sizes
    assert sizes <= {"small team", "medium team", "large team"}


def test_every_job_that_was_left_is_done_or_in_the_queue(api: Driven, servers: Servers) -> None:
    left = api.count("todo.create")
    assert api.grown["api"]["app_jobs_enqueued_total"] == left > 0
    wait_for(lambda: servers.metrics("jobs")["app_jobs_queued"] == 0)
    done = servers.metrics("jobs")["app_jobs_done_total"]
    at_the_end = api.grown["jobs"]["app_jobs_done_total"]
    assert at_the_end <= left <= done
    assert api.grown["jobs"]["app_jobs_dead_total"] == 0
    assert api.count("job, left to seen") == api.count("notification.markRead")


def test_the_query_caches_lookups_are_told_by_what_was_cached(api: Driven) -> None:
    by_class = {n: grown for n, grown in api.grown["api"].items() if n.startswith("app_cache_class_lookups")}
    whole = sum(api.grown["api"][f'app_cache_{name}_total{{cache="query"}}'] for name in ("hits", "misses"))
    assert sum(by_class.values()) == whole > 0
    asked = sum(grown for name, grown in by_class.items() if '"todo.search"' in name)
    assert asked == api.count("todo.search") + api.count("/search")


def test_sessions_are_those_that_were_signed_in(api: Driven) -> None:
    assert api.grown["api"]['app_cache_sets_total{cache="session"}'] == api.count("auth.signIn") > 0


def test_files_go_up_and_come_down_in_classes_of_size(api: Driven) -> None:
    uploads = sum(
        api.grown["api"][f'app_requests_total{{route="files.upload",status="{s}"}}'] for s in (201,)
    )
    parts = api.grown["api"]['app_requests_total{route="files.download",status="206"}']
    assert uploads == api.count("POST /files") > 0
    assert parts == api.count("GET /files/[id], part")
    received = {
        size: sum(
            piece.bytes_received
            for piece in api.run.intervals()
            if piece.endpoint.name == f"GET /files/[id] [{size}]"
        )
        for size in ("4 KiB", "256 KiB")
    }
    assert received["4 KiB"] >= api.count("GET /files/[id] [4 KiB]") * 4096


def test_pages_are_counted_as_the_instances_counted_them(pages: Driven) -> None:
    for route, names in {
        "/dashboard": ("/dashboard",),
        "/calendar": ("/calendar",),
        "/notifications": ("/notifications",),
        "/todos": ("/todos",),
        "/signin": ("/signin", "POST /signin"),
    }.items():
        by_web = sum(
            grown for name, grown in pages.grown["web"].items()
            if name.startswith(f'app_requests_total{{route="{route}",')
        )  # fmt: skip
        assert by_web == sum(pages.count(name, "page") for name in names), route


def test_rendering_is_counted_once_a_page_at_the_instance_too(pages: Driven) -> None:
    shown = sum(pages.run.merged(e, setup=True).count for e in pages.run.endpoints if e.name == "/dashboard")
    assert pages.grown["web"]['app_render_seconds_count{route="/dashboard"}'] == shown > 0


def test_what_the_browser_kept_was_not_asked_for(pages: Driven) -> None:
    (kept,) = pages.run.series("generator", metric="browser_cache.hits")
    reloads = sum(
        pages.run.merged(e, setup=True).count for e in pages.run.endpoints if e.name.endswith("[reload]")
    )
    asked = pages.count("/static/", "asset") - reloads
    visits = sum(pages.run.merged(e, setup=True).count for e in pages.run.endpoints if e.name == "/")
    # Every visit shows four assets: each came out of the browser's cache or was asked for.
    assert kept.values[-1] + asked == 4 * visits
    assert kept.values[-1] > 0


def test_the_edge_answers_what_the_instances_do_not(pages: Driven) -> None:
    asked = pages.count("/static/", "asset")
    by_web = sum(
        grown for name, grown in pages.grown["web"].items()
        if name.startswith('app_requests_total{route="/static",')
    )  # fmt: skip
    assert pages.grown["haproxy"]["cache_lookups"] == asked
    assert pages.grown["haproxy"]["cache_hits"] == asked - by_web


def test_a_page_tells_what_rendering_took(pages: Driven) -> None:
    parts = [p.parts["render"] for p in pages.run.intervals("/dashboard") if "render" in p.parts]
    assert sum(part.n for part in parts) == pages.run.merged("/dashboard").count > 0


def test_the_load_balancers_own_log_is_replayed_line_by_line(
    pages: Driven, drive: Drive, servers: Servers, tmp_path: Path
) -> None:
    lines = Path(servers.target["lb"]["log"]).read_text().splitlines()
    ours = [line for line in lines if " public " in line and '"GET ' in line][-int(pages.count("/") / 2) :]
    (tmp_path / "access.log").write_text("\n".join([*ours, "no request", ""]))
    plan = tmp_path / "again.toml"
    plan.write_text('replay = "access.log"\nspeed = 2\n')
    again = drive(str(plan), "haproxy")
    assert again.run.account.scheduled == len(ours) == again.run.merged().count
    signed_in = again.count("/signin") - sum('"GET /signin' in line for line in ours)
    assert again.grown["haproxy"]["requests"] == len(ours) + signed_in
    assert f"{len(ours)} requests of access.log at 2 times" in again.run.events[0].text
