"""Redis as a session store: sign in, be seen again and again, sign out, or leave and let it expire.

Every user holds one session. Who finds it gone signs in again.
"""

import random
import uuid

from locust import constant, task

from load.users import RedisUser

TTL_S = 1800
ABANDONED_TTL_S = 1
VALUE = '{"user": 1, "team": 1, "since": 1767225600, "roles": ["member"]}'


def new_key() -> str:
    return f"load:session:{uuid.uuid4().hex}"


class SessionUser(RedisUser):
    wait_time = constant(0.1)

    def on_start(self) -> None:
        self.key = ""

    def sign_in(self) -> None:
        self.key = new_key()
        self.redis.setex(self.key, TTL_S, VALUE, name="sign in")

    @task(20)
    def touch(self) -> None:
        """What every request of a signed-in user does."""
        if not self.key or self.redis.get(self.key, name="look up") is None:
            self.sign_in()
        else:
            self.redis.expire(self.key, TTL_S, name="touch")

    @task(1)
    def sign_out(self) -> None:
        if self.key:
            self.redis.delete(self.key, name="sign out")
            self.key = ""
        else:
            self.sign_in()

    @task(2)
    def leave_without_signing_out(self) -> None:
        ttl_ms = int(1000 * ABANDONED_TTL_S * random.uniform(0.5, 1.5))
        self.redis.psetex(new_key(), ttl_ms, VALUE, name="sign in and leave")
