"""What a page is made of: plain data that templates render and that `--json` could carry.

A page is an answer, four facts and sections; a section is a lead and blocks. Blocks know what they say, not
how they look: the templates in reports/templates/ do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Tone = Literal["", "good", "bad", "warn", "muted"]


@dataclass(frozen=True)
class Bar:
    """A share of a whole, 0 to 1, with an optional tick for a limit."""

    share: float
    tone: Tone = ""
    tick: float | None = None


@dataclass(frozen=True)
class IntervalBar:
    """An effect with its interval on an axis from `least` to `most`; 0 and the tolerance are ticks."""

    low: float
    middle: float
    high: float
    tolerance: float | None
    least: float
    most: float
    tone: Tone = ""

    def place(self, value: float) -> float:
        """Where a value lies on the axis, in per cent."""
        if not math.isfinite(value) or self.most <= self.least:
            return 0.0
        return min(max((value - self.least) / (self.most - self.least), 0.0), 1.0) * 100


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its words, a small line below them, and a number to sort by."""

    words: str
    small: str = ""
    sort: float | None = None
    tone: Tone = ""
    strong: bool = False
    pill: bool = False
    bar: Bar | None = None
    interval: IntervalBar | None = None
    code: bool = False
    href: str = ""

    @property
    def sort_key(self) -> str:
        """The value of the cell's data-sort attribute: numbers that are none sort last."""
        if self.sort is None:
            return ""
        return f"{self.sort:.10g}" if math.isfinite(self.sort) else "-1"


@dataclass(frozen=True)
class Column:
    """A table's column; numbers stand right."""

    title: str
    number: bool = True
    what: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells. `foot` rows sum up; `caption` is for screen readers."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    sortable: bool = False
    foot: list[list[Cell]] = field(default_factory=list)
    titled: bool = False
    """Whether the caption is shown to everyone: several tables below each other need their names."""
    dense: bool = False
    """Whether the small words of cells stand below: for tables of many columns."""


@dataclass(frozen=True)
class Figures:
    """A chart's numbers: `at` is each row's place on the chart's x axis, in its units."""

    columns: list[str]
    rows: list[list[str]]
    at: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Chart:
    """A drawing with its title; `narrow` is drawn for phones where the other would be too small."""

    kind: ClassVar[str] = "chart"
    title: str
    svg: str
    narrow: str = ""
    figures: Figures | None = None
    note: str = ""


@dataclass(frozen=True)
class Fact:
    """One figure in large type, with the small line that qualifies it; `href` is where the page shows it."""

    name: str
    value: str
    small: str
    tone: Tone = ""
    href: str = ""


@dataclass(frozen=True)
class Facts:
    """A row of facts."""

    kind: ClassVar[str] = "facts"
    facts: list[Fact]
    small: bool = False


@dataclass(frozen=True)
class Note:
    """A few sentences; a tone marks a warning. `hrefs` are where the page shows each item, "" for nowhere."""

    kind: ClassVar[str] = "note"
    words: str
    tone: Tone = ""
    items: list[str] = field(default_factory=list)
    hrefs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Meter:
    """A named share with its value in words and what it means below."""

    name: str
    value: str
    share: float
    small: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Meters:
    """Shares below each other, drawn as bars."""

    kind: ClassVar[str] = "meters"
    title: str
    meters: list[Meter]
    small: str = ""
    two_columns: bool = False


@dataclass(frozen=True)
class Segment:
    """A piece of a whole; `color` is the name of one of the page's colours."""

    name: str
    share: float
    value: str
    color: str


@dataclass(frozen=True)
class Stack:
    """A whole cut in pieces, with a small line that names each."""

    name: str
    value: str
    segments: list[Segment]


@dataclass(frozen=True)
class Stacks:
    """Several wholes below each other."""

    kind: ClassVar[str] = "stacks"
    title: str
    stacks: list[Stack]
    small: str = ""


@dataclass(frozen=True)
class Ranked:
    """A numbered list: what, and the evidence for it in words; `hrefs` are where the page shows each."""

    kind: ClassVar[str] = "ranked"
    items: list[tuple[str, str]]
    hrefs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Grid:
    """Blocks side by side where there is room."""

    kind: ClassVar[str] = "grid"
    blocks: list[Block]


@dataclass(frozen=True)
class Switch:
    """The same table or chart for several ranges; without a script all stand below each other."""

    kind: ClassVar[str] = "switch"
    label: str
    choices: list[tuple[str, Block]]


@dataclass(frozen=True)
class More:
    """Blocks behind a disclosure; printed open."""

    kind: ClassVar[str] = "more"
    title: str
    blocks: list[Block]


Block = Table | Chart | Facts | Note | Meters | Stacks | Ranked | Grid | Switch | More


@dataclass(frozen=True)
class Section:
    """A part of the page with its own heading and a line that says how to read it."""

    id: str
    title: str
    lead: str
    blocks: list[Block]
    level: int = 2


def _together(words: str) -> str:
    """Numbers with their units, which no line may part."""
    return re.sub(r"(?<=\d) (?=(?:µs|ms|s|min|h)\b)", "\u00a0", words)


@dataclass(frozen=True)
class Answer:
    """The verdict: a sentence with `accent` (a piece of it) in colour, why, and what to do.

    `evidence` is the id of the section that shows why, `measured` of the one that shows the accent.
    """

    sentence: str
    why: str
    advice: str = ""
    tone: Tone = ""
    accent: str = ""
    evidence: str = ""
    measured: str = ""

    @property
    def pieces(self) -> tuple[str, str, str]:
        """The sentence before, in and after its accent."""
        sentence, accent = (_together(text) for text in (self.sentence, self.accent))
        if not accent or accent not in sentence:
            return sentence, "", ""
        before, after = sentence.split(accent, 1)
        return before, accent, after


@dataclass(frozen=True)
class Page:
    """A whole page."""

    title: str
    kicker: list[str]
    when: str
    answer: Answer
    facts: list[Fact]
    sections: list[Section]
    foot: str = ""

    @property
    def evidence(self) -> str:
        """The section that the answer points at, if the page has it."""
        return self._shown(self.answer.evidence)

    @property
    def measured(self) -> str:
        """The section that shows the figure in the answer, if the page has it."""
        return self._shown(self.answer.measured)

    def _shown(self, section: str) -> str:
        return section if any(one.id == section for one in self.sections) else ""


def kept(sections: Iterable[Section | None]) -> list[Section]:
    """The sections that have something to say."""
    return [section for section in sections if section is not None and section.blocks]
