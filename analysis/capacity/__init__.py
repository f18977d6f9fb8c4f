"""How much the system carries: the search for the highest rate within the SLOs, as pure decisions."""

from analysis.capacity.answer import Capacity, LevelPoint, SloLimit, answer
from analysis.capacity.level import Level, LevelResult, Window
from analysis.capacity.search import Done, Search, Settings
from analysis.capacity.windows import window

__all__ = [
    "Capacity",
    "Done",
    "Level",
    "LevelPoint",
    "LevelResult",
    "Search",
    "Settings",
    "SloLimit",
    "Window",
    "answer",
    "window",
]
