"""What gives way first: rules over utilisation, saturation and errors of every tier, with their evidence."""

from analysis.bottleneck.diagnose import Levels, choose, diagnose, diagnose_levels
from analysis.bottleneck.finding import Bottleneck, Diagnosis, Evidence
from analysis.bottleneck.in_flight import little, unsteady
from analysis.bottleneck.resources import Use, stations, uses
from analysis.bottleneck.stretch import Stretch, stretches
from analysis.bottleneck.table import SaturationRow, saturation

__all__ = [
    "Bottleneck",
    "Diagnosis",
    "Evidence",
    "Levels",
    "SaturationRow",
    "Stretch",
    "Use",
    "choose",
    "diagnose",
    "diagnose_levels",
    "little",
    "saturation",
    "stations",
    "stretches",
    "unsteady",
    "uses",
]
