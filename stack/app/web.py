"""A web instance: pages rendered here that ask the API as a browser app's server would, and assets."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from stack.app import metrics
from stack.app.serving import Settings, read_settings, serve
from stack.app.timing import Timing, parse_server_timing

HERE = Path(__file__).parent
_STATIC = {
    file.name: (file.read_bytes(), f'"{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}"')
    for file in sorted((HERE / "static").iterdir())
}
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_pages = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(["html"]))
_pages.globals["versions"] = {name: tag.strip('"') for name, (_, tag) in _STATIC.items()}

Calls = dict[str, Any]


class SignedOut(Exception):
    """The API does not know the session."""


class ApiFailed(Exception):
    """The API answered with an error, or not at all."""


async def ask(request: Request, timing: Timing, calls: Calls) -> list[Any]:
    """One batch of queries to the API with the visitor's session; the time counts as `api` and its parts."""
    inputs = {str(n): given for n, given in enumerate(calls.values()) if given is not None}
    url = f"{request.app.state.api}/trpc/{','.join(calls)}?batch=1&input={quote(json.dumps(inputs))}"
    headers = {"authorization": f"Bearer {request.cookies.get('session', '')}"}
    return await _fetch(request, timing, "GET", url, headers=headers)


async def mutate(request: Request, timing: Timing, name: str, given: Any) -> Any:
    """One mutation with the visitor's session."""
    headers = {"authorization": f"Bearer {request.cookies.get('session', '')}"}
    url = f"{request.app.state.api}/trpc/{name}?batch=1"
    return (await _fetch(request, timing, "POST", url, headers=headers, json={"0": given}))[0]


async def _fetch(request: Request, timing: Timing, method: str, url: str, **options: Any) -> list[Any]:
    began = time.perf_counter()
    try:
        async with request.app.state.http.request(method, url, **options) as answer:
            items = await answer.json(content_type=None)
            for part, seconds in parse_server_timing(answer.headers.get("server-timing", "")).items():
                if part != "total":
                    timing.add(part, seconds)
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        raise ApiFailed(f"the API did not answer: {problem}") from problem
    finally:
        timing.add("api", time.perf_counter() - began)
    for item in items if isinstance(items, list) else [items]:
        if "error" in item:
            error = item["error"]
            raise SignedOut if error["data"]["code"] == "UNAUTHORIZED" else ApiFailed(error["message"])
    return [item["result"].get("data") for item in items]


def render(timing: Timing, template: str, status: int = 200, **data: Any) -> HTMLResponse:
    """A page; the time counts as `render`."""
    with timing.measure("render"):
        page = _pages.get_template(template).render(data)
    return HTMLResponse(page, status, {"server-timing": timing.header(), "cache-control": "no-store"})


def page(template: str, calls: Any) -> Any:
    """A handler that asks the API for what a page shows; `calls` makes its queries from the request."""

    async def handler(request: Request) -> Response:
        timing = Timing()
        wanted: Calls = {"auth.me": None, **calls(request)}
        answers = await ask(request, timing, wanted)
        shown = dict(zip((name.replace(".", "_") for name in wanted), answers, strict=True))
        return render(timing, template, **shown)

    return handler


async def home(request: Request) -> Response:
    return render(Timing(), "home.html")


async def sign_in(request: Request) -> Response:
    timing = Timing()
    if request.method == "GET":
        return render(timing, "signin.html")
    form = await request.form()
    given = {"email": str(form.get("email", "")), "password": str(form.get("password", ""))}
    try:
        session = await mutate(request, timing, "auth.signIn", given)
    except SignedOut:
        return render(timing, "signin.html", 401, problem="Wrong e-mail address or password.")
    answer = RedirectResponse("/dashboard", 303, {"server-timing": timing.header()})
    answer.set_cookie("session", session["token"], httponly=True, samesite="lax")
    return answer


async def sign_out(request: Request) -> Response:
    await mutate(request, Timing(), "auth.signOut", None)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie("session")
    return answer


async def add_todo(request: Request) -> Response:
    timing = Timing()
    form = await request.form()
    await mutate(request, timing, "todo.create", {"title": str(form.get("title", "")) or "untitled"})
    return RedirectResponse("/todos", 303, {"server-timing": timing.header()})


async def static(request: Request) -> Response:
    found = _STATIC.get(request.path_params["name"])
    if found is None:
        return PlainTextResponse("not found", 404)
    body, tag = found
    headers = {"etag": tag, "cache-control": "public, max-age=3600"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    kind = _TYPES.get(Path(request.path_params["name"]).suffix, "application/octet-stream")
    return Response(body, media_type=kind, headers=headers)


async def health(request: Request) -> Response:
    return PlainTextResponse("ok")


async def metrics_page(request: Request) -> Response:
    return Response(metrics.page(), media_type="text/plain; version=0.0.4")


async def to_sign_in(request: Request, _: Exception) -> Response:
    return RedirectResponse("/signin", 303)


async def api_failed(request: Request, problem: Exception) -> Response:
    return render(Timing(), "problem.html", 502, problem=str(problem))


def _calendar(request: Request) -> Calls:
    start = datetime.fromisoformat(request.query_params.get("from", "2026-03-01"))
    return {"event.range": {"start": start.isoformat(), "end": (start + timedelta(days=31)).isoformat()}}


def _todos(request: Request) -> Calls:
    return {"todo.list": {"after": int(request.query_params.get("after", 0))}, "notification.unread": None}


ROUTES = [
    Route("/", home),
    Route("/signin", sign_in, methods=["GET", "POST"]),
    Route("/signout", sign_out, methods=["POST"]),
    Route(
        "/dashboard",
        page("dashboard.html", lambda _: {"team.dashboard": None, "todo.list": {"limit": 5}}),
    ),
    Route("/todos", page("todos.html", _todos)),
    Route("/todos", add_todo, methods=["POST"]),
    Route("/todos/{id:int}", page("todo.html", lambda r: {"todo.byId": {"id": r.path_params["id"]}})),
    Route("/calendar", page("calendar.html", _calendar)),
    Route(
        "/search",
        page("search.html", lambda r: {"todo.search": {"text": r.query_params.get("q") or "report"}}),
    ),
    Route("/notifications", page("notifications.html", lambda _: {"notification.unread": None})),
    Route("/static/{name}", static),
    Route("/health", health),
    Route("/metrics", metrics_page),
]


def make_app(settings: Settings) -> Starlette:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=200, keepalive_timeout=30)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(65)) as http:
            app.state.http, app.state.api = http, settings.api_url
            yield

    handlers: Any = {SignedOut: to_sign_in, ApiFailed: api_failed}
    return Starlette(routes=ROUTES, lifespan=lifespan, exception_handlers=handlers)


if __name__ == "__main__":
    told = read_settings()
    serve(make_app(told), told)
