"""A candidate against a baseline in alternating runs: worse, not worse, or cannot tell."""

from analysis.duel.duel import Duel, DuelPlan
from analysis.duel.result import DECIDING, DuelResult, overall_verdict

__all__ = ["DECIDING", "Duel", "DuelPlan", "DuelResult", "overall_verdict"]
