"""One static answer, again and again, through HttpUser."""

from locust import HttpUser, constant, task


class BenchUser(HttpUser):
    """Asks without a pause."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """One request."""
        self.client.get("/")
