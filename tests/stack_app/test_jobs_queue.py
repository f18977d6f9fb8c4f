"""The queue loses no job and gives up in the end; on the stack's Redis, in a database nobody else uses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from stack.app import jobs_queue
from tests.stack_app.conftest import Target

pytestmark = pytest.mark.stack


@pytest.fixture
def on_redis(target: Target) -> Callable[[Callable[[Any], Awaitable[None]]], None]:
    """Runs a test with a client of an empty database."""

    def run(test: Callable[[Any], Awaitable[None]]) -> None:
        async def go() -> None:
            known = target["redis"]
            redis = Redis(host=known["host"], port=known["port"], password=known["password"], db=9)
            await redis.flushdb()
            await test(redis)
            await redis.aclose()

        asyncio.run(go())

    return run


def test_a_job_that_is_done_is_gone(on_redis: Any) -> None:
    async def test(redis: Any) -> None:
        await jobs_queue.enqueue(redis, "notify", {"text": "a"})
        raw = await jobs_queue.take(redis, "w", 1)
        assert raw is not None
        await jobs_queue.finish(redis, "w", raw)
        assert await redis.dbsize() == 0

    on_redis(test)


def test_what_a_dead_worker_had_taken_is_first_in_line_again(on_redis: Any) -> None:
    async def test(redis: Any) -> None:
        for text in "abc":
            await jobs_queue.enqueue(redis, "notify", {"text": text})
        for _ in range(2):
            await jobs_queue.take(redis, "w", 1)
        assert await jobs_queue.recover(redis, "w") == 2
        waiting = [orjson.loads(raw)["text"] for raw in await redis.lrange(jobs_queue.WAITING, 0, -1)]
        assert waiting == ["a", "b", "c"]

    on_redis(test)


def test_a_job_is_tried_three_times_and_then_dead(on_redis: Any) -> None:
    async def test(redis: Any) -> None:
        await jobs_queue.enqueue(redis, "notify", {"text": "a"})
        again = []
        for _ in range(jobs_queue.MAX_ATTEMPTS):
            raw = await jobs_queue.take(redis, "w", 1)
            assert raw is not None
            again.append(await jobs_queue.retry_or_bury(redis, "w", raw))
            for later in await redis.zrange(jobs_queue.LATER, 0, -1):
                await redis.zadd(jobs_queue.LATER, {later: 0})  # its time has come
            await jobs_queue.bring_back(redis)
        assert again == [True, True, False]
        assert await jobs_queue.depths(redis) == (0, 0, 1)

    on_redis(test)


def test_a_job_put_aside_waits_for_its_time(on_redis: Any) -> None:
    async def test(redis: Any) -> None:
        await jobs_queue.enqueue(redis, "notify", {"text": "a"})
        raw = await jobs_queue.take(redis, "w", 1)
        assert raw is not None
        await jobs_queue.retry_or_bury(redis, "w", raw)
        await jobs_queue.bring_back(redis)
        assert await jobs_queue.depths(redis) == (0, 1, 0)

    on_redis(test)
