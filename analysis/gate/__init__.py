"""The gate of a CI job. Three ways in: a run against its own objectives, a duel's verdict, or a run against
a stored baseline.
"""

from analysis.gate.comparisons import gate_baseline, gate_duel
from analysis.gate.objectives import gate_run
from analysis.gate.result import EXIT_CODES, GateResult, Inconclusive, Outcome, decide, exit_code

__all__ = [
    "EXIT_CODES",
    "GateResult",
    "Inconclusive",
    "Outcome",
    "decide",
    "exit_code",
    "gate_baseline",
    "gate_duel",
    "gate_run",
]
