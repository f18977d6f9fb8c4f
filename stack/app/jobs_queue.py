"""The queue of background jobs in Redis: waiting, being worked on, to be tried again later, and given up.

Every list has the tag {jobs}, so that a cluster keeps them together.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import orjson

WAITING = "{jobs}:waiting"
LATER = "{jobs}:later"
DEAD = "{jobs}:dead"
MAX_ATTEMPTS = 3


def working(instance: str) -> str:
    """The list of what a worker has taken and not finished."""
    return f"{{jobs}}:working:{instance}"


async def enqueue(redis: Any, kind: str, payload: dict[str, Any]) -> None:
    """Put a job at the queue's end."""
    job = {"id": uuid.uuid4().hex, "kind": kind, "at": time.time(), "attempt": 1, **payload}
    await redis.rpush(WAITING, orjson.dumps(job))


async def take(redis: Any, instance: str, wait_s: float) -> bytes | None:
    """The job that waited longest, now on the worker's own list: a worker that dies loses none."""
    taken: bytes | None = await redis.blmove(WAITING, working(instance), wait_s, "LEFT", "RIGHT")
    return taken


async def finish(redis: Any, instance: str, raw: bytes) -> None:
    """A job is done."""
    await redis.lrem(working(instance), 1, raw)


async def retry_or_bury(redis: Any, instance: str, raw: bytes) -> bool:
    """Put a failed job aside for another attempt; False when it had its last one and is dead."""
    job = orjson.loads(raw)
    pipe = redis.pipeline()
    again: bool = job["attempt"] < MAX_ATTEMPTS
    if again:
        due = time.time() + 2.0 ** job["attempt"]
        pipe.zadd(LATER, {orjson.dumps({**job, "attempt": job["attempt"] + 1}): due})
    else:
        pipe.rpush(DEAD, raw)
    pipe.lrem(working(instance), 1, raw)
    await pipe.execute()
    return again


async def bring_back(redis: Any) -> None:
    """Queue again what was put aside and is due."""
    for job in await redis.zrangebyscore(LATER, 0, time.time(), start=0, num=100):
        if await redis.zrem(LATER, job):
            await redis.rpush(WAITING, job)


async def recover(redis: Any, instance: str) -> int:
    """Queue again what an earlier process of this name left unfinished; how many."""
    count = 0
    while await redis.lmove(working(instance), WAITING, "RIGHT", "LEFT"):
        count += 1
    return count


async def depths(redis: Any) -> tuple[int, int, int]:
    """How many jobs wait, will be tried again, and are dead."""
    pipe = redis.pipeline()
    pipe.llen(WAITING)
    pipe.zcard(LATER)
    pipe.llen(DEAD)
    waiting, later, dead = await pipe.execute()
    return waiting, later, dead
