"""The two sides of a duel: systems that are there already, or stacks that are brought up for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from analysis.compare.effect import Layout, Side
from drive.target import Target
from results import HarnessError, UsageError
from stack import control
from stack.knobs import Knobs

STACK_BYTES = 700 << 20
"""What one stack takes, and a little more."""
SPARE_BYTES = 500 << 20
TOGETHER = "duel-baseline", "duel-candidate"
IN_TURNS = "duel"

Say = Callable[[str], None]


@dataclass(frozen=True)
class SideAsked:
    """One side as it was asked for: a target that is there, or else settings and faults of a stack."""

    target: Target | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.target is not None and (self.settings or self.faults):
            raise UsageError("a side is a target or a stack with settings: --set and --fault are for stacks")

    @property
    def text(self) -> str:
        """The side in words."""
        if self.target is not None:
            return self.target.name
        told = [f"{knob}={value}" for knob, value in self.settings.items()]
        return (
            ", ".join([*told, *(f"fault {name}" for name in self.faults)]) or "the stack as it is by itself"
        )


@dataclass
class Stand:
    """One side while the duel runs. `make_ready` returns its target, and whether it has just been started."""

    text: str
    make_ready: Callable[[], tuple[Target, bool]]


@contextmanager
def sides_for(
    baseline: SideAsked, candidate: SideAsked, say: Say, *, turns: bool, layout: Layout = "turns"
) -> Iterator[dict[Side, Stand]]:
    """Both sides, ready to be loaded; stacks that were brought up for it are taken down at the end.

    Two stacks stand side by side, or with `turns`, or where memory is scarce, one is started afresh with the
    settings of the side whose turn it is, which is refused where both are to be loaded at once. Raises
    UsageError, HarnessError, StackError.
    """
    asked: dict[Side, SideAsked] = {"baseline": baseline, "candidate": candidate}
    own = [one for one in asked.values() if one.target is None]
    scarce = len(own) == 2 and _available() < 2 * STACK_BYTES + SPARE_BYTES
    if layout == "together":
        _check_two(baseline, candidate, turns, scarce)
    if scarce and not turns:
        say("memory is scarce: one stack takes both parts in turn")
    in_turns = len(own) == 2 and (turns or scarce)
    names: dict[Side, str] = dict(zip(asked, (IN_TURNS, IN_TURNS) if in_turns else TOGETHER, strict=True))
    mine = {names[side] for side, one in asked.items() if one.target is None}
    _check_free(mine)
    make = _in_turns if in_turns else _standing
    try:
        yield {side: Stand(one.text, make(names[side], one, asked, say)) for side, one in asked.items()}
    finally:
        for name in sorted(mine):
            say(f"taking stack {name} down")
            control.down(name)


def _check_two(baseline: SideAsked, candidate: SideAsked, turns: bool, scarce: bool) -> None:
    if turns:
        raise UsageError("--turns is one stack in both parts, and --together needs two side by side")
    if scarce:
        raise HarnessError("memory is too scarce for two stacks side by side, which --together needs")
    if baseline.target and candidate.target and baseline.target.base_url == candidate.target.base_url:
        raise UsageError(
            f"both sides are {baseline.target.base_url}: --together would load one system twice at once"
        )


def _check_free(names: set[str]) -> None:
    for name in sorted(names & set(control.names())):
        raise HarnessError(
            f"stack {name} exists: another duel is at work, or one was cut off;"
            f" 'harness down --name {name}' removes it"
        )


Ready = Callable[[], tuple[Target, bool]]


def _standing(name: str, asked: SideAsked, _: Mapping[Side, SideAsked], say: Say) -> Ready:
    """A target as it is, or a stack that is brought up once."""
    if asked.target is not None:
        target = asked.target
        return lambda: (target, False)
    say(f"bringing up {name}: {asked.text}")
    described = Target.from_stack(control.up(name, asked.settings, say, asked.faults))
    fresh = [True, False]
    return lambda: (described, fresh.pop(0) if len(fresh) > 1 else False)


def _in_turns(name: str, asked: SideAsked, both: Mapping[Side, SideAsked], say: Say) -> Ready:
    """One stack, started afresh on its data with the settings of one side."""
    # A stack keeps the settings of earlier calls, so what only the other side sets has to be set back.
    defaults = Knobs().flat()
    knobs = {knob for side in both.values() for knob in side.settings}
    settings = {knob: str(defaults.get(knob, "")) for knob in sorted(knobs)} | dict(asked.settings)

    def make_ready() -> tuple[Target, bool]:
        return Target.from_stack(control.up(name, settings, say, asked.faults)), True

    return make_ready


def _available() -> int:
    return int(psutil.virtual_memory().available)
