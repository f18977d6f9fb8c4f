"""The shortest scenario: one page, and a check of what it shows. Made to be copied."""

from locust import constant, task

from load.users import LeanHttpUser


class SignInPageUser(LeanHttpUser):
    host = "http://127.0.0.1:18000"
    wait_time = constant(1)

    @task
    def sign_in_page(self) -> None:
        with self.client.get("/signin", name="/signin", catch_response=True) as page:
            if "<form" not in page.text:
                page.failure("no form on the page")
