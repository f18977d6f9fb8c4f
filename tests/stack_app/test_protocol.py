"""The protocol held against exchanges that a real @trpc/server 11.25 answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from stack.app.encoding import PLAIN, SUPERJSON
from stack.app.protocol import Answer, Call, Router, TrpcError, mutation, query, subscription

EXCHANGES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "trpc_exchanges.jsonl").read_text().splitlines()
]
WORDED_BY_THE_LIBRARY = ("invalid_type", "is not valid JSON")


async def by_id(_: Any, given: Any) -> Any:
    if not isinstance(given["id"], int):
        raise TrpcError("BAD_REQUEST", "id: expected a number")
    return {"id": given["id"], "name": f"n{given['id']}", "at": datetime(1970, 1, 1)}


async def numbers(_: Any, given: Any) -> Any:
    return [1, 2, 3]


async def create(_: Any, given: Any) -> Any:
    return {"id": 7, "name": given["name"]}


async def boom(_: Any, given: Any) -> Any:
    raise TrpcError("NOT_FOUND", "no item")


async def crash(_: Any, given: Any) -> Any:
    raise RuntimeError("kaput")


async def busy(_: Any, given: Any) -> Any:
    raise TrpcError("TOO_MANY_REQUESTS")


async def void(_: Any, given: Any) -> Any:
    return None


async def slow(_: Any, given: Any) -> Any:
    await asyncio.sleep(given / 1000)
    return f"slept{given}"


async def defer(_: Any, given: Any) -> Any:
    async def later() -> str:
        await asyncio.sleep(0.01)
        return "done"

    return {"now": 1, "later": later()}


async def sub(_: Any, given: Any) -> AsyncIterator[int]:
    for number in range(2):
        yield number


PROCEDURES = {
    "item.byId": query(by_id),
    "item.list": query(numbers),
    "item.boom": query(boom),
    "item.crash": query(crash),
    "item.busy": query(busy),
    "item.slow": query(slow),
    "item.defer": query(defer),
    "item.create": mutation(create),
    "item.void": mutation(void),
    "item.sub": subscription(sub),
}


async def text_of(answer: Answer) -> str:
    if answer.stream is None:
        return answer.body.decode()
    return b"".join([piece async for piece in answer.stream]).decode()


def ask(
    method: str, target: str, headers: dict[str, str], body: str | None, server: str
) -> tuple[Answer, str]:
    path, _, query_string = target.partition("?")
    if body and "content-type" not in headers:
        headers["content-type"] = "application/x-www-form-urlencoded"  # as the recording client did
    call = Call(
        method,
        unquote(path.removeprefix("/")),
        query_string,
        (body or "").encode(),
        headers.get("content-type", ""),
        headers.get("trpc-accept") == "application/jsonl",
        SUPERJSON if server == "superjson" else PLAIN,
    )
    router = Router(PROCEDURES, max_batch_size=2 if "maxBatchSize=2" in server else 100)

    async def go() -> tuple[Answer, str]:
        answer = await router.answer(call, None)
        return answer, await text_of(answer)

    return asyncio.run(go())


def without_library_words(value: Any) -> Any:
    """Messages of the validation and JSON libraries differ by language; all else is to be the same."""
    if isinstance(value, dict):
        message = value.get("message")
        if isinstance(message, str) and any(words in message for words in WORDED_BY_THE_LIBRARY):
            value = {**value, "message": "..."}
        return {key: without_library_words(inner) for key, inner in value.items()}
    return [without_library_words(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=[f"{n}-{e['server'][:9]}-{e['path'][:24]}" for n, e in enumerate(EXCHANGES)]
)
def test_answers_as_the_real_server_did(exchange: dict[str, Any]) -> None:
    headers = dict(header.split(": ", 1) for header in exchange["request_headers"])
    answer, text = ask(
        exchange["method"], exchange["path"], headers, exchange["request_body"], exchange["server"]
    )
    assert answer.status == exchange["status"]
    assert (answer.content_type or None) == exchange["content_type"]
    expected = without_library_words(exchange["body"])
    if exchange["body_kind"] == "text":
        assert text.strip() == expected.strip()
    elif exchange["body_kind"] == "jsonl":
        assert [json.loads(line) for line in text.splitlines()] == expected
    elif expected is None:
        assert text == ""
    else:
        got = json.loads(text)
        if "..." in json.dumps(expected):
            got["error"]["message"] = "..."
        assert got == expected


def test_a_wrong_method_names_the_right_one() -> None:
    answer, _ = ask("GET", "/item.create", {}, None, "plain")
    assert ("allow", "POST") in answer.headers


def test_a_batch_of_queries_and_mutations_is_refused_whole() -> None:
    answer, text = ask("GET", "/item.list,item.create?batch=1", {}, None, "plain")
    assert answer.status == 400
    assert json.loads(text)["error"]["message"] == "Cannot mix procedure types in call: query, mutation"


def test_a_post_without_content_type_is_refused() -> None:
    answer, text = ask("POST", "/item.void", {}, None, "plain")
    assert answer.status == 415
    assert json.loads(text)["error"]["message"] == "Missing content-type header"


def test_a_stream_that_is_not_a_batch_is_refused() -> None:
    answer, _ = ask("GET", "/item.list", {"trpc-accept": "application/jsonl"}, None, "plain")
    assert answer.status == 400


def test_a_failing_promise_in_a_stream_is_an_error_of_its_chunk() -> None:
    async def bad(_: Any, given: Any) -> Any:
        async def later() -> None:
            raise RuntimeError("too late")

        return {"later": later()}

    async def go() -> list[Any]:
        router = Router({"bad": query(bad)})
        answer = await router.answer(Call("GET", "bad", "batch=1", wants_lines=True), None)
        return [json.loads(line) for line in (await text_of(answer)).splitlines()]

    number, status, shape = asyncio.run(go())[-1]
    assert (number, status, shape["message"]) == (3, 1, "too late")


def test_the_items_of_a_batch_run_at_the_same_time() -> None:
    async def go() -> int:
        met = asyncio.Barrier(2)

        async def meet(_: Any, given: Any) -> Any:
            async with asyncio.timeout(10):
                await met.wait()
            return 1

        answer = await Router({"meet": query(meet)}).answer(Call("GET", "meet,meet", "batch=1"), None)
        return answer.status

    assert asyncio.run(go()) == 200


def test_every_item_of_a_batch_is_observed() -> None:
    seen = []
    router = Router(PROCEDURES, observe=lambda path, code, _: seen.append((path, code)))
    call = Call("GET", "item.list,item.boom,nope", "batch=1")
    asyncio.run(router.answer(call, None))
    assert seen == [("item.list", "OK"), ("item.boom", "NOT_FOUND"), ("unknown", "NOT_FOUND")]


def test_superjson_notes_dates_wherever_they_are() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    shown = SUPERJSON.result({"rows": [{"at": moment}], "a.b": moment})["data"]
    assert shown["meta"] == {"values": {"rows.0.at": ["Date"], "a\\.b": ["Date"]}, "v": 1}
    assert SUPERJSON.result(moment)["data"]["meta"]["values"] == ["Date"]
