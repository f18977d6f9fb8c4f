"""One key, again and again, through RedisUser."""

from locust import constant, task

from load.users import RedisUser


class BenchUser(RedisUser):
    """Asks without a pause."""

    wait_time = constant(0)
    pool_size = 1

    @task
    def read(self) -> None:
        """One value."""
        self.redis.get("bench")
