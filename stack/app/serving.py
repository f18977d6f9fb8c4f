"""What every process of the application shares: its settings and how it is served."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from redis.asyncio import Redis


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


def read_settings() -> Settings:
    """The settings that the command line names."""
    path, instance, port = sys.argv[1:4]
    return Settings(**json.loads(Path(path).read_text()), instance=instance, port=int(port))


def connect_redis(settings: Settings) -> Redis:
    """A client with short patience: a request is not to hang on its cache."""
    return Redis(**settings.redis, socket_timeout=5, socket_connect_timeout=2, max_connections=500)


def serve(app: Any, settings: Settings) -> None:
    """Serve until told to stop."""
    uvicorn.run(
        app,
        host=settings.bind,
        port=settings.port,
        access_log=False,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=3,
        server_header=False,
    )
