"""Full-text search, by page and by API, with terms as people type them: a few words make up most of it."""

from typing import Any
from urllib.parse import quote

from locust import task

from scenarios.product import ApiMember, search_terms


class SearchUser(ApiMember):
    def fits(self, text: str) -> Any:
        """A check: rows of the own team only, each with one of the words; none for what nobody wrote."""
        words = text.split()

        def problem(rows: list[dict[str, Any]]) -> str | None:
            for row in rows:
                if not any(word in f"{row['title']} {row['body']}".lower() for word in words):
                    return f"{row['title']!r} was found for {text!r}"
            return self.own_team(rows)

        return problem

    @task(3)
    def by_api(self) -> None:
        kind, text = search_terms()
        self.api.suffix = f" [{kind}]"
        self.api.query("todo.search", {"text": text}, check=self.fits(text))

    @task(1)
    def by_page(self) -> None:
        kind, text = search_terms()
        session = {"Cookie": f"session={self.api.headers['authorization'].removeprefix('Bearer ')}"}
        path, name = f"/search?q={quote(text)}", f"/search [{kind}]"
        with self.client.get(path, name=name, kind="page", headers=session, catch_response=True) as page:
            if page.status_code == 200 and f'data-team="{self.team}"' not in page.text:
                page.failure(f"not a page of team {self.team}")
