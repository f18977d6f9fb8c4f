"""A pool of 5 connections and a statement that holds one for 20 ms: more than 250/s cannot go through it.

The wait for a connection is a part of its own ("pool") beside the statement's time. With U users at a time
each waits for the U - 5 others to be served: (U - 5) / 5 x 20 ms. plans/pool.toml raises U.
"""

from locust import constant, task

from load.users import DatabaseUser

HOLD_S = 0.02


class PooledUser(DatabaseUser):
    wait_time = constant(0)
    pool_size = 5

    @task
    def hold_a_connection(self) -> None:
        self.db.primary.query("SELECT SLEEP(%s)", [HOLD_S], name="hold a connection for 20 ms")
