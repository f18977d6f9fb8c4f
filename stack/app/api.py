"""An API instance: tRPC at /trpc (plain) and /trpc-superjson, as an ASGI application without a framework."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from stack.app import metrics
from stack.app.context import Context, Services
from stack.app.pool import Pool
from stack.app.procedures import PROCEDURES
from stack.app.protocol import Answer, Call, Router, TrpcError, refused
from stack.app.serving import Settings, connect_redis, read_settings, serve
from stack.app.timing import Timing

MAX_BODY_BYTES = 1_000_000
_MOUNTS = {"/trpc/": False, "/trpc-superjson/": True}


class Api:
    """The ASGI application. At most `api.workers` requests are worked on at a time; the rest wait in line."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.router = Router(PROCEDURES)
        workers = int(settings.knobs["api.workers"])
        self.slots = asyncio.Semaphore(workers)
        metrics.WORKERS_MAX.set(workers)

    def start(self) -> None:
        """Make what needs the running loop."""
        knobs = self.settings.knobs
        size, timeout_s = int(knobs["api.pool_size"]), float(knobs["api.pool_timeout_s"])
        self.services = Services(
            Pool("primary", self.settings.primary, size, timeout_s),
            Pool("replica", self.settings.replica, size, timeout_s),
            connect_redis(self.settings),
            int(knobs["cache.ttl_s"]),
            float(knobs["api.slow_ms"]) / 1000,
        )

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request, or the server's own start and stop."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        path = scope["path"]
        mount = next((prefix for prefix in _MOUNTS if path.startswith(prefix)), None)
        if mount is not None:
            await self._trpc(scope, path.removeprefix(mount), _MOUNTS[mount], receive, send)
        elif path == "/health":
            await _send(send, Answer(200, b"ok", "text/plain"))
        elif path == "/metrics":
            self.services.primary.refresh()
            self.services.replica.refresh()
            await _send(send, Answer(200, metrics.page(), "text/plain; version=0.0.4"))
        else:
            await _send(send, Answer(404, b"not found", "text/plain"))

    async def _trpc(self, scope: dict[str, Any], path: str, superjson: bool, receive: Any, send: Any) -> None:
        timing = Timing()
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        body = await _read(receive)
        call = Call(
            scope["method"],
            path,
            scope["query_string"].decode("latin-1"),
            body,
            headers.get(b"content-type", ""),
            headers.get(b"trpc-accept") == "application/jsonl",
            superjson,
        )
        metrics.WORKERS_PENDING.inc()
        await self.slots.acquire()
        timing.add("queue", time.perf_counter() - timing.began)
        metrics.WORKERS_PENDING.dec()
        metrics.WORKERS_USED.inc()
        try:
            context = Context(self.services, timing)
            answer = await self._answer(call, context, _token(headers))
            metrics.REQUESTS.labels(path if path in PROCEDURES else "batch", str(answer.status)).inc()
            await _send(send, answer, timing)
        finally:
            metrics.WORKERS_USED.dec()
            self.slots.release()

    async def _answer(self, call: Call, context: Context, token: str) -> Answer:
        try:
            if token:
                await context.open_session(token)
        except TrpcError as problem:
            return refused(problem, call.superjson)
        return await self.router.answer(call, context)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return


def _token(headers: dict[bytes, str]) -> str:
    """The session: a bearer token, or the cookie that the web instances set."""
    authorization = headers.get(b"authorization", "")
    if authorization.startswith("Bearer "):
        return authorization.removeprefix("Bearer ")
    cookies = (piece.strip() for piece in headers.get(b"cookie", "").split(";"))
    return next((piece.removeprefix("session=") for piece in cookies if piece.startswith("session=")), "")


async def _read(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > MAX_BODY_BYTES:
            return body[:MAX_BODY_BYTES]


async def _send(send: Any, answer: Answer, timing: Timing | None = None) -> None:
    headers = [(b"vary", b"trpc-accept, accept")] if timing else []
    if answer.content_type:
        headers.append((b"content-type", answer.content_type.encode()))
    if timing:
        headers.append((b"server-timing", timing.header().encode()))
    headers += [(name.encode(), value.encode()) for name, value in answer.headers]
    if answer.stream is None and answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is not None:
        async for piece in answer.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body})


if __name__ == "__main__":
    settings = read_settings()
    serve(Api(settings), settings)
