"""Redis as a query cache, by class of key: one hot key, popular ones, rare ones, and big values.

A miss is computed ("origin") and kept for a while. Nobody holds others back while the hot key is computed
anew, so each of its expiries is a stampede: the more requests it gets, the more of them go to the origin.
The hit ratio of a class is 1 - origin / GET.
"""

import random
from itertools import accumulate
from time import perf_counter

import gevent
from locust import constant, task

from load.users import RedisUser

KEYS, POPULAR = 10_000, 100
BIG_KEYS, BIG_BYTES = 50, 200_000
TTL_S = {"hot": 2, "popular": 60, "rare": 60, "big": 60}
ORIGIN_S = 0.02
"""What computing a value takes."""
VALUE = b'{"rows": [' + b'{"id": 1, "title": "a row of some length"}, ' * 20 + b"]}"
_CHANCES = list(accumulate(1 / rank for rank in range(1, KEYS + 1)))


def zipf_key() -> tuple[str, int]:
    """A key's class and number: the n-th most popular is asked for 1/n as often as the first."""
    number = random.choices(range(KEYS), cum_weights=_CHANCES)[0]
    return ("popular" if number < POPULAR else "rare"), number


class QueryCacheUser(RedisUser):
    wait_time = constant(0.1)

    def read(self, kind: str, number: int) -> None:
        key = f"load:query:{kind}:{number}"
        if self.redis.get(key, name=f"GET [{kind}]") is not None:
            return
        asked_s = perf_counter()
        gevent.sleep(ORIGIN_S)
        self.counting.report(f"origin [{kind}]", "origin", asked_s, perf_counter())
        value = b"x" * BIG_BYTES if kind == "big" else VALUE
        self.redis.setex(key, TTL_S[kind], value, name=f"SETEX [{kind}]")

    @task(12)
    def read_by_zipf(self) -> None:
        self.read(*zipf_key())

    @task(6)
    def read_hot(self) -> None:
        self.read("hot", 0)

    @task(2)
    def read_big(self) -> None:
        self.read("big", random.randrange(BIG_KEYS))

    @task(1)
    def invalidate(self) -> None:
        kind, number = zipf_key()
        self.redis.delete(f"load:query:{kind}:{number}", name=f"DEL [{kind}]")
