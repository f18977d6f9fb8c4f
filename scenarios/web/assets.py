"""Static assets as browsers ask for them: kept by max-age, asked again by ETag, and whole by new visitors."""

import re

from locust import between, task

from load.users import LeanHttpUser
from scenarios.product import HOST

ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')


class BrowserUser(LeanHttpUser):
    host = HOST
    wait_time = between(0.5, 1.5)
    browser_cache = True

    def on_start(self) -> None:
        self.tags: dict[str, str] = {}

    @task(8)
    def visit(self) -> None:
        """A page and its assets; what the browser has kept is not asked for."""
        page = self.client.get("/", kind="page")
        for asset in dict.fromkeys(ASSET.findall(page.text)):
            answer = self.client.get(asset, name=asset.partition("?")[0], kind="asset")
            self.tags[asset] = answer.headers.get("etag", "")

    @task(1)
    def visit_as_someone_new(self) -> None:
        if self.client.cache is not None:
            self.client.cache.clear()
        self.visit()

    @task(2)
    def reload(self) -> None:
        """The browser's reload button: everything is asked for again, and nothing has changed."""
        for asset, tag in self.tags.items():
            name = f"{asset.partition('?')[0]} [reload]"
            asked = {"If-None-Match": tag}
            with self.client.get(
                asset, name=name, kind="asset", headers=asked, cache=False, catch_response=True
            ) as answer:
                if answer.status_code != 304 or answer.content:
                    answer.failure(f"status {answer.status_code}, {len(answer.content or b'')} bytes again")
