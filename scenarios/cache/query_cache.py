"""Redis as a query cache: popular keys are asked for most, a miss is computed and kept for a while."""

import json
import random

from locust import constant, task

from load.users import RedisUser

KEYS = 10_000
TTL_S = 60
VALUE = json.dumps({"rows": [{"id": n, "title": f"row {n}"} for n in range(20)]})


def popular_key() -> str:
    """Key numbers by a Pareto law: about four in five requests are for a fifth of the keys."""
    return f"load:query:{min(int(random.paretovariate(0.6)), KEYS)}"


class QueryCacheUser(RedisUser):
    wait_time = constant(0.1)

    @task(20)
    def read(self) -> None:
        key = popular_key()
        if self.redis.get(key, name="GET query") is None:
            self.redis.setex(key, TTL_S, VALUE, name="SETEX query")

    @task(1)
    def invalidate(self) -> None:
        self.redis.delete(popular_key(), name="DEL query")
