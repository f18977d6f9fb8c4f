"""The plainest scenario: every arrival is one GET of the calibrated server."""

from locust import task

from load.users import LeanHttpUser


class OneRequest(LeanHttpUser):
    network_timeout = 60.0

    @task
    def ask(self) -> None:
        self.client.get("/", name="ask")
