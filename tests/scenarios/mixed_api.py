"""All that calls the API, as one locustfile: each is a scenario of its own, and a run costs a few seconds."""

from scenarios.web import attachments, background_jobs, tenancy
from scenarios.web.search import SearchUser
from scenarios.web.trpc_links import BatchLinkUser, PlainLinkUser, StreamLinkUser, SuperjsonLinkUser

__all__ = [
    "BatchLinkUser",
    "ManyFileUsers",
    "ManyJobUsers",
    "PlainLinkUser",
    "SearchUser",
    "StreamLinkUser",
    "SuperjsonLinkUser",
    "TeamUser",
]


class TeamUser(tenancy.TenantUser):
    """More of them, as each is of one team."""

    weight = 5


class ManyFileUsers(attachments.FileUser):
    """More of them, as each does one of many things at a time."""

    weight = 3


class ManyJobUsers(background_jobs.JobUser):
    """More of them, as one in five waits for its job."""

    weight = 3
