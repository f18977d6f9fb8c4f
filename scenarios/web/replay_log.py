"""The requests of an access log at their times: `replay = "access.log"` in a plan, REPLAY_LOG with `locust`.

Whoever asks is signed in where the target says what was seeded, so that pages are shown and not the door.
"""

import os
import random
import re

from locust import constant, task
from locust.exception import StopUser

from load.replay import recorded_request
from load.target import seed, target
from load.users import LeanHttpUser

NUMBER = re.compile(r"/(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)")


class ReplayUser(LeanHttpUser):
    host = os.environ.get("HARNESS_HOST", "http://127.0.0.1:18000")
    wait_time = constant(0)

    def on_start(self) -> None:
        if target().get("seed"):
            email = f"user{random.randint(1, seed('users'))}@example.test"
            self.client.post("/signin", data={"email": email, "password": seed("password")})

    @task
    def replay(self) -> None:
        request = recorded_request()
        if request is None:
            raise StopUser
        name = NUMBER.sub("/[id]", request.path.partition("?")[0])
        with self.client.request(request.method, request.path, name=name, catch_response=True) as answer:
            if answer.status_code == request.status:
                answer.success()  # what was an error then is one now, and no news
