"""MySQL itself: rows by primary key from the primary and the replica."""

import random

from locust import constant, task

from load.target import seed
from load.users import DatabaseUser

ROW = "SELECT id, team_id, title FROM todos WHERE id = %s"


class PointReadUser(DatabaseUser):
    wait_time = constant(0.1)

    @task(3)
    def from_replica(self) -> None:
        self.db.replica.query(ROW, [random.randint(1, seed("todos"))], name="todo by id, replica")

    @task(1)
    def from_primary(self) -> None:
        self.db.primary.query(ROW, [random.randint(1, seed("todos"))], name="todo by id, primary")
