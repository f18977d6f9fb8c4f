"""The usual rules for 'is it slower?', and the duel, on the same simulated machine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from analysis.duel import Duel, DuelPlan, DuelResult
from tests.truth.duel_world import REALISTIC, Machine, Noise, Ran

Rule = Callable[[int, float], bool]
"""Whether the rule calls a candidate worse, on the machine with a seed, with service times x a factor."""


def duel(seed: int, factor: float, noise: Noise = REALISTIC, plan: DuelPlan | None = None) -> DuelResult:
    """One duel from its first pair to its verdict."""
    machine, course = Machine(seed, noise), Duel(plan or DuelPlan())
    while (order := course.next()) is not None:
        if course.plan.layout == "together":
            ran = dict(zip(("baseline", "candidate"), machine.run_both(factor), strict=True))
        else:
            ran = {side: machine.run(factor if side == "candidate" else 1.0) for side in order}
        figures = {side: one.figures(machine.seconds) for side, one in ran.items()}
        course.observe(figures["baseline"], figures["candidate"])
    return course.decision()


def p99_us(ran: Ran) -> float:
    """The exact p99 of a run's response times in us."""
    return float(np.quantile(ran.response_us, 0.99))


def single_run(seed: int, factor: float) -> bool:
    """One run each, a few minutes apart: worse if p99 rose by more than 10%."""
    machine = Machine(seed)
    before = p99_us(machine.run())
    for _ in range(8):
        machine.run()
    return p99_us(machine.run(factor)) > 1.1 * before


def mann_whitney(seed: int, factor: float) -> bool:
    """One run each: worse if Mann-Whitney's test on all requests says so at 5%, one-sided."""
    machine = Machine(seed)
    before, after = machine.run().response_us, machine.run(factor).response_us
    return bool(stats.mannwhitneyu(after, before, alternative="greater").pvalue < 0.05)


def fixed_threshold(seed: int, factor: float) -> bool:
    """One run of the candidate: worse if p95 is over that of the baseline the day before, +10%."""
    usual = float(np.quantile(Machine(seed + 1_000_000).run().response_us, 0.95))
    return float(np.quantile(Machine(seed).run(factor).response_us, 0.95)) > 1.1 * usual


def five_and_five(seed: int, factor: float) -> bool:
    """Five runs each, one side after the other: worse if Welch's test on p99 says so at 5%, one-sided."""
    machine = Machine(seed)
    before = [np.log(p99_us(machine.run())) for _ in range(5)]
    after = [np.log(p99_us(machine.run(factor))) for _ in range(5)]
    return bool(stats.ttest_ind(after, before, equal_var=False, alternative="greater").pvalue < 0.05)


def paired_p99(seed: int, factor: float) -> bool:
    """Five pairs in ABBA order: worse if the one-sided 95% bound of the paired p99 exceeds +2%."""
    machine, differences = Machine(seed), []
    for pair in range(5):
        order = (1.0, factor) if pair % 2 == 0 else (factor, 1.0)
        first, second = (np.log(p99_us(machine.run(one))) for one in order)
        differences.append(second - first if pair % 2 == 0 else first - second)
    excess = np.asarray(differences) - np.log(1.02)
    return bool(stats.ttest_1samp(excess, 0, alternative="greater").pvalue < 0.05)


def the_duel(seed: int, factor: float) -> bool:
    """At most five pairs in ABBA order: worse if the harness says so."""
    return duel(seed, factor).verdict == "fail"


RULES: dict[str, Rule] = {
    "one run each, p99 > +10%": single_run,
    "one run each, Mann-Whitney on requests": mann_whitney,
    "fixed threshold, p95 > yesterday's +10%": fixed_threshold,
    "5 + 5 runs in a row, Welch on p99": five_and_five,
    "5 pairs, p99 bound > +2%": paired_p99,
    "duel of at most 5 pairs": the_duel,
}
