"""An API instance: tRPC at /trpc (plain) and /trpc-superjson, attachments at /files, on bare ASGI."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from stack.app import api_metrics, metrics
from stack.app.asgi import read_body, send_answer, token_of
from stack.app.context import Context, Services
from stack.app.encoding import PLAIN, SUPERJSON, Encoding
from stack.app.files import Attachments
from stack.app.pool import Pool
from stack.app.procedures import PROCEDURES
from stack.app.protocol import Answer, Call, Router, TrpcError, refused
from stack.app.serving import Settings, connect_redis, meet_cluster, read_settings, serve
from stack.app.timing import Timing
from stack.app.workers import Workers

MAX_BODY_BYTES = 1_000_000
_MOUNTS: dict[str, Encoding] = {"trpc": PLAIN, "trpc-superjson": SUPERJSON}


class Api:
    """The ASGI application. At most `api.workers` requests are worked on at a time; the rest wait in line."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.router = Router(PROCEDURES, observe=_observe)
        self.files = Attachments(Path(settings.files))
        self.workers = Workers(int(settings.knobs["api.workers"]), "queue")

    async def start(self) -> None:
        """Make what needs the running loop."""
        knobs = self.settings.knobs
        size, timeout_s = int(knobs["api.pool_size"]), float(knobs["api.pool_timeout_s"])
        way_s = float(knobs["db.round_trip_ms"]) / 1000
        self.services = Services(
            Pool("primary", self.settings.primary, size, timeout_s, way_s),
            Pool("replica", self.settings.replica, size, timeout_s, way_s),
            connect_redis(self.settings),
            int(knobs["cache.ttl_s"]),
            float(knobs["api.slow_ms"]) / 1000,
        )
        await meet_cluster(self.services.redis)

    async def stop(self) -> None:
        """Let go of the servers."""
        await self.services.primary.close()
        await self.services.replica.close()
        await self.services.redis.aclose()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request, or the server's own start and stop."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        mount, _, rest = scope["path"].removeprefix("/").partition("/")
        if mount in _MOUNTS or mount == "files":
            await self._in_line(scope, mount, rest, receive, send)
        elif mount == "health":
            await send_answer(send, Answer(200, b"ok", "text/plain"))
        elif mount == "metrics":
            self.services.primary.refresh()
            self.services.replica.refresh()
            await send_answer(send, Answer(200, metrics.page(), "text/plain; version=0.0.4"))
        else:
            await send_answer(send, Answer(404, b"not found", "text/plain"))

    async def _in_line(self, scope: dict[str, Any], mount: str, rest: str, receive: Any, send: Any) -> None:
        """Wait for a free slot, then answer."""
        timing = Timing()
        async with self.workers.turn(timing):
            if mount == "files":
                route, answer = await self._file(scope, rest, receive, timing)
            else:
                route, answer = await self._trpc(scope, rest, _MOUNTS[mount], receive, timing)
            await send_answer(send, answer, timing)
        metrics.REQUESTS.labels(route, str(answer.status)).inc()
        metrics.DURATION.labels(route).observe(time.perf_counter() - timing.began)

    async def _trpc(
        self, scope: dict[str, Any], path: str, encoding: Encoding, receive: Any, timing: Timing
    ) -> tuple[str, Answer]:
        headers = _headers(scope)
        route = path if path in PROCEDURES else "batch" if "," in path else "unknown"
        try:
            body = b"" if scope["method"] in ("GET", "HEAD") else await read_body(receive, MAX_BODY_BYTES)
            context = await self._context(headers, timing)
        except TrpcError as problem:
            return route, refused(problem, encoding)
        call = Call(
            scope["method"],
            path,
            scope["query_string"].decode("latin-1"),
            body,
            headers.get(b"content-type", ""),
            headers.get(b"trpc-accept") == "application/jsonl",
            encoding,
        )
        answer = await self.router.answer(call, context)
        answer.headers.append(("vary", "trpc-accept, accept"))
        return route, answer

    async def _file(
        self, scope: dict[str, Any], rest: str, receive: Any, timing: Timing
    ) -> tuple[str, Answer]:
        headers, method = _headers(scope), scope["method"]
        try:
            context = await self._context(headers, timing)
            if method == "POST" and not rest:
                query = parse_qs(scope["query_string"].decode("latin-1"))
                return "files.upload", await self.files.upload(context, query.get("name", [""])[0], receive)
            if method in ("GET", "HEAD") and rest.isdigit():
                return "files.download", await self.files.download(context, int(rest), headers)
            raise TrpcError("METHOD_NOT_SUPPORTED", "POST /files or GET /files/NUMBER")
        except TrpcError as problem:
            return "files.upload" if method == "POST" else "files.download", refused(problem)

    async def _context(self, headers: dict[bytes, str], timing: Timing) -> Context:
        """What the request may use. Raises TrpcError SERVICE_UNAVAILABLE where Redis does not answer."""
        context = Context(self.services, timing)
        token = token_of(headers)
        if token:
            await context.open_session(token)
        return context

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _headers(scope: dict[str, Any]) -> dict[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"]}


def _observe(procedure: str, code: str, seconds: float) -> None:
    api_metrics.CALLS.labels(procedure, code).inc()
    api_metrics.CALL_DURATION.labels(procedure).observe(seconds)


if __name__ == "__main__":
    settings = read_settings()
    serve(Api(settings), settings)
