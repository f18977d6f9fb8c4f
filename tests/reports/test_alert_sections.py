"""What the page says of alerting rules that would have fired, or should have."""

from __future__ import annotations

import re
from pathlib import Path

from reports.parts import Note, Section
from results import Endpoint, Histogram, Interval, RunWriter
from tests.reports.filled_run import flat, gauge, rows, sections

RULES = """
groups:
- name: g
  rules:
  - alert: QueueLong
    expr: jobs_queued > 5
    for: 3s
    labels: {severity: ticket}
    annotations: {summary: "{{ $value }} jobs wait at {{ $labels.instance }}"}
  - alert: NeverMet
    expr: jobs_queued > 100
  - alert: Deaf
    expr: node_load1 > 3
"""


def test_alerts_that_would_have_fired_are_told_with_their_time(tmp_path: Path) -> None:
    queued = gauge("jobs", "jobs1", "jobs.queued", [0.0] * 20 + [8.0] * 10 + [0.0] * 10)
    kept = {"source": "rules.yml", "text": RULES}
    found = sections(tmp_path, queued, alerts=kept)["alerts"]
    assert "1 of the 3 rules in rules.yml" in found.lead
    row = rows(found, "Alerts")["QueueLong"]
    assert (row["State"], row["When"], row["For"]) == ("fired", "0:23 to 0:30", "jobs1")
    assert row["What it says"] == "8 jobs wait at jobs1"
    words = render_text(found)
    assert "Deaf: the run has no series node_load1" in words
    assert "quiet: NeverMet" in words.lower().replace("nevermet", "NeverMet")


def test_missed_objective_that_no_rule_saw_is_said_in_red(tmp_path: Path) -> None:
    def failing(writer: RunWriter) -> None:
        times = Histogram.from_values_us([5000.0] * 50)
        errors = {"HTTP 500": (5, "500")}
        writer.add_intervals(
            Interval(s, "g0", Endpoint("bad"), times, times.copy(), 5, errors=errors) for s in range(20, 30)
        )

    kept = {"source": "rules.yml", "text": RULES}
    found = sections(tmp_path, failing, slos="errors<1%", alerts=kept)["alerts"]
    (note,) = [block for block in found.blocks if isinstance(block, Note) and block.tone == "bad"]
    assert re.match(r"errors < 1% was missed \(0:20 to 0:\d\d\), and no rule saw it.", note.words)


def test_run_without_rules_has_no_section_of_alerts(tmp_path: Path) -> None:
    assert "alerts" not in sections(tmp_path)


def render_text(section: Section) -> str:
    notes_of = [block for block in flat(section.blocks) if isinstance(block, Note)]
    return " ".join(" ".join([note.words, *note.items]) for note in notes_of)
