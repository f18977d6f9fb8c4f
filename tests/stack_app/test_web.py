"""The pages and their assets, as a browser meets them."""

from __future__ import annotations

import re
import urllib.parse

import pytest

from stack.app import seedplan
from tests.stack_app.conftest import Reply, Target, fetch, metrics

pytestmark = pytest.mark.stack

USER = seedplan.team_shares(2000, 50)[1][0]
PAGES = ("/dashboard", "/todos", "/calendar", "/search?q=report", "/notifications")


@pytest.fixture(scope="module")
def web(target: Target) -> str:
    """A web instance, without the load balancer."""
    return str(target["web"][0]["url"])


def sign_in(web: str, password: str = seedplan.PASSWORD) -> Reply:
    form = urllib.parse.urlencode({"email": seedplan.email_of(USER), "password": password}).encode()
    return fetch(f"{web}/signin", {"content-type": "application/x-www-form-urlencoded"}, form)


@pytest.fixture(scope="module")
def cookie(web: str) -> dict[str, str]:
    """The headers of someone of team 2 who is signed in."""
    return {"cookie": sign_in(web).headers["set-cookie"].partition(";")[0]}


def test_signing_in_leads_to_the_dashboard_with_a_cookie_scripts_cannot_read(web: str) -> None:
    reply = sign_in(web)
    assert (reply.status, reply.headers["location"]) == (303, "/dashboard")
    assert "HttpOnly" in reply.headers["set-cookie"]


def test_a_wrong_password_shows_the_form_again(web: str) -> None:
    reply = sign_in(web, "wrong")
    assert reply.status == 401
    assert b"Wrong e-mail address or password" in reply.body


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_the_visitors_team_only(web: str, cookie: dict[str, str], page: str) -> None:
    reply = fetch(web + page, cookie)
    assert reply.status == 200
    assert set(re.findall(rb'data-team="(\d+)"', reply.body)) == {b"2"}


@pytest.mark.parametrize("page", PAGES)
def test_who_is_not_signed_in_is_sent_to_sign_in(web: str, page: str) -> None:
    reply = fetch(web + page)
    assert (reply.status, reply.headers["location"]) == (303, "/signin")


def test_a_page_says_what_the_api_and_rendering_took(web: str, cookie: dict[str, str]) -> None:
    parts = fetch(f"{web}/todos", cookie).headers["server-timing"]
    named = dict(re.findall(r"(\w+);dur=([\d.]+)", parts))
    assert {"total", "queue", "cache", "api", "render"} <= set(named)
    assert float(named["api"]) + float(named["render"]) <= float(named["total"])


def test_an_instance_adds_up_its_rendering_and_the_time_below(web: str, cookie: dict[str, str]) -> None:
    names = [f'app_{part}_seconds_count{{route="/calendar"}}' for part in ("render", "below")]
    before = metrics(web)
    fetch(f"{web}/calendar", cookie)
    after = metrics(web)
    assert [after[name] - before.get(name, 0) for name in names] == [1, 1]


def test_a_todo_of_another_team_is_not_found(web: str, cookie: dict[str, str]) -> None:
    assert fetch(f"{web}/todos/1", cookie).status == 404


def test_a_todo_is_made_and_done(web: str, cookie: dict[str, str]) -> None:
    assert fetch(f"{web}/todos", cookie, b"title=from+a+form", "POST").status == 303
    newest = fetch(f"{web}/todos?after=100000", cookie).body.decode()
    number = re.findall(r'href="/todos/(\d+)">from a form', newest)[-1]
    assert fetch(f"{web}/todos/{number}/complete", cookie, b"", "POST").status == 303
    assert "Done" in fetch(f"{web}/todos/{number}", cookie).body.decode()


@pytest.mark.parametrize(("page", "status"), [("/calendar?from=yesterday", 400), ("/nowhere", 404)])
def test_what_does_not_exist_is_said_on_a_page(
    web: str, cookie: dict[str, str], page: str, status: int
) -> None:
    reply = fetch(web + page, cookie)
    assert reply.status == status
    assert b'role="alert"' in reply.body


def test_assets_are_kept_for_ever_by_version_and_revalidated(web: str) -> None:
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', fetch(f"{web}/").body.decode())
    assert len(set(found)) == 4
    for address in found:
        reply = fetch(web + address)
        assert reply.status == 200
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = fetch(web + address, {"if-none-match": reply.headers["etag"]})
        assert (again.status, again.body) == (304, b"")
    assert "immutable" not in fetch(f"{web}/static/app.css").headers["cache-control"]


def test_the_edge_keeps_assets(target: Target) -> None:
    address = re.findall(r'"(/static/app.css[^"]+)"', fetch(target["base_url"] + "/").body.decode())[0]
    name = 'app_requests_total{route="/static",status="200"}'

    def served() -> float:
        return sum(metrics(instance["url"]).get(name, 0) for instance in target["web"])

    fetch(target["base_url"] + address)
    before = served()
    assert [fetch(target["base_url"] + address).status for _ in range(3)] == [200] * 3
    assert served() == before
