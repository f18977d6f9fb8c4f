"""Pages and assets as one locustfile."""

from scenarios.web.assets import BrowserUser
from scenarios.web.pages import MemberUser, VisitorUser

__all__ = ["BrowserUser", "MemberUser", "VisitorUser"]
