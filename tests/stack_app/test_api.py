"""The API on the real servers: who sees what, from where it is read, and what is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from stack import admin
from stack.app import jobs_queue, seedplan
from stack.place import Place
from tests.peers import node
from tests.stack_app.conftest import JSON, NAME, Target, Visitor, fetch, metrics

pytestmark = pytest.mark.stack

COUNTS = seedplan.SIZES["small"]


def first_of(team: int, kind: str) -> int:
    """The number of a team's first row of a kind."""
    return seedplan.team_shares(COUNTS[kind], COUNTS["teams"])[team - 1][0]


def eventually(holds: Callable[[], bool], deadline_s: float = 30) -> bool:
    """Whether something comes to hold."""
    end = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def first(api: str) -> Visitor:
    """Someone of team 1, the largest."""
    return Visitor(api, first_of(1, "users"))


@pytest.fixture
def second(api: str) -> Visitor:
    """Someone of team 2."""
    return Visitor(api, first_of(2, "users"))


@pytest.fixture
def halted_replica(target: Target) -> Iterator[None]:
    """The replica takes no more changes."""
    with admin.connect(Place(NAME), "replica") as server, server.cursor() as cursor:
        cursor.execute("STOP SLAVE SQL_THREAD")
        yield
        cursor.execute("START SLAVE SQL_THREAD")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("todo.list", {"limit": 100}),
        ("todo.search", {"text": "report"}),
        ("event.range", {"start": "2026-01-01T00:00:00Z", "end": "2026-12-31T00:00:00Z"}),
        ("notification.unread", None),
    ],
)
def test_lists_hold_rows_of_the_askers_team_only(second: Visitor, name: str, given: Any) -> None:
    rows = second.query(name, given).json["result"]["data"]
    assert {row["teamId"] for row in rows} == {2}


def test_a_row_of_another_team_does_not_exist(second: Visitor) -> None:
    todo = first_of(1, "todos")
    for reply in (
        second.query("todo.byId", {"id": todo}),
        second.mutate("todo.update", {"id": todo, "title": "mine"}),
        second.mutate("todo.complete", {"id": todo}),
        second.mutate("notification.markRead", {"id": first_of(1, "notifications")}),
    ):
        assert (reply.status, reply.json["error"]["data"]["code"]) == (404, "NOT_FOUND")


def test_without_a_session_every_item_is_unauthorized(api: str) -> None:
    reply = fetch(f"{api}/trpc/auth.me,todo.list?batch=1", {"authorization": "Bearer 1.1.forged"})
    assert reply.status == 401
    assert [item["error"]["data"]["code"] for item in reply.json] == ["UNAUTHORIZED"] * 2


def test_a_wrong_password_is_refused(api: str) -> None:
    given = json.dumps({"email": seedplan.email_of(1), "password": "wrong"}).encode()
    assert fetch(f"{api}/trpc/auth.signIn", JSON, given).status == 401


def test_a_session_that_signed_out_is_over(first: Visitor) -> None:
    assert first.mutate("auth.signOut").json == {"result": {}}
    assert first.query("auth.me").status == 401


def test_who_writes_reads_it_although_the_replica_lags(first: Visitor, halted_replica: None) -> None:
    made = first.mutate("todo.create", {"title": "seen at once"}).json["result"]["data"]
    assert first.query("todo.byId", {"id": made["id"]}).json["result"]["data"]["title"] == "seen at once"
    page = first.query("todo.list", {"after": made["id"] - 1}).json["result"]["data"]
    assert [todo["id"] for todo in page] == [made["id"]]


def test_a_lagging_replica_never_spoils_the_cache_for_the_team(
    api: str, first: Visitor, halted_replica: None
) -> None:
    colleague = Visitor(api, first.user + 1)
    made = first.mutate("todo.create", {"title": "for the team"}).json["result"]["data"]
    page = colleague.query("todo.list", {"after": made["id"] - 1}).json["result"]["data"]
    assert [todo["id"] for todo in page] == [made["id"]]


def test_others_read_from_the_replica(api: str, second: Visitor) -> None:
    name = 'db_client_connection_use_time_seconds_count{db_client_connection_pool_name="replica"}'
    before = metrics(api)[name]
    second.query("todo.byId", {"id": first_of(2, "todos")})
    assert metrics(api)[name] == before + 1


RESULTS = ("hit", "miss")


def test_the_cache_counts_each_miss_hit_and_write(api: str, second: Visitor) -> None:
    def counts() -> list[float]:
        now = metrics(api)
        names = ("hits", "misses", "sets", "invalidations")
        by_class = (f'app_cache_class_lookups_total{{key_class="todo.list",result="{r}"}}' for r in RESULTS)
        return [now[f'app_cache_{name}_total{{cache="query"}}'] for name in names] + [
            now.get(name, 0.0) for name in by_class
        ]

    before = counts()
    second.mutate("counter.hit")
    shown = [second.query("todo.list", {"limit": 3}).body for _ in range(3)]
    assert len(set(shown)) == 1
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [2, 1, 1, 1, 2, 1]


def test_lookups_by_class_are_timed_each_once(api: str, second: Visitor) -> None:
    def told() -> list[float]:
        now = metrics(api)
        names = (f'app_cache_class_seconds_{what}{{key_class="todo.list"}}' for what in ("count", "sum"))
        return [now.get(name, 0.0) for name in names]

    (lookups, seconds), began = told(), time.perf_counter()
    second.mutate("counter.hit")
    for _ in range(3):
        second.query("todo.list", {"limit": 4})
    took_s = time.perf_counter() - began
    now_lookups, now_seconds = told()
    assert now_lookups - lookups == 3
    assert 0 < now_seconds - seconds < took_s


def test_the_hot_row_counts_every_hit(first: Visitor) -> None:
    before, after = (first.mutate("counter.hit").json["result"]["data"]["hits"] for _ in range(2))
    assert after == before + 1


def test_a_job_that_fails_is_tried_again_and_after_the_third_time_dead(target: Target) -> None:
    worker, login = target["jobs"][0]["url"], target["redis"]
    before = metrics(worker)

    def grown(name: str) -> float:
        return metrics(worker)[name] - before[name]

    with redis.Redis(host=login["host"], port=login["port"], password=login["password"]) as client:
        for attempt in (1, 3):
            job = {"id": f"odd{attempt}", "kind": "nobody knows", "at": time.time(), "attempt": attempt}
            client.rpush(jobs_queue.WAITING, json.dumps(job))
        assert eventually(lambda: grown("app_jobs_dead_total") == 1 and grown("app_jobs_retried_total") == 1)
        assert eventually(lambda: metrics(worker)["app_jobs_dead_kept"] == 1)
        client.delete(jobs_queue.LATER, jobs_queue.DEAD)
    assert grown("app_jobs_done_total") == 0


def test_a_new_todo_makes_a_job_and_the_job_a_notification(target: Target, first: Visitor) -> None:
    worker = target["jobs"][0]["url"]
    done = metrics(worker)["app_jobs_done_total"]
    first.mutate("todo.create", {"title": "tell me of it"})
    assert eventually(lambda: metrics(worker)["app_jobs_done_total"] > done)
    assert eventually(
        lambda: (
            "New todo: tell me of it"
            in {note["text"] for note in first.query("notification.unread").json["result"]["data"]}
        )
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [({"title": ""}, "BAD_REQUEST"), ({"title": 3}, "BAD_REQUEST"), (["title"], "BAD_REQUEST")],
)
def test_an_input_that_does_not_fit_is_refused(first: Visitor, given: Any, code: str) -> None:
    reply = first.mutate("todo.create", given)
    assert (reply.status, reply.json["error"]["data"]["code"]) == (400, code)


def test_every_answer_says_where_its_time_went(first: Visitor) -> None:
    parts = first.query("todo.byId", {"id": first_of(1, "todos")}).headers["server-timing"]
    assert [part.partition(";")[0].strip() for part in parts.split(",")][:2] == ["total", "queue"]
    assert {"pool", "db", "cache"} <= {part.partition(";")[0].strip() for part in parts.split(",")}


def test_a_file_comes_back_whole_and_in_parts_and_to_its_team_only(
    api: str, first: Visitor, second: Visitor
) -> None:
    content = bytes(range(256)) * 1000
    made = fetch(f"{api}/files?name=a.bin", first.headers, content)
    assert (made.status, made.json["bytes"], made.json["teamId"]) == (201, 256_000, 1)
    url = f"{api}/files/{made.json['id']}"
    whole = fetch(url, first.headers)
    part = fetch(url, {**first.headers, "range": "bytes=250-259"})
    assert whole.body == content
    assert (part.status, part.body) == (206, content[250:260])
    assert part.headers["content-range"] == "bytes 250-259/256000"
    assert fetch(url, {**first.headers, "if-none-match": whole.headers["etag"]}).status == 304
    assert fetch(url, {**first.headers, "range": "bytes=256000-"}).status == 416
    assert fetch(url, second.headers).status == 404


def test_the_genuine_client_understands_every_link(api: str) -> None:
    user = first_of(3, "users")
    done = node.run(node.HERE / "trpc_client.mjs", api, seedplan.email_of(user), seedplan.PASSWORD)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    links = ("http", "batch", "stream", "richHttp", "richBatch", "richStream")
    assert [seen[link]["me"] for link in links] == [user] * 6
    assert [seen[link]["teams"] for link in links] == [[3]] * 6
    assert [seen[link]["error"] for link in links] == ["NOT_FOUND"] * 6
    assert len({seen[link]["hits"] for link in links}) == 6
    kinds = [seen[link]["created"].split()[0] for link in links]
    assert kinds == ["string"] * 3 + ["Date"] * 3
    assert [seen[link]["again"] for link in links] == [False] * 3 + [True] * 3
    assert (seen["void"], seen["afterwards"]) == (True, "UNAUTHORIZED")
