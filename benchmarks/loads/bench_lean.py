"""One static answer, again and again, through LeanHttpUser."""

from locust import constant, task

from load.users import LeanHttpUser


class BenchUser(LeanHttpUser):
    """Asks without a pause."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """One request."""
        self.client.get("/")
