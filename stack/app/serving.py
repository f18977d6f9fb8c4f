"""What every process of the application shares: its settings and how it is served."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError


@dataclass(frozen=True)
class Settings:
    """What a process was told when it started: `python -m stack.app.api APP.JSON api1 PORT`."""

    primary: dict[str, Any]
    replica: dict[str, Any]
    redis: dict[str, Any]
    api_url: str
    knobs: dict[str, Any]
    instance: str
    port: int
    bind: str = "127.0.0.1"
    files: str = ""


def read_settings() -> Settings:
    """The settings that the command line names; attachments go beside the settings unless told otherwise."""
    path, instance, port = sys.argv[1:4]
    told = json.loads(Path(path).read_text())
    told.setdefault("files", str(Path(path).resolve().parent / "files"))
    return Settings(**told, instance=instance, port=int(port))


def connect_redis(settings: Settings) -> Any:
    """A client with short patience: a request is not to hang on its cache. "cluster": true means one."""
    login = dict(settings.redis)
    patience: dict[str, Any] = {"socket_timeout": 5, "socket_connect_timeout": 2, "max_connections": 500}
    if login.pop("cluster", False):
        # By default some redirects in a row close every connection, those in use among them.
        return RedisCluster(**login, **patience, reinitialize_steps=0)
    return Redis(**login, **patience)


async def meet_cluster(client: Any) -> None:
    """Let a cluster's client learn who has which keys before its first commands.

    Commands that come while it has yet to learn that go to any node, which sends them on. Where no node
    answers, it learns with the first command that finds one.
    """
    if isinstance(client, RedisCluster):
        with contextlib.suppress(RedisError):
            await client.initialize()


def serve(app: Any, settings: Settings) -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    uvicorn.run(
        app,
        host=settings.bind,
        port=settings.port,
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="on",
        # Longer than the load balancer keeps an idle connection, so that it never reuses one about to close.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
