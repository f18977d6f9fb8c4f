"""A background worker: takes jobs from the queue and runs them; its metrics are served beside.

A job is run at least once: one that was cut off by its worker's death is run again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncmy
import orjson
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from stack.app import job_metrics, jobs_queue, metrics
from stack.app.serving import Settings, connect_redis, meet_cluster, read_settings, serve

log = logging.getLogger(__name__)
TICK_S = 0.5


async def notify(connection: Any, job: dict[str, Any]) -> None:
    """Leave a notification."""
    sql = (
        "INSERT INTO notifications (team_id, user_id, text, created_at) VALUES (%s, %s, %s, UTC_TIMESTAMP())"
    )
    async with connection.cursor() as cursor:
        await cursor.execute(sql, (job["team"], job["user"], job["text"]))


KINDS = {"notify": notify}


class Worker:
    """Runs jobs one after the other for as long as the process lives."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis = connect_redis(settings)
        self.connection: Any = None

    async def work(self) -> None:
        """Take and run, for ever; a Redis that is away is waited for."""
        recovered = False
        while True:
            try:
                if not recovered:
                    count = await jobs_queue.recover(self.redis, self.settings.instance)
                    recovered = True
                    if count:
                        log.warning("%d jobs left unfinished are queued again", count)
                raw = await jobs_queue.take(self.redis, self.settings.instance, 1)
                if raw is not None:
                    await self._run(raw)
            except RedisError as problem:
                log.warning("redis: %s", problem)
                await asyncio.sleep(TICK_S)

    async def tick(self) -> None:
        """Bring back what is due, and count what waits."""
        while True:
            try:
                await jobs_queue.bring_back(self.redis)
                await self.count()
            except RedisError:
                pass  # the worker says it
            await asyncio.sleep(TICK_S)

    async def count(self) -> None:
        """Bring the gauges up to date. Raises RedisError."""
        waiting, later, dead = await jobs_queue.depths(self.redis)
        job_metrics.JOBS_QUEUED.set(waiting)
        job_metrics.JOBS_LATER.set(later)
        job_metrics.JOBS_DEAD_KEPT.set(dead)

    async def _run(self, raw: bytes) -> None:
        job = orjson.loads(raw)
        job_metrics.JOB_START.observe(time.time() - job["at"])
        try:
            if self.connection is None or self.connection._stream_broken:
                self.connection = await asyncmy.connect(**self.settings.primary, autocommit=True)
            await KINDS[job["kind"]](self.connection, job)
        except (asyncmy.errors.MySQLError, OSError, KeyError) as problem:
            again = await jobs_queue.retry_or_bury(self.redis, self.settings.instance, raw)
            (job_metrics.JOBS_RETRIED if again else job_metrics.JOBS_DEAD).inc()
            what = "will be tried again" if again else "is given up"
            log.warning("job %s (%s) failed and %s: %r", job["id"], job["kind"], what, problem)
            return
        await jobs_queue.finish(self.redis, self.settings.instance, raw)
        job_metrics.JOBS_DONE.inc()
        job_metrics.JOB_FINISH.observe(time.time() - job["at"])


async def health(request: Request) -> Response:
    return PlainTextResponse("ok")


async def metrics_page(request: Request) -> Response:
    return Response(metrics.page(), media_type="text/plain; version=0.0.4")


def make_app(settings: Settings) -> Starlette:
    """The worker, with its metrics and health pages."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        worker = Worker(settings)
        await meet_cluster(worker.redis)
        tasks = [asyncio.create_task(worker.work()), asyncio.create_task(worker.tick())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.redis.aclose()

    return Starlette(routes=[Route("/health", health), Route("/metrics", metrics_page)], lifespan=lifespan)


if __name__ == "__main__":
    told = read_settings()
    serve(make_app(told), told)
