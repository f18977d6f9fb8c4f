"""How much the system carries: the search for the highest rate within the SLOs, as pure decisions."""

from analysis.capacity.answer import answer
from analysis.capacity.claim import Capacity, LevelPoint, Recovery, SloLimit
from analysis.capacity.evidence import level_problems
from analysis.capacity.judge import Judged
from analysis.capacity.level import PURPOSE_WORDS, Done, Level, LevelResult, Window, outcome_words
from analysis.capacity.review import Review, review
from analysis.capacity.search import Search
from analysis.capacity.settings import Settings
from analysis.capacity.windows import window

__all__ = [
    "PURPOSE_WORDS",
    "Capacity",
    "Done",
    "Judged",
    "Level",
    "LevelPoint",
    "LevelResult",
    "Recovery",
    "Review",
    "Search",
    "Settings",
    "SloLimit",
    "Window",
    "answer",
    "level_problems",
    "outcome_words",
    "review",
    "window",
]
