"""Write to the primary, read from the replica: how often a user would miss the own write, and for how long.

"stale read" is one endpoint: a read that came too early, with the write's age at that moment. "own write
seen" is another: the time from commit to the first read that shows it, which is the staleness itself.
"""

from time import perf_counter

import gevent
from locust import constant, task

from load.failure import Failure
from load.users import DatabaseUser

WRITE = (
    "INSERT INTO events (team_id, title, starts_at, ends_at)"
    " VALUES (1, 'to be read back', '2027-01-01 10:00', '2027-01-01 11:00')"
)
READ = "SELECT id FROM events WHERE id = %s"
PATIENCE_S = 10
KIND = "staleness"


class ReadYourWritesUser(DatabaseUser):
    wait_time = constant(0.1)

    @task
    def write_and_read_back(self) -> None:
        with self.db.primary.transaction("write") as cursor:
            cursor.execute(WRITE)
            number = cursor.last_id
        written_s = perf_counter()
        while not self.db.replica.query(READ, [number], name="read back"):
            age_s = perf_counter() - written_s
            self.counting.report("stale read", KIND, written_s, written_s + age_s)
            if age_s > PATIENCE_S:
                lost = Failure("stale", f"not on the replica within {PATIENCE_S} s")
                self.counting.report("own write seen", KIND, written_s, written_s + age_s, lost)
                return
            gevent.sleep(max(0.001, age_s / 10))
        self.counting.report("own write seen", KIND, written_s, perf_counter())
