"""The tRPC v11 HTTP protocol: calls in, answers out. Knows no procedure and no server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs

import orjson

from stack.app.encoding import PLAIN, Encoding, dumps
from stack.app.streaming import json_lines, server_sent_events

log = logging.getLogger(__name__)

ERRORS: dict[str, tuple[int, int]] = {
    "PARSE_ERROR": (-32700, 400),
    "BAD_REQUEST": (-32600, 400),
    "UNAUTHORIZED": (-32001, 401),
    "FORBIDDEN": (-32003, 403),
    "NOT_FOUND": (-32004, 404),
    "METHOD_NOT_SUPPORTED": (-32005, 405),
    "TIMEOUT": (-32008, 408),
    "CONFLICT": (-32009, 409),
    "PAYLOAD_TOO_LARGE": (-32013, 413),
    "UNSUPPORTED_MEDIA_TYPE": (-32015, 415),
    "TOO_MANY_REQUESTS": (-32029, 429),
    "INTERNAL_SERVER_ERROR": (-32603, 500),
    "SERVICE_UNAVAILABLE": (-32603, 503),
}
"""Numeric code and HTTP status by tRPC's name of the error."""

Kind = Literal["query", "mutation", "subscription"]


class TrpcError(Exception):
    """An error that a procedure answers with."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


@dataclass(frozen=True)
class Procedure:
    """`run` takes the context and the input; a subscription's gives an asynchronous iterator at once."""

    kind: Kind
    run: Callable[[Any, Any], Any]


@dataclass
class Answer:
    """An HTTP answer; `stream` in place of `body` where it comes in pieces."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)
    stream: AsyncIterator[bytes] | None = None


@dataclass(frozen=True)
class Call:
    """One HTTP request as the protocol sees it; `path` is what follows the mount point, decoded."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str = ""
    wants_lines: bool = False
    encoding: Encoding = PLAIN


def _unseen(path: str, code: str, seconds: float) -> None:
    pass


class Router:
    """Answers calls with procedures. `context` goes to every procedure unchanged.

    `observe(path, code, seconds)` hears of every item that was run, those of a batch one by one; code is OK
    or the error's name.
    """

    def __init__(
        self,
        procedures: dict[str, Procedure],
        max_batch_size: int = 100,
        observe: Callable[[str, str, float], None] = _unseen,
    ) -> None:
        self.procedures = procedures
        self.max_batch_size = max_batch_size
        self.observe = observe

    async def answer(self, call: Call, context: Any) -> Answer:
        """The answer to a request, errors included; only cancellation is raised."""
        if call.method == "HEAD":
            return Answer(204, content_type="")
        try:
            items, is_batch = self._items(call)
            if call.wants_lines and not is_batch:
                raise TrpcError("BAD_REQUEST", "Streaming requests must be batched (you can do a batch of 1)")
        except TrpcError as problem:
            return refused(problem, call.encoding)
        if call.wants_lines:
            promised = [self._promised(item, call, context) for item in items]
            return Answer(200, stream=json_lines(promised, call.encoding, _shape))
        if not is_batch and items[0].kind == "subscription":
            return self._subscribe(items[0], call, context)
        if len(items) == 1:
            answers = [await self._run(items[0], call, context)]
        else:
            answers = await asyncio.gather(*(self._run(item, call, context) for item in items))
        statuses = {status for status, _ in answers}
        shown: Any = [item for _, item in answers] if is_batch else answers[0][1]
        headers = [("allow", "POST" if call.method == "GET" else "GET")] if 405 in statuses else []
        return Answer(statuses.pop() if len(statuses) == 1 else 207, dumps(shown), headers=headers)

    def _items(self, call: Call) -> tuple[list[_Item], bool]:
        """What is called, and whether as a batch. Raises TrpcError where all of it is refused."""
        kind = call.content_type.partition(";")[0].strip().lower()
        if call.method != "GET" and kind != "application/json":
            said = f'Unsupported content-type "{call.content_type}' if kind else "Missing content-type header"
            raise TrpcError("UNSUPPORTED_MEDIA_TYPE", said)
        query = parse_qs(call.query, keep_blank_values=True) if call.query else {}
        is_batch = query.get("batch", [""])[0] == "1"
        paths = call.path.split(",") if is_batch else [call.path]
        if len(paths) > self.max_batch_size:
            raise TrpcError("BAD_REQUEST", "Batch call exceeds maximum size")
        found = [self.procedures.get(path) for path in paths]
        kinds = list(dict.fromkeys(procedure.kind for procedure in found if procedure))
        if len(kinds) > 1:
            raise TrpcError("BAD_REQUEST", f"Cannot mix procedure types in call: {', '.join(kinds)}")
        raw: bytes | str = call.body if call.method == "POST" else query.get("input", [""])[0]
        inputs = _inputs(raw, is_batch, len(paths), call.encoding)
        return [_Item(*each) for each in zip(paths, found, inputs, strict=True)], is_batch

    async def _run(self, item: _Item, call: Call, context: Any) -> tuple[int, dict[str, Any]]:
        """HTTP status and answer of one item."""
        try:
            data = await self._data(item, call, context)
        except TrpcError as problem:
            return ERRORS[problem.code][1], {"error": call.encoding.error(_shape(problem, item.path))}
        return 200, {"result": call.encoding.result(data)}

    async def _promised(self, item: _Item, call: Call, context: Any) -> dict[str, Any]:
        """One item of a stream: result and data are promises of their own, as the real server has it."""
        try:
            data = await self._data(item, call, context)
        except TrpcError as problem:
            return {"error": _shape(problem, item.path)}
        return {"result": _resolved({"data": _resolved(data)})}

    async def _data(self, item: _Item, call: Call, context: Any) -> Any:
        """What the procedure answers. Raises TrpcError only."""
        began, code = time.perf_counter(), "OK"
        try:
            procedure = item.checked(call.method)
            if procedure.kind == "subscription":
                raise TrpcError("BAD_REQUEST", "Cannot batch subscription calls")
            return await procedure.run(context, item.given)
        except TrpcError as problem:
            code = problem.code
            raise
        except Exception as problem:
            code = "INTERNAL_SERVER_ERROR"
            log.exception("%s failed", item.path)
            raise TrpcError(code, str(problem)) from problem
        finally:
            known = item.path if item.procedure else "unknown"
            self.observe(known, code, time.perf_counter() - began)

    def _subscribe(self, item: _Item, call: Call, context: Any) -> Answer:
        try:
            values = item.checked(call.method).run(context, item.given)
        except TrpcError as problem:
            return Answer(
                ERRORS[problem.code][1], dumps({"error": call.encoding.error(_shape(problem, item.path))})
            )
        return Answer(
            200,
            content_type="text/event-stream",
            headers=[("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no")],
            stream=server_sent_events(values, call.encoding, _shape),
        )


@dataclass(frozen=True)
class _Item:
    """One call of a request; `given` is a TrpcError where the input cannot be read."""

    path: str
    procedure: Procedure | None
    given: Any

    @property
    def kind(self) -> Kind | None:
        return self.procedure.kind if self.procedure else None

    def checked(self, method: str) -> Procedure:
        """The procedure, if it exists, takes this method and its input could be read. Raises TrpcError."""
        if self.procedure is None:
            raise TrpcError("NOT_FOUND", f'No procedure found on path "{self.path}"')
        if method != ("POST" if self.procedure.kind == "mutation" else "GET"):
            said = f'Unsupported {method}-request to {self.procedure.kind} procedure at path "{self.path}"'
            raise TrpcError("METHOD_NOT_SUPPORTED", said)
        if isinstance(self.given, TrpcError):
            raise self.given
        return self.procedure


def _inputs(raw: bytes | str, is_batch: bool, count: int, encoding: Encoding) -> list[Any]:
    """One input a path: None where there is none, a TrpcError where it cannot be read."""
    if not raw:
        return [None] * count
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError as problem:
        return [TrpcError("BAD_REQUEST", str(problem))] * count
    if not is_batch:
        return [encoding.read(parsed)]
    if not isinstance(parsed, dict):
        return [TrpcError("BAD_REQUEST", '"input" needs to be an object when doing a batch call')] * count
    return [encoding.read(parsed.get(str(index))) for index in range(count)]


async def _resolved(value: Any) -> Any:
    return value


def _shape(problem: Exception, path: str | None = None) -> dict[str, Any]:
    code = problem.code if isinstance(problem, TrpcError) else "INTERNAL_SERVER_ERROR"
    number, status = ERRORS[code]
    data: dict[str, Any] = {"code": code, "httpStatus": status}
    if path is not None:
        data["path"] = path
    return {"message": str(problem), "code": number, "data": data}


def refused(problem: TrpcError, encoding: Encoding = PLAIN) -> Answer:
    """The whole request refused, before any item was looked at: an object even for a batch."""
    body = dumps({"error": encoding.error(_shape(problem))})
    return Answer(ERRORS[problem.code][1], body, "text/plain;charset=UTF-8")


def query(run: Callable[[Any, Any], Awaitable[Any]]) -> Procedure:
    """A procedure that reads."""
    return Procedure("query", run)


def mutation(run: Callable[[Any, Any], Awaitable[Any]]) -> Procedure:
    """A procedure that writes."""
    return Procedure("mutation", run)


def subscription(run: Callable[[Any, Any], AsyncIterator[Any]]) -> Procedure:
    """A procedure that goes on answering."""
    return Procedure("subscription", run)
