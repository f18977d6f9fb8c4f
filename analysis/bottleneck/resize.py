"""Pools and workers of another size, in words. A size is that of each instance."""

from __future__ import annotations

from analysis.bottleneck.resources import Use


def resized(use: Use, then: int, unit: str = "") -> str:
    """The size and what it is today: "20 instead of 10 in each of 2 instances"."""
    where = f" in each of {use.instances} instances" if use.instances > 1 else ""
    return f"{then}{unit} instead of {use.each}{where}"


def larger(use: Use, then: int) -> str:
    """The same within a sentence: "a pool of 20 instead of 10", "128 workers instead of 64"."""
    return f"a pool of {resized(use, then)}" if use.is_pool else resized(use, then, " workers")


def moved(use: Use, then: int, limited_by: str, rate: str) -> str:
    """What it does to the limit; `rate` comes with what is known of it, such as "610/s at most"."""
    s = "s" if use.is_pool else ""
    if limited_by == use.name:
        return f"{larger(use, then)} let{s} it carry {rate}"
    return f"{larger(use, then)} move{s} the limit to the {limited_by}, at {rate}"
