"""The queue of background jobs: a list in Redis, with retries later and a list of those given up."""

from __future__ import annotations

import time
import uuid
from typing import Any

import orjson
from redis.asyncio import Redis

WAITING = "jobs:waiting"
LATER = "jobs:later"
DEAD = "jobs:dead"
MAX_ATTEMPTS = 3


async def enqueue(redis: Redis, kind: str, payload: dict[str, Any]) -> None:
    """Put a job at the queue's end."""
    job = {"id": uuid.uuid4().hex, "kind": kind, "at": time.time(), "attempt": 1, **payload}
    await redis.rpush(WAITING, orjson.dumps(job))


async def retry_or_bury(redis: Redis, job: dict[str, Any]) -> bool:
    """Put a failed job aside for another attempt; False when it had its last one and is dead."""
    if job["attempt"] >= MAX_ATTEMPTS:
        await redis.rpush(DEAD, orjson.dumps(job))
        return False
    delay_s = 2.0 ** job["attempt"]
    await redis.zadd(LATER, {orjson.dumps({**job, "attempt": job["attempt"] + 1}): time.time() + delay_s})
    return True


async def bring_back(redis: Redis) -> None:
    """Queue again what was put aside and is due."""
    for job in await redis.zrangebyscore(LATER, 0, time.time(), start=0, num=100):
        if await redis.zrem(LATER, job):
            await redis.rpush(WAITING, job)
