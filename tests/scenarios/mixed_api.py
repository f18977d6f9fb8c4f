"""All that calls the API, as one locustfile: each is a scenario of its own, and a run costs a few seconds."""

from scenarios.web import tenancy
from scenarios.web.attachments import FileUser
from scenarios.web.background_jobs import JobUser
from scenarios.web.search import SearchUser
from scenarios.web.trpc_links import BatchLinkUser, PlainLinkUser, StreamLinkUser, SuperjsonLinkUser

__all__ = [
    "BatchLinkUser",
    "FileUser",
    "JobUser",
    "PlainLinkUser",
    "SearchUser",
    "StreamLinkUser",
    "SuperjsonLinkUser",
    "TeamUser",
]


class TeamUser(tenancy.TenantUser):
    """More of them, as each is of one team."""

    weight = 5
