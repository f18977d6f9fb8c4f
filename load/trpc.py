"""A tRPC v11 client for scenarios: every procedure call is one counted request, also within a batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Final
from urllib.parse import quote

from load import superjson
from load.failure import Failure
from load.http_client import HttpClient, Response
from load.http_client.response import CheckFailed
from load.trpc_stream import JsonLines

KIND: Final = "trpc"

Call = tuple[str, Any]
"""A procedure's name, and its input (None for none)."""
Check = Callable[[Any], str | None]
"""Says what is wrong with a procedure's answer, or None."""
Outcome = tuple[Any, Failure | None]


class TrpcClient:
    """One user's calls to a tRPC server. Failed calls are counted by the error's `data.code` and raised."""

    def __init__(
        self,
        client: HttpClient,
        prefix: str = "/trpc",
        headers: dict[str, str] | None = None,
        is_superjson: bool = False,
    ) -> None:
        """`headers` go with every call and may be changed; `is_superjson` if the server uses that."""
        self.headers = dict(headers or {})
        self.suffix = ""
        """Put after each procedure's name where it is counted, to tell kinds of users apart."""
        self._client = client
        self._prefix = prefix.rstrip("/")
        self._is_superjson = is_superjson

    def query(self, procedure: str, input: Any = None, check: Check | None = None) -> Any:
        """Call a query and return its data. Raises Failure, counted already."""
        target = f"{self._prefix}/{procedure}"
        if input is not None:
            target += f"?input={quote(self._dumps(self._encoded(input)))}"
        return self._call("GET", target, None, procedure, check)

    def mutation(self, procedure: str, input: Any = None, check: Check | None = None) -> Any:
        """Call a mutation and return its data. Raises Failure, counted already."""
        body = b"" if input is None else self._dumps(self._encoded(input)).encode()
        return self._call("POST", f"{self._prefix}/{procedure}", body, procedure, check)

    def batch(
        self,
        calls: Sequence[Call],
        check: Check | None = None,
        is_mutation: bool = False,
        is_streamed: bool = False,
    ) -> list[Any]:
        """Call several procedures in one request and return their data, in order.

        Each is counted by itself: with the whole request's time, or with the time until it was whole if
        `is_streamed` (application/jsonl). Raises the first one's Failure once all are counted.
        """
        names = [procedure for procedure, _ in calls]
        given = {str(i): self._encoded(value) for i, (_, value) in enumerate(calls) if value is not None}
        target = f"{self._prefix}/{','.join(names)}?batch=1"
        text = self._dumps(given)
        if is_mutation:
            method, body = "POST", text.encode()
        else:
            method, body, target = "GET", None, f"{target}&input={quote(text)}"
        stream = JsonLines(len(calls), self._is_superjson, perf_counter) if is_streamed else None
        response = self._send(method, target, body, names[0], stream)
        if stream is not None and any(stream.ended_s):
            outcomes = self._streamed_outcomes(stream, response)
            ended_s = [response.ended_s if at_s is None else at_s for at_s in stream.ended_s]
        else:
            outcomes = self._batch_outcomes(response, len(calls))
            ended_s = [response.ended_s] * len(calls)
        for name, outcome, at_s in zip(names, outcomes, ended_s, strict=True):
            self._count(name, response, at_s, outcome, check, len(calls))
        first = next((failure for _, failure in outcomes if failure), None)
        if first is not None:
            raise first
        return [data for data, _ in outcomes]

    def _call(self, method: str, target: str, body: bytes | None, name: str, check: Check | None) -> Any:
        response = self._send(method, target, body, name, None)
        outcome = self._outcome(response, _parsed(response))
        self._count(name, response, response.ended_s, outcome, check, 1)
        data, failure = outcome
        if failure is not None:
            raise failure
        return data

    def _send(
        self, method: str, target: str, body: bytes | None, name: str, stream: JsonLines | None
    ) -> Response:
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        if stream is not None:
            headers |= {"trpc-accept": "application/jsonl", "Accept-Encoding": "identity"}
        taken = _Taken(stream) if stream else None
        # catch_response leaves the counting to the caller: here to `_count`, item by item.
        response = self._client.request(
            method,
            target,
            name=name + self.suffix,
            data=body,
            headers=headers,
            kind=KIND,
            catch_response=True,
            cache=False,
            on_data=taken.feed if taken else None,
        )
        if taken is not None:
            taken.close(response)
        return response

    def _count(
        self,
        name: str,
        response: Response,
        ended_s: float,
        outcome: Outcome,
        check: Check | None,
        items: int,
    ) -> None:
        """Count one item. A batch's bytes are shared out; its Server-Timing is nobody's in particular."""
        data, failure = outcome
        problem: Exception | None = failure
        if problem is None and check is not None:
            problem = _checked(check, data)
        timing = response.raw_headers.get(b"server-timing", b"") if items == 1 else b""
        self._client.counting.report(
            name + self.suffix,
            KIND,
            response.started_s,
            ended_s,
            problem,
            response.bytes_received // items,
            server_timing=timing.decode("latin-1"),
        )

    def _batch_outcomes(self, response: Response, count: int) -> list[Outcome]:
        """What became of each item. One object instead of an array is an error of the batch as a whole."""
        parsed = _parsed(response)
        if not isinstance(parsed, list):
            return [self._outcome(response, parsed)] * count
        missing = Failure("protocol", f"{len(parsed)} answers to a batch of {count}")
        return [
            self._outcome(response, parsed[index]) if index < len(parsed) else (None, missing)
            for index in range(count)
        ]

    def _streamed_outcomes(self, stream: JsonLines, response: Response) -> list[Outcome]:
        """As in a batch; within a stream superjson wraps whole lines, which the stream has undone."""
        early = Failure("closed early", "the stream ended before the item was whole")
        unfinished = response.error if isinstance(response.error, Failure) else early
        return [
            (None, unfinished) if ended_s is None else self._outcome(response, item, is_plain=True)
            for item, ended_s in zip(stream.items, stream.ended_s, strict=True)
        ]

    def _outcome(self, response: Response, item: Any, is_plain: bool = False) -> Outcome:
        """Data or failure of one item: `{"result": {"data"}}` or `{"error"}`, whatever the HTTP status."""
        unwrap: Callable[[Any], Any] = superjson.decode if self._is_superjson and not is_plain else _same
        try:
            if isinstance(item, dict) and "error" in item:
                return None, _failure(unwrap(item["error"]))
            if isinstance(item, dict) and isinstance(item.get("result"), dict):
                result = item["result"]
                return (unwrap(result["data"]) if "data" in result else None), None
        except ValueError as problem:
            return None, Failure("protocol", str(problem))
        if isinstance(response.error, Failure):
            return None, response.error
        return None, Failure("protocol", "the answer is not tRPC's")

    def _encoded(self, value: Any) -> Any:
        return superjson.encode(value) if self._is_superjson else value

    @staticmethod
    def _dumps(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))


class _Taken:
    """Hands a streamed body on, unless it turns out to be an ordinary one, which an error's is."""

    def __init__(self, stream: JsonLines) -> None:
        self._stream = stream
        self._body = b""
        self._is_broken = False

    def feed(self, data: bytes) -> None:
        self._body += data
        if not self._is_broken:
            try:
                self._stream.feed(data)
            except ValueError:
                self._is_broken = True

    def close(self, response: Response) -> None:
        """Leave the body to be read as an ordinary answer, should there be no items in it."""
        if response.content is not None:
            response.content = self._body


def _same(value: Any) -> Any:
    return value


def _parsed(response: Response) -> Any:
    if response.content is None:
        return None
    try:
        return response.json()
    except ValueError:
        return None


def _failure(error: Any) -> Failure:
    """By `data.code`: several HTTP statuses share one numeric code."""
    if not isinstance(error, dict):
        return Failure("protocol", "an error that is not tRPC's")
    data = error.get("data")
    code = data.get("code") if isinstance(data, dict) else None
    return Failure(str(code or error.get("code") or "error"), str(error.get("message", "")))


def _checked(check: Check, data: Any) -> Exception | None:
    try:
        text = check(data)
    except Exception as problem:
        text = f"{type(problem).__name__}: {problem}"
    return CheckFailed(text) if text else None
