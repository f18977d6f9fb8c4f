"""Rows by primary key, one after another, through DatabaseUser: sysbench's point select."""

import random

from locust import constant, task

from benchmarks.loads import ROWS
from load.users import DatabaseUser


class BenchUser(DatabaseUser):
    """Asks without a pause."""

    wait_time = constant(0)
    pool_size = 1

    @task
    def read(self) -> None:
        """One row."""
        self.db.primary.query("SELECT c FROM sbtest1 WHERE id=%s", (random.randint(1, ROWS),), name="read")
