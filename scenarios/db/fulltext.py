"""Full-text search asked of the replica itself, with the product's terms: what each kind of term costs."""

from locust import constant, task

from load.users import DatabaseUser
from scenarios.product import search_terms

SEARCH = "SELECT id, team_id, title FROM todos WHERE MATCH (title, body) AGAINST (%s) LIMIT 20"


class FullTextUser(DatabaseUser):
    wait_time = constant(0.5)

    @task
    def search(self) -> None:
        kind, text = search_terms()
        self.db.replica.query(SEARCH, [text], name=f"full text, {kind}")
