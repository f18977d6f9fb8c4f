"""Capacity searches in virtual time, ours and bisection on single trials, held against the formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.capacity import Capacity, Level, LevelResult, Search, Settings, Window, answer
from results import Slo, parse_slos
from tests.truth.formulas import capacity_per_s
from tests.truth.simulated import Noise, ServiceKind, SimulatedServer


@dataclass(frozen=True)
class Setting:
    """A server and an objective whose limit is known."""

    kind: ServiceKind
    slots: int
    service_s: float
    limit_s: float

    @property
    def slos(self) -> tuple[Slo, ...]:
        return tuple(parse_slos(f"p99 < {self.limit_s * 1e3:g}ms"))

    @property
    def truth_per_s(self) -> float:
        return capacity_per_s(self.kind, self.slots, self.service_s, self.limit_s)

    @property
    def name(self) -> str:
        letter = "M" if self.kind == "exponential" else "D"
        return f"M/{letter}/{self.slots} {self.service_s * 1e3:g} ms, p99 < {self.limit_s * 1e3:g} ms"


SETTINGS = [
    Setting("exponential", 1, 0.002, 0.04),
    Setting("exponential", 8, 0.01, 0.05),
    Setting("exponential", 8, 0.01, 0.25),
    Setting("exponential", 16, 0.01, 0.1),
    Setting("exponential", 32, 0.05, 0.4),
    Setting("fixed", 1, 0.002, 0.02),
    Setting("fixed", 8, 0.01, 0.05),
    Setting("fixed", 16, 0.02, 0.06),
]
NOISE = Noise(per_trial=0.03)
BUDGET_S = 300.0
LATE_S = 2
"""Seconds of a level that are known after it was judged, and whose requests end before the next begins."""


def search_capacity(
    server: SimulatedServer,
    settings: Settings,
    disturb: Callable[[SimulatedServer, float], None] = lambda server, rate_per_s: None,
    spoilt: Callable[[float], tuple[str, ...]] = lambda rate_per_s: (),
) -> Capacity:
    """The search, driven as a real one is: window by window, each judged when it can be.

    `disturb` is called at the begin of each level, with its rate; `spoilt` says why it was no evidence.
    """
    search = Search(settings)
    step = search.next()
    while isinstance(step, Level):
        server.new_trial()
        disturb(server, step.rate_per_s)
        windows: list[Window] = []
        while not search.enough(step, windows):
            windows.append(server.window(step.rate_per_s, list(settings.slos)))
        # Load goes on at this rate until the level can be judged and the next one begins.
        late = [server.window(step.rate_per_s, list(settings.slos)) for _ in range(LATE_S)]
        server.serve(step.rate_per_s, settings.overhead_s - LATE_S)
        took_s = len(windows) + settings.overhead_s
        search.observe(LevelResult(step, tuple(windows), took_s, spoilt(step.rate_per_s)))
        step = search.next()
        if isinstance(step, Level):
            for window in late:
                search.extend(window)
    return answer(search, step)


def bisect_capacity(
    server: SimulatedServer, settings: Settings, trial_s: float = 20.0
) -> tuple[float, float]:
    """What is usually done: doubling, then bisection, each rate judged by one trial from an idle system.

    Returns the middle of the last bracket and the seconds it took; trials as long as the search's levels.
    """
    slo = settings.slos[0]
    spent_s, low, high, rate = 0.0, 0.0, settings.max_per_s, settings.start_per_s
    while spent_s + trial_s <= settings.budget_s and (high - low) > 0.01 * high:
        server.new_trial()
        server.reset()
        served = server.serve(rate, trial_s)
        spent_s += trial_s
        if np.quantile(served.response_s, slo.quantile) <= slo.limit / 1e6:
            low = rate
        else:
            high = rate
        rate = (low + high) / 2 if high < settings.max_per_s else min(2 * rate, settings.max_per_s)
    return (low + high) / 2, spent_s


@dataclass(frozen=True)
class Errors:
    """Relative errors of many searches, shape (n,)."""

    values: np.ndarray
    longest_s: float

    @property
    def bias(self) -> float:
        return float(self.values.mean())

    @property
    def median(self) -> float:
        return float(np.median(np.abs(self.values)))

    @property
    def p90(self) -> float:
        return float(np.quantile(np.abs(self.values), 0.9))

    def __str__(self) -> str:
        shown = f"{self.bias:+7.2%} {self.median:7.2%} {self.p90:7.2%} {np.abs(self.values).max():7.2%}"
        return f"{shown} {self.longest_s:6.0f} s"


def ours(setting: Setting, seed: int) -> tuple[float, float]:
    """One search: the rate it answers and the seconds it took."""
    server = SimulatedServer(setting.slots, setting.service_s, setting.kind, NOISE, seed)
    found = search_capacity(server, Settings(setting.slos, budget_s=BUDGET_S))
    return found.rate_per_s or 0.0, found.spent_s


def bisection(setting: Setting, seed: int) -> tuple[float, float]:
    """One bisection: the rate it answers and the seconds it took."""
    server = SimulatedServer(setting.slots, setting.service_s, setting.kind, NOISE, seed)
    # It is given a start at a quarter of the limit, which the search has to find by itself.
    settings = Settings(setting.slos, start_per_s=setting.truth_per_s / 4.3, budget_s=BUDGET_S)
    return bisect_capacity(server, settings)


def errors(
    method: Callable[[Setting, int], tuple[float, float]], settings: Sequence[Setting], seeds: range
) -> dict[str, Errors]:
    """Errors by setting, and over all."""
    found: dict[str, Errors] = {}
    for setting in settings:
        results = [method(setting, seed) for seed in seeds]
        relative = np.array([rate for rate, _ in results]) / setting.truth_per_s - 1
        found[setting.name] = Errors(relative, max(spent for _, spent in results))
    everything = np.concatenate([one.values for one in found.values()])
    found["all"] = Errors(everything, max(one.longest_s for one in found.values()))
    return found


def table(by_method: dict[str, dict[str, Errors]]) -> str:
    """The errors of the methods, setting by setting."""
    lines = [f"{'':34} {'method':22} {'bias':>7} {'median':>7} {'p90':>7} {'worst':>7} {'longest':>8}"]
    for name in next(iter(by_method.values())):
        lines += [f"{name:34} {method:22} {found[name]}" for method, found in by_method.items()]
    return "\n".join(lines)
