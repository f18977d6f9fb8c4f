"""Mutations that leave a background job: how long they take, and how long until the job's effect is seen."""

import random
import uuid
from time import perf_counter

import gevent
from locust import task

from load.failure import Failure
from scenarios.product import ApiMember

PATIENCE_S = 10
LOOK_EVERY_S = 0.05


class JobUser(ApiMember):
    @task(4)
    def leave_a_job(self) -> None:
        self.api.mutation("todo.create", {"title": "with a job"}, check=self.own_team)

    @task(1)
    def leave_a_job_and_wait_for_it(self) -> None:
        """Its notification is looked for as the product's pages would; the wait is an endpoint of its own."""
        title = f"job {uuid.uuid4().hex[:12]}"
        self.api.mutation("todo.create", {"title": title}, check=self.own_team)
        left_s = perf_counter()
        while not self.is_done(title):
            if perf_counter() - left_s > PATIENCE_S:
                late = Failure("job late", f"no notification within {PATIENCE_S} s")
                self.client.counting.report("job, left to seen", "job", left_s, perf_counter(), late)
                return
            gevent.sleep(LOOK_EVERY_S * random.uniform(0.5, 1.5))
        self.client.counting.report("job, left to seen", "job", left_s, perf_counter())

    def is_done(self, title: str) -> bool:
        """Whether the todo's notification is there; it is then marked as read."""
        for note in self.api.query("notification.unread", check=self.own_team):
            if note["text"].endswith(title):
                self.api.mutation("notification.markRead", {"id": note["id"]})
                return True
        return False
