"""A stack of these tests' own, asked over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from stack import control
from stack.app.seedplan import PASSWORD, email_of

NAME = "app-tests"
Target = dict[str, Any]
JSON = {"content-type": "application/json"}


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def fetch(
    url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None, method: str | None = None
) -> Reply:
    """One request; redirects and errors are answers like any other."""
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    try:
        with _opener.open(request, timeout=30) as answer:
            return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as answer:
        with answer:
            return Reply(answer.code, {k.lower(): v for k, v in answer.headers.items()}, answer.read())


class Visitor:
    """Someone who is signed in at the API."""

    def __init__(self, api: str, user: int) -> None:
        self.api = api
        self.token = ""
        session = self.mutate("auth.signIn", {"email": email_of(user), "password": PASSWORD}).json
        self.token = session["result"]["data"]["token"]
        self.team: int = session["result"]["data"]["teamId"]
        self.user: int = session["result"]["data"]["userId"]

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    def query(self, name: str, given: Any = None) -> Reply:
        asked = "" if given is None else "?input=" + urllib.parse.quote(json.dumps(given))
        return fetch(f"{self.api}/trpc/{name}{asked}", self.headers)

    def mutate(self, name: str, given: Any = None) -> Reply:
        body = b"" if given is None else json.dumps(given).encode()
        url = f"{self.api}/trpc/{name}"
        return fetch(url, {**self.headers, **JSON}, body, "POST")


def metrics(url: str) -> dict[str, float]:
    """What a process tells Prometheus, by name and labels as they are written there."""
    lines = fetch(f"{url}/metrics").body.decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """The stack's addresses."""
    yield json.loads(control.up(NAME).read_text())
    control.down(NAME)


@pytest.fixture(scope="session")
def api(target: Target) -> str:
    """The API, without the load balancer."""
    return str(target["api"][0]["url"])
