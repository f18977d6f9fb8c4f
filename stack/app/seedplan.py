"""What the seed consists of, as arithmetic: nothing here is random, so anyone can compute who is whose."""

from __future__ import annotations

from functools import cache

PASSWORD = "correct horse battery staple"

SIZES: dict[str, dict[str, int]] = {
    "small": {"teams": 50, "users": 2_000, "todos": 100_000, "events": 20_000, "notifications": 20_000},
    "medium": {"teams": 200, "users": 10_000, "todos": 500_000, "events": 100_000, "notifications": 100_000},
    "large": {
        "teams": 1_000,
        "users": 50_000,
        "todos": 2_000_000,
        "events": 400_000,
        "notifications": 400_000,
    },
}


def email_of(user: int) -> str:
    """The e-mail address of user number 1, 2 ..."""
    return f"user{user}@example.test"


@cache
def team_shares(total: int, teams: int) -> tuple[tuple[int, int], ...]:
    """(first number, count) of each team's share of `total` things: Zipf, exponent 0.8, at least one each.

    Numbers begin at 1 and run team by team, so the owner of any row follows from its number.
    """
    weights = [1 / rank**0.8 for rank in range(1, teams + 1)]
    spare = total - teams
    counts = [1 + int(spare * weight / sum(weights)) for weight in weights]
    counts[0] += total - sum(counts)
    shares, first = [], 1
    for count in counts:
        shares.append((first, count))
        first += count
    return tuple(shares)
