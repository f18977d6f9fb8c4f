"""What each request cost below the surface: SQL statements, cached lookups and pool connections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from analysis.samples import Samples
from results import Digest, Run


@dataclass(frozen=True)
class DigestCost:
    """One normalised statement's cost, over all servers that ran it, divided by the run's requests."""

    text: str
    calls: float
    """Per request."""
    time_us: float
    """Per request."""
    rows_examined: float
    """Per request."""
    no_index: float
    """Calls that used no index, per request."""

    @property
    def us_per_call(self) -> float:
        """Mean time of one call; nan if it was never called."""
        return self.time_us / self.calls if self.calls else float("nan")

    @property
    def rows_per_call(self) -> float:
        """Mean rows examined by one call; nan if it was never called."""
        return self.rows_examined / self.calls if self.calls else float("nan")


@dataclass(frozen=True)
class PoolUse:
    """One connection pool, over all instances: its size, connections in use, and the wait for one."""

    name: str
    size: float
    used: float
    wait_us: float
    """Per request."""
    timeouts: float


@dataclass(frozen=True)
class ClassCost:
    """Lookups of one class of key in the application's cache, over all instances, per request."""

    name: str
    lookups: float
    misses: float
    time_us: float
    """With reading anew what was not there."""

    @property
    def hit_ratio(self) -> float:
        """Hits of lookups, 0 to 1; nan if there were none."""
        return 1 - self.misses / self.lookups if self.lookups else float("nan")

    @property
    def us_per_lookup(self) -> float:
        """Mean time of a lookup; nan if there were none."""
        return self.time_us / self.lookups if self.lookups else float("nan")


@dataclass(frozen=True)
class Costs:
    """All that one run's requests cost below the surface, by name."""

    digests: dict[str, DigestCost] = field(default_factory=dict)
    classes: dict[str, ClassCost] = field(default_factory=dict)
    pools: dict[str, PoolUse] = field(default_factory=dict)


def costs_below(run: Run, samples: Samples, requests: int) -> Costs:
    """A run's costs: statements of the whole run, all else between the samples' seconds with `requests`."""
    everything = sum(flow.requests for flow in run.flows) or requests
    return Costs(
        digest_costs(run.digests, everything), class_costs(samples, requests), pool_uses(samples, requests)
    )


def digest_costs(digests: Iterable[Digest], requests: int) -> dict[str, DigestCost]:
    """Costs a request by statement. None where there were no requests."""
    costs: dict[str, DigestCost] = {}
    for digest in digests if requests else ():
        before = costs.get(digest.text, DigestCost(digest.text, 0.0, 0.0, 0.0, 0.0))
        costs[digest.text] = DigestCost(
            digest.text,
            before.calls + digest.calls / requests,
            before.time_us + digest.total_us / requests,
            before.rows_examined + digest.rows_examined / requests,
            before.no_index + digest.no_index / requests,
        )
    return costs


def class_costs(samples: Samples, requests: int) -> dict[str, ClassCost]:
    """Costs a request by class of key. None where there were no requests, or no times are told."""
    told = [name.removeprefix("cache_class.") for name in samples.metrics("api")]
    names = {name.removesuffix(".seconds") for name in told if name.endswith(".seconds")}
    costs = {}
    for name in sorted(names) if requests else ():
        hits, misses, seconds = (
            (samples.increase("api", f"cache_class.{name}.{what}") or 0.0) / requests
            for what in ("hits", "misses", "seconds")
        )
        costs[name] = ClassCost(name, hits + misses, misses, seconds * 1e6)
    return costs


def pool_uses(samples: Samples, requests: int) -> dict[str, PoolUse]:
    """The API's pools by name; only those whose size is known."""
    names = {name.split(".")[1] for name in samples.metrics("api") if name.startswith("pool.")}
    uses = {}
    for name in sorted(names):
        size, used = _total(samples, f"pool.{name}.max"), _total(samples, f"pool.{name}.used")
        if size is None or not requests:
            continue
        waited_s = samples.increase("api", f"pool.{name}.wait_seconds") or 0.0
        timeouts = samples.increase("api", f"pool.{name}.timeouts") or 0.0
        uses[name] = PoolUse(name, size, used or 0.0, waited_s * 1e6 / requests, timeouts)
    return uses


def _total(samples: Samples, metric: str) -> float | None:
    """The mean of a gauge, added up over instances."""
    means = [samples.mean("api", metric, name) for name in samples.instances("api", metric)]
    known = [mean for mean in means if mean is not None]
    return sum(known) if known else None
