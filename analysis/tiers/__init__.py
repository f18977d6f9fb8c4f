"""What each tier said during a run: figures of the steady part and lines over time, tier by tier."""

from analysis.tiers.panel import TierChart, TierFigure, TierPanel, TierTable, Track
from analysis.tiers.panels import TIERS, missing_tiers, tier_panels

__all__ = [
    "TIERS",
    "TierChart",
    "TierFigure",
    "TierPanel",
    "TierTable",
    "Track",
    "missing_tiers",
    "tier_panels",
]
