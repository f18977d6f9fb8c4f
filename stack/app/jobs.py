"""A background worker: takes jobs from the queue and runs them; its metrics are served beside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncmy
import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from stack.app import jobs_queue, metrics
from stack.app.serving import Settings, connect_redis, read_settings, serve


async def notify(connection: Any, job: dict[str, Any]) -> None:
    """Leave a notification."""
    sql = "INSERT INTO notifications (team_id, user_id, text, is_read, created_at) VALUES (%s, %s, %s, 0, NOW())"
    async with connection.cursor() as cursor:
        await cursor.execute(sql, (job["team"], job["user"], job["text"]))


KINDS = {"notify": notify}


async def work(settings: Settings, redis: Redis) -> None:
    """Run jobs one after the other for as long as the process lives."""
    connection = None
    while True:
        try:
            taken = await redis.blpop([jobs_queue.WAITING], timeout=1)
            metrics.JOBS_QUEUED.set(await redis.llen(jobs_queue.WAITING))
            await jobs_queue.bring_back(redis)
        except RedisError:
            await asyncio.sleep(0.5)
            continue
        if taken is None:
            continue
        job = orjson.loads(taken[1])
        metrics.JOB_START.observe(time.time() - job["at"])
        try:
            if connection is None or not connection.connected:
                connection = await asyncmy.connect(**settings.primary, autocommit=True)
            await KINDS[job["kind"]](connection, job)
        except (asyncmy.errors.MySQLError, OSError, KeyError):
            connection = None
            again = await jobs_queue.retry_or_bury(redis, job)
            (metrics.JOBS_RETRIED if again else metrics.JOBS_DEAD).inc()
            continue
        metrics.JOBS_DONE.inc()
        metrics.JOB_FINISH.observe(time.time() - job["at"])


async def health(request: Request) -> Response:
    return PlainTextResponse("ok")


async def metrics_page(request: Request) -> Response:
    return Response(metrics.page(), media_type="text/plain; version=0.0.4")


def make_app(settings: Settings) -> Starlette:
    """The worker, with its metrics and health pages."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        redis = connect_redis(settings)
        worker = asyncio.create_task(work(settings, redis))
        yield
        worker.cancel()
        await redis.aclose()

    return Starlette(routes=[Route("/health", health), Route("/metrics", metrics_page)], lifespan=lifespan)


if __name__ == "__main__":
    told = read_settings()
    serve(make_app(told), told)
