"""A history on a terminal: what came of it, and a line for each change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.history import History
from reports.history_page import change_words, figure_kind, history_sentence, is_worse, what_changed
from reports.words import counted


def history_lines(scenario: str, found: Sequence[History]) -> Iterator[str]:
    """The newest history in full, the others in a line each."""
    newest, *others = found
    kind = figure_kind(newest.figure)
    yield history_sentence(scenario, newest)
    for change in reversed(newest.changes):
        tone = "worse " if is_worse(change, kind) else "better"
        yield f"  {change.started_at:%Y-%m-%d}  {tone}  {change_words(change, kind)}, from {change.run_id} on"
        yield f"              with it: {what_changed(change)}"
    for one in others:
        first = one.points[0]
        told = f"{counted(len(one.points), 'run')}, {counted(len(one.changes), 'change')}"
        yield f"also on {first.target}, {first.stages or 'steered'}: {told}"
