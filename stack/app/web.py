"""A web instance: pages rendered here that ask the API as a browser app's server would, and assets."""

from __future__ import annotations

import json
import logging
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
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stack.app import assets, metrics, web_metrics
from stack.app.serving import Settings, read_settings, serve
from stack.app.timing import Timing, parse_server_timing
from stack.app.workers import Workers

_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(["html"])
)
_pages.globals["asset"] = assets.address

Calls = dict[str, Any]
log = logging.getLogger(__name__)


class SignedOut(Exception):
    """The API does not know the session."""


class ApiFailed(Exception):
    """The API answered with an error, or not at all; `code` is tRPC's name of the error."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


async def ask(request: Request, calls: Calls) -> list[Any]:
    """One batch of queries to the API with the visitor's session; the time counts as `api` and its parts."""
    inputs = {str(n): given for n, given in enumerate(calls.values()) if given is not None}
    url = f"{request.app.state.api}/trpc/{','.join(calls)}?batch=1&input={quote(json.dumps(inputs))}"
    headers = {"authorization": f"Bearer {request.cookies.get('session', '')}"}
    return await _fetch(request, "GET", url, headers=headers)


async def mutate(request: Request, name: str, given: Any) -> Any:
    """One mutation with the visitor's session."""
    headers = {"authorization": f"Bearer {request.cookies.get('session', '')}"}
    url = f"{request.app.state.api}/trpc/{name}?batch=1"
    return (await _fetch(request, "POST", url, headers=headers, json={"0": given}))[0]


async def _fetch(request: Request, method: str, url: str, **options: Any) -> list[Any]:
    timing: Timing = request.scope["timing"]
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
            code = error["data"]["code"]
            raise SignedOut if code == "UNAUTHORIZED" else ApiFailed(error["message"], code)
    return [item["result"].get("data") for item in items]


def render(request: Request, template: str, status: int = 200, **data: Any) -> HTMLResponse:
    """A page; the time counts as `render`."""
    with request.scope["timing"].measure("render"):
        page = _pages.get_template(template).render(data)
    return HTMLResponse(page, status, {"cache-control": "no-store"})


def page(template: str, calls: Any) -> Any:
    """A handler that asks the API for what a page shows; `calls` makes its queries from the request."""

    async def handler(request: Request) -> Response:
        wanted: Calls = {"auth.me": None, **calls(request)}
        answers = await ask(request, wanted)
        shown = dict(zip((name.replace(".", "_") for name in wanted), answers, strict=True))
        return render(request, template, **shown)

    return handler


async def home(request: Request) -> Response:
    return render(request, "home.html")


async def sign_in(request: Request) -> Response:
    if request.method == "GET":
        return render(request, "signin.html")
    form = await request.form()
    given = {"email": str(form.get("email", "")), "password": str(form.get("password", ""))}
    try:
        session = await mutate(request, "auth.signIn", given)
    except SignedOut:
        return render(request, "signin.html", 401, problem="Wrong e-mail address or password.")
    answer = RedirectResponse("/dashboard", 303)
    answer.set_cookie("session", session["token"], httponly=True, samesite="lax")
    return answer


async def sign_out(request: Request) -> Response:
    await mutate(request, "auth.signOut", None)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie("session")
    return answer


async def add_todo(request: Request) -> Response:
    form = await request.form()
    await mutate(request, "todo.create", {"title": str(form.get("title", "")).strip()[:200] or "untitled"})
    return RedirectResponse("/todos", 303)


async def complete_todo(request: Request) -> Response:
    await mutate(request, "todo.complete", {"id": request.path_params["id"]})
    return RedirectResponse("/todos", 303)


async def health(request: Request) -> Response:
    return PlainTextResponse("ok")


async def metrics_page(request: Request) -> Response:
    return Response(metrics.page(), media_type="text/plain; version=0.0.4")


async def to_sign_in(request: Request, _: Exception) -> Response:
    return RedirectResponse("/signin", 303)


async def api_failed(request: Request, problem: Exception) -> Response:
    code = problem.code if isinstance(problem, ApiFailed) else ""
    status = {"NOT_FOUND": 404, "BAD_REQUEST": 400, "CONFLICT": 409}.get(code, 502)
    if status == 502:
        log.warning("%s: %s", request.url.path, problem)
    return render(request, "problem.html", status, problem=str(problem))


async def not_found(request: Request, _: Exception) -> Response:
    return render(request, "problem.html", 404, problem="There is no such page.")


def _calendar(request: Request) -> Calls:
    try:
        start = datetime.fromisoformat(request.query_params.get("from", "2026-03-01"))
    except ValueError as problem:
        raise ApiFailed(str(problem), "BAD_REQUEST") from problem
    return {"event.range": {"start": start.isoformat(), "end": (start + timedelta(days=31)).isoformat()}}


def _todos(request: Request) -> Calls:
    after = request.query_params.get("after", "0")
    return {"todo.list": {"after": int(after) if after.isdecimal() else 0}, "notification.unread": None}


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
    Route("/todos/{id:int}/complete", complete_todo, methods=["POST"]),
    Route("/static/{name}", assets.serve_asset),
    Route("/health", health),
    Route("/metrics", metrics_page),
]


_FIRST_STEPS = {route.path.split("/", 2)[1] for route in ROUTES}


class Watched:
    """Gives every request its turn and its Timing, every page its Server-Timing, and counts both."""

    def __init__(self, app: ASGIApp, workers: Workers) -> None:
        self.app = app
        self.workers = workers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in ("/health", "/metrics"):
            await self.app(scope, receive, send)
            return
        timing = scope["timing"] = Timing()
        route = _route_name(scope["path"])

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                # An asset is the same for everyone and may be cached: it says nothing of this one request.
                if route != "/static":
                    message["headers"].append((b"server-timing", timing.header().encode()))
                metrics.REQUESTS.labels(route, str(message["status"])).inc()
            await send(message)

        async with self.workers.turn(timing):
            await self.app(scope, receive, timed)
        metrics.DURATION.labels(route).observe(time.perf_counter() - timing.began)
        for part, told in (("render", web_metrics.RENDER), ("api", web_metrics.BELOW)):
            if part in timing.parts_s:
                told.labels(route).observe(timing.parts_s[part])


def _route_name(path: str) -> str:
    """A page by its first step, so that the figures have few names."""
    first = path.split("/", 2)[1]
    return f"/{first}" if first in _FIRST_STEPS else "other"


def make_app(settings: Settings) -> Starlette:
    """The application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=200, keepalive_timeout=30)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(65)) as http:
            app.state.http, app.state.api = http, settings.api_url
            yield

    handlers: Any = {SignedOut: to_sign_in, ApiFailed: api_failed, 404: not_found}
    watched = [Middleware(Watched, workers=Workers(int(settings.knobs["web.workers"]), "web-queue"))]
    return Starlette(routes=ROUTES, lifespan=lifespan, exception_handlers=handlers, middleware=watched)


if __name__ == "__main__":
    told = read_settings()
    serve(make_app(told), told)
