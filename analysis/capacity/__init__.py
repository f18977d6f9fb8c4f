"""How much the system carries: the search for the highest rate within the SLOs, as pure decisions."""

from analysis.capacity.level import Count, Level, LevelResult, Window, allowed
from analysis.capacity.search import Done, Search, Settings

__all__ = ["Count", "Done", "Level", "LevelResult", "Search", "Settings", "Window", "allowed"]
