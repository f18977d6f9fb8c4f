"""The tRPC v11 HTTP protocol: calls in, answers out. Knows no procedure and no server."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from urllib.parse import parse_qs, unquote

import orjson

ERRORS: dict[str, tuple[int, int]] = {
    "PARSE_ERROR": (-32700, 400),
    "BAD_REQUEST": (-32600, 400),
    "UNAUTHORIZED": (-32001, 401),
    "FORBIDDEN": (-32003, 403),
    "NOT_FOUND": (-32004, 404),
    "METHOD_NOT_SUPPORTED": (-32005, 405),
    "TIMEOUT": (-32008, 408),
    "CONFLICT": (-32009, 409),
    "UNSUPPORTED_MEDIA_TYPE": (-32015, 415),
    "TOO_MANY_REQUESTS": (-32029, 429),
    "INTERNAL_SERVER_ERROR": (-32603, 500),
    "SERVICE_UNAVAILABLE": (-32603, 503),
}
"""Numeric code and HTTP status by tRPC's name of the error."""


class TrpcError(Exception):
    """An error that a procedure answers with."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


@dataclass(frozen=True)
class Procedure:
    """A query or a mutation; `run` takes the context and the input."""

    kind: Literal["query", "mutation"]
    run: Callable[[Any, Any], Awaitable[Any]]


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
    """One HTTP request as the protocol sees it; `path` is what follows the mount point."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str = ""
    stream: bool = False
    superjson: bool = False


class Router:
    """Answers calls with procedures. `context` goes to every procedure unchanged."""

    def __init__(self, procedures: dict[str, Procedure], max_batch_size: int = 100) -> None:
        self.procedures = procedures
        self.max_batch_size = max_batch_size

    async def answer(self, call: Call, context: Any) -> Answer:
        """The answer to a request, errors included; only cancellation is raised."""
        if call.method == "HEAD":
            return Answer(204, content_type="")
        query = parse_qs(call.query, keep_blank_values=True)
        is_batch = query.get("batch") == ["1"]
        paths = [unquote(name) for name in call.path.split(",")] if is_batch else [unquote(call.path)]
        if len(paths) > self.max_batch_size:
            problem = TrpcError("BAD_REQUEST", "Batch call exceeds maximum size")
            return refused(problem, call.superjson)
        if call.method == "POST" and not call.content_type.startswith("application/json") and call.body:
            kind = call.content_type or "application/x-www-form-urlencoded"
            return refused(TrpcError("UNSUPPORTED_MEDIA_TYPE", f'Unsupported content-type "{kind}'), call.superjson)
        inputs = _inputs(call, query, is_batch, len(paths))
        if call.stream and is_batch:
            tasks = [self._item(call, path, given, context) for path, given in zip(paths, inputs, strict=True)]
            return Answer(200, stream=_jsonl(tasks))
        items = [await self._item(call, path, given, context) for path, given in zip(paths, inputs, strict=True)]
        statuses = {status for status, _ in items}
        status = statuses.pop() if len(statuses) == 1 else 207
        shown: Any = [item for _, item in items] if is_batch else items[0][1]
        headers = [("allow", "POST" if call.method == "GET" else "GET")] if status == 405 else []
        return Answer(status, orjson.dumps(shown), headers=headers)

    async def _item(self, call: Call, path: str, given: Any, context: Any) -> tuple[int, dict[str, Any]]:
        try:
            if isinstance(given, TrpcError):
                raise given
            procedure = self.procedures.get(path)
            if procedure is None:
                raise TrpcError("NOT_FOUND", f'No procedure found on path "{path}"')
            if (procedure.kind == "query") != (call.method == "GET"):
                said = f'Unsupported {call.method}-request to {procedure.kind} procedure at path "{path}"'
                raise TrpcError("METHOD_NOT_SUPPORTED", said)
            data = await procedure.run(context, given)
        except TrpcError as problem:
            return _error(problem, path, call.superjson)
        except Exception as problem:
            return _error(TrpcError("INTERNAL_SERVER_ERROR", str(problem)), path, call.superjson)
        return 200, {"result": _result(data, call.superjson)}


def _inputs(call: Call, query: dict[str, list[str]], is_batch: bool, count: int) -> list[Any]:
    """One input a path: None where there is none, a TrpcError where it cannot be read."""
    raw: bytes | str = call.body if call.method == "POST" else query.get("input", [""])[0]
    if not raw:
        return [None] * count
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError as problem:
        return [TrpcError("BAD_REQUEST", str(problem))] * count
    if not is_batch:
        return [_deserialize(parsed, call.superjson)]
    if not isinstance(parsed, dict):
        return [TrpcError("BAD_REQUEST", '"input" needs to be an object when doing a batch call')] * count
    return [_deserialize(parsed.get(str(index)), call.superjson) for index in range(count)]


def _deserialize(value: Any, superjson: bool) -> Any:
    return value.get("json") if superjson and isinstance(value, dict) else value


def _result(data: Any, superjson: bool) -> dict[str, Any]:
    if not superjson:
        return {} if data is None else {"data": _plain(data)}
    if data is None:
        return {"data": {"json": None, "meta": {"values": ["undefined"], "v": 1}}}
    dates: dict[str, list[str]] = {}
    shown: dict[str, Any] = {"json": _plain(data, dates)}
    if dates:
        shown["meta"] = {"values": dates, "v": 1}
    return {"data": shown}


def _plain(value: Any, dates: dict[str, list[str]] | None = None, path: str = "") -> Any:
    """A value as JSON has it: dates as ISO strings; the paths of dates are noted for superjson."""
    if isinstance(value, dict):
        return {key: _plain(inner, dates, f"{path}.{key}" if path else str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, dates, f"{path}.{n}" if path else str(n)) for n, inner in enumerate(value)]
    if isinstance(value, datetime | date):
        if dates is not None:
            dates[path] = ["Date"]
        return iso(value)
    return value


def iso(moment: datetime | date) -> str:
    """A date as JavaScript writes it: UTC, milliseconds, Z."""
    whole = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)
    return whole.isoformat(timespec="milliseconds") + "Z"


def _error(problem: TrpcError, path: str | None, superjson: bool) -> tuple[int, dict[str, Any]]:
    number, status = ERRORS[problem.code]
    data: dict[str, Any] = {"code": problem.code, "httpStatus": status}
    if path is not None:
        data["path"] = path
    shown: dict[str, Any] = {"message": str(problem), "code": number, "data": data}
    return status, {"error": {"json": shown} if superjson else shown}


def refused(problem: TrpcError, superjson: bool = False) -> Answer:
    """The whole request refused, before any item was looked at: an object even for a batch."""
    status, item = _error(problem, None, superjson)
    return Answer(status, orjson.dumps(item), "text/plain;charset=UTF-8")


async def _jsonl(items: list[Awaitable[tuple[int, dict[str, Any]]]]) -> AsyncIterator[bytes]:
    """httpBatchStreamLink's answer: first what is promised, then each item as it is done.

    A chunk is [its id, 0, [value]]; a value that is still to come is [0] beside [key, 0, id of its chunk].
    """
    tasks = {asyncio.ensure_future(item): index for index, item in enumerate(items)}
    head = {str(index): [[0], [None, 0, index]] for index in range(len(items))}
    yield orjson.dumps(head) + b"\n"
    next_id = len(items)
    try:
        for done in asyncio.as_completed(list(tasks)):
            _, item = await done
            index = next(number for task, number in tasks.items() if task.done() and task.result()[1] is item)
            if "error" in item:
                yield orjson.dumps([index, 0, [[item]]]) + b"\n"
                continue
            result = item["result"]
            yield orjson.dumps([index, 0, [[{"result": 0}], ["result", 0, next_id]]]) + b"\n"
            yield orjson.dumps([next_id, 0, [[{"data": 0}], ["data", 0, next_id + 1]]]) + b"\n"
            yield orjson.dumps([next_id + 1, 0, [[result.get("data")]]]) + b"\n"
            next_id += 2
    finally:
        for task in tasks:
            task.cancel()


def query(run: Callable[[Any, Any], Awaitable[Any]]) -> Procedure:
    """A procedure that reads."""
    assert inspect.iscoroutinefunction(run)
    return Procedure("query", run)


def mutation(run: Callable[[Any, Any], Awaitable[Any]]) -> Procedure:
    """A procedure that writes."""
    assert inspect.iscoroutinefunction(run)
    return Procedure("mutation", run)
