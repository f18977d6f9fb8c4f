"""All that asks the databases, as one locustfile."""

from scenarios.db.fulltext import FullTextUser
from scenarios.db.point_reads import PointReadUser
from scenarios.db.read_your_writes import ReadYourWritesUser
from scenarios.db.writes import WriteUser

__all__ = ["FullTextUser", "PointReadUser", "ReadYourWritesUser", "WriteUser"]
