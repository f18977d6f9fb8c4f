"""The planned load over time: `50/s for 30s, ramp to 200/s over 1m, 200/s for 30s`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Self

from results.errors import UsageError
from results.units import parse_duration_s, parse_rate_per_s, show_duration, three_digits

_HOLD = re.compile(r"(?P<level>.+?)\s+for\s+(?P<time>.+)", re.IGNORECASE)
_RAMP = re.compile(r"ramp\s+to\s+(?P<level>.+?)\s+(?:over|in)\s+(?P<time>.+)", re.IGNORECASE)
_USERS = re.compile(r"(\d+)\s*users?", re.IGNORECASE)


@dataclass(frozen=True)
class Stage:
    """A stretch of time in which the level goes linearly from `start` to `end`."""

    start: float
    end: float
    duration_s: float


@dataclass(frozen=True)
class Stages:
    """The level over time: arrivals per second (open model) or users (closed model)."""

    stages: tuple[Stage, ...]
    open: bool = True

    @classmethod
    def parse(cls, text: str) -> Self:
        """Stages as written on the command line or in a plan. Raises UsageError."""
        stages: list[Stage] = []
        models: set[bool] = set()
        level = 0.0
        for piece in filter(None, (part.strip() for part in re.split(r"[,\n;]", text))):
            ramp = _RAMP.fullmatch(piece)
            found = ramp or _HOLD.fullmatch(piece)
            if found is None:
                raise UsageError(f"'{piece}' is not a stage: write '50/s for 30s' or 'ramp to 200/s over 1m'")
            target, is_open = _parse_level(found["level"])
            models.add(is_open)
            duration_s = parse_duration_s(found["time"])
            if duration_s <= 0:
                raise UsageError(f"'{piece}': a stage lasts longer than zero")
            stages.append(Stage(level if ramp else target, target, duration_s))
            level = target
        if not stages:
            raise UsageError("no stages given: write them like '50/s for 30s, ramp to 200/s over 1m'")
        if len(models) > 1:
            raise UsageError(f"'{text}' mixes arrival rates and users: a run is of one kind")
        return cls(tuple(stages), models.pop())

    @classmethod
    def constant(cls, level: float, duration_s: float, *, open: bool = True) -> Self:
        """One level held for a time."""
        return cls((Stage(level, level, duration_s),), open)

    @property
    def text(self) -> str:
        """The stages in the syntax that `parse` reads."""
        unit = "/s" if self.open else " users"
        pieces = []
        for stage in self.stages:
            shown = f"{stage.end:.10g}{unit}"
            time = f"{stage.duration_s:.10g}s"
            is_hold = stage.start == stage.end
            pieces.append(f"{shown} for {time}" if is_hold else f"ramp to {shown} over {time}")
        return ", ".join(pieces)

    def __str__(self) -> str:
        unit = "/s" if self.open else " users"
        return ", ".join(
            f"{three_digits(s.end)}{unit} for {show_duration(s.duration_s)}"
            if s.start == s.end
            else f"ramp to {three_digits(s.end)}{unit} over {show_duration(s.duration_s)}"
            for s in self.stages
        )

    @property
    def duration_s(self) -> float:
        """How long all stages last."""
        return sum(stage.duration_s for stage in self.stages)

    @property
    def peak(self) -> float:
        """The highest level that is reached."""
        return max(max(stage.start, stage.end) for stage in self.stages)

    def rate_at(self, at_s: float) -> float:
        """The level at a time; 0 before the start and after the end."""
        if at_s < 0:
            return 0.0
        for stage in self.stages:
            if at_s < stage.duration_s:
                return stage.start + (stage.end - stage.start) * at_s / stage.duration_s
            at_s -= stage.duration_s
        return 0.0

    def cumulative(self, to_s: float) -> float:
        """Expected arrivals from the start to a time: the rate's integral."""
        total = 0.0
        for stage in self.stages:
            if to_s <= 0:
                break
            span = min(to_s, stage.duration_s)
            slope = (stage.end - stage.start) / stage.duration_s
            total += stage.start * span + slope * span * span / 2
            to_s -= stage.duration_s
        return total

    def time_of(self, arrivals: float) -> float:
        """When the expected number of arrivals is reached: the inverse of `cumulative`; inf if never."""
        begin = 0.0
        for stage in self.stages:
            slope = (stage.end - stage.start) / stage.duration_s
            whole = (stage.start + stage.end) / 2 * stage.duration_s
            if arrivals <= whole and whole > 0:
                # The root of start*t + slope*t^2/2 = arrivals, in the form that does not cancel.
                root = math.sqrt(max(stage.start * stage.start + 2 * slope * arrivals, 0.0))
                return begin + 2 * arrivals / (stage.start + root) if arrivals else begin
            arrivals -= whole
            begin += stage.duration_s
        return math.inf

    def holds(self) -> list[tuple[float, float, float]]:
        """The stretches of constant level: (from_s, to_s, level), neighbours of equal level joined."""
        spans: list[tuple[float, float, float]] = []
        begin = 0.0
        for stage in self.stages:
            end = begin + stage.duration_s
            if stage.start == stage.end > 0:
                if spans and spans[-1][1] == begin and spans[-1][2] == stage.end:
                    spans[-1] = (spans[-1][0], end, stage.end)
                else:
                    spans.append((begin, end, stage.end))
            begin = end
        return spans


def _parse_level(text: str) -> tuple[float, bool]:
    users = _USERS.fullmatch(text.strip())
    return (float(users[1]), False) if users else (parse_rate_per_s(text), True)
