"""One static answer, again and again, through FastHttpUser."""

from locust import FastHttpUser, constant, task


class BenchUser(FastHttpUser):
    """Asks without a pause."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """One request."""
        self.client.get("/")
