"""The alert rules of a run: the plan's, or else its target's, read and checked before anything starts."""

from __future__ import annotations

from pathlib import Path

from drive.plan import Plan
from drive.target import Target
from results import UsageError


def rules_for(plan: Plan, target: Target) -> dict[str, str] | None:
    """What a run keeps of its rules, so that its page can be made again: `source` and `text`; None for none.

    Raises UsageError where the file cannot be read, or asks for what cannot be evaluated.
    """
    path = plan.alerts or (Path(target.alerts) if target.alerts else None)
    if path is None:
        return None
    from analysis.alerts.rules import parse_rules

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"alerts {path}: {getattr(problem, 'strerror', None) or problem}") from problem
    parse_rules(text, path.name)
    return {"source": path.name, "text": text}
