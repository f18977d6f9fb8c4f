"""How a request failed: a short kind that counts can be grouped by, and one line of detail."""

from __future__ import annotations


class Failure(Exception):
    """A request that did not succeed.

    `kind` is one of a small set of stable names ("timeout", "connect refused", "status 503",
    "deadlock" ...), so that failures can be counted by it; the message is one line about this one.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail

    def __reduce__(self) -> tuple[type[Failure], tuple[str, str]]:
        return type(self), (self.kind, self.detail)


def kind_of(problem: BaseException) -> str:
    """The kind to count a request's failure under: its own, or the class of what a scenario handed over."""
    if isinstance(problem, Failure):
        return problem.kind
    return type(problem).__name__
