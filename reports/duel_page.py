"""The page of a duel: worse, not worse, or cannot tell, with the cause and the figures it rests on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from analysis.compare.causes import Cause
from analysis.compare.sides import Comparison
from analysis.compare.words import show_change, show_interval, show_value
from analysis.duel import DuelResult
from analysis.duel.stored import JudgedDuel
from reports.parts import Answer, Block, Fact, More, Note, Page, Ranked, Section, Tone, kept
from reports.render import write_page
from reports.run_data import RunReport, read_report
from reports.sections import below, comparison, duel
from reports.words import counted, sentence
from results import Stages, StoredDuel
from results.units import show_duration

_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}
NAMES = ("baseline", "candidate")
_IN_TURNS = [
    "The unit is the run, not the request: pairs of runs take turns in ABBA order with the same seeds.",
]
_TOGETHER = [
    "The unit is the pair of runs, not the request.",
    "Both runs of a pair were made at the same time, with the same seed; each began first in turn (ABBA).",
    "What disturbed the machine hit both alike. Where they share a host, each is slower than alone.",
    "A candidate that takes more of a shared processor slows the baseline, too: changes are understated.",
]
_WORDS = {"pass": "Not worse", "fail": "Worse", "inconclusive": "Cannot tell"}


def write_duel_report(judged: JudgedDuel, path: Path) -> Path:
    """Write the page of a stored duel."""
    return write_page(duel_page(judged), path)


def duel_page(judged: JudgedDuel) -> Page:
    """The page's data; where a chart can show one run of each side only, it is the last pair's."""
    stored, result = judged.stored, judged.result
    reports = [read_report(side[-1]) for side in (judged.baseline, judged.candidate) if side]
    runs = [report.run for report in reports]
    costs = [[pair[side].below for pair in judged.figures] for side in (0, 1)]
    sections = [
        _doubts(judged),
        _causes(result),
        *_gate(result),
        duel.spectra(judged.baseline, judged.candidate) if runs else None,
        below.statements(costs, NAMES),
        below.key_classes(costs, NAMES),
        duel.each_pair(judged.figures),
        *(_last_pair(reports) if runs else []),
        comparison.differences(runs, NAMES) if runs else None,
        _method(judged),
    ]
    told = _answer(judged)
    began = datetime.fromisoformat(stored.started_at)
    return Page(
        title=f"{told.sentence} {stored.id}",
        kicker=["Duel", stored.scenario, f"{stored.candidate} against {stored.baseline}"],
        when=f"{began:%-d %b %Y %H:%M %Z}, {_pairs(result)} of {_length(stored)}{_at_once(stored)}",
        answer=told,
        facts=_facts(result),
        sections=kept(sections),
        foot=f"Made from the duel's runs alone, and can be made again with: harness report {stored.id}",
    )


def _length(stored: StoredDuel) -> str:
    return f"2 × {show_duration(Stages.parse(stored.stages).duration_s)}"


def _is_together(stored: StoredDuel) -> bool:
    return stored.plan.get("layout") == "together"


def _at_once(stored: StoredDuel) -> str:
    return ", both at once" if _is_together(stored) else ""


def _pairs(result: DuelResult) -> str:
    return counted(result.pairs, "pair")


def _answer(judged: JudgedDuel) -> Answer:
    result, forced = judged.result, "; ".join(judged.forced)
    first, rest = _split(result.sentence)
    advice = {
        "fail": "Start with the first cause below; its section shows the figures behind it.",
        "pass": "",
        "inconclusive": "Run more pairs (--max-pairs), or longer ones."
        if result.more_pairs is not None
        else "Lower the noise first: fewer things beside it on the machine, longer runs.",
    }[result.verdict]
    why = (
        sentence(rest) if rest else f"{len(result.comparisons)} figures were compared over {_pairs(result)}."
    )
    if judged.stored.stopped:
        why = sentence(judged.stored.stopped)
        advice = "Run it again once that is put right; what was measured is kept."
    badge = f"Forced although {forced}. " if forced else ""
    return Answer(
        sentence(first), badge + why, advice, _TONES[result.verdict], _WORDS[result.verdict], "gate"
    )


def _split(words: str) -> tuple[str, str]:
    """The headline of the sentence, and all that comes after it."""
    ends = [place for place in (words.find("; "), words.find(". ")) if place >= 0]
    cut = min(ends, default=len(words))
    return words[:cut], words[cut + 2 :]


def _facts(result: DuelResult) -> list[Fact]:
    wanted = [("typical", "Typical response time"), ("p99", "p99"), ("errors", "Errors")]
    found = {(one.endpoint, one.metric): one for one in result.comparisons}
    facts = [_fact(name, found[("all", metric)]) for metric, name in wanted if ("all", metric) in found]
    share = f"at most {result.alpha:.0%} of duels of identical systems fail"
    end = "" if result.final else ", not yet final"
    facts.append(Fact("Pairs", str(result.pairs), f"of at most {result.max_pairs}{end}; {share}"))
    return facts


def _fact(name: str, one: Comparison) -> Fact:
    change = show_change(one.change, one.is_ratio) if one.is_significant else "~"
    before, after = show_value(one.baseline, one.unit), show_value(one.candidate, one.unit)
    tone: Tone = "bad" if one.verdict == "fail" else "good" if one.verdict == "pass" else ""
    return Fact(name, change, f"{before} to {after}; {show_interval(one).partition(', ')[2]}", tone)


def _doubts(judged: JudgedDuel) -> Section | None:
    items = [f"It was forced although {reason}." for reason in judged.forced]
    items += [sentence(one) for one in judged.result.doubts]
    return Section("doubts", "Doubts", "", [Note("", "warn", items)]) if items else None


def _causes(result: DuelResult) -> Section | None:
    if not result.causes:
        return None
    items = [(_cause_name(cause), sentence(cause.text)) for cause in result.causes[:8]]
    return Section("causes", "What changed beside it", "The most added time first.", [Ranked(items)])


def _cause_name(cause: Cause) -> str:
    """What is to be looked at: an endpoint by its name, all else by its kind."""
    named = {"statement": "Statement", "errors": "Errors", "knob": "Setting"}
    known = {"endpoint": cause.subject, "pool": f"Pool, {cause.subject}", "cache": f"Cache, {cause.subject}"}
    known["key class"] = f"Cached, {cause.subject}"
    return {**named, **known}[cause.kind]


def _gate(result: DuelResult) -> list[Section]:
    if not result.comparisons:
        return []
    overall = _ordered([one for one in result.comparisons if one.endpoint == "all"])
    rest = _ordered([one for one in result.comparisons if one.endpoint != "all"])
    lead = "The bar is the 95% interval of the change, the grey tick no change, the red tick the tolerance."
    lead += " ~ means no difference that these runs could show."
    blocks: list[Block] = [comparison.gate_table(overall, "Over all endpoints")]
    sections = [Section("gate", "Candidate against baseline", lead, blocks)]
    told = [one for one in rest if one.verdict == "fail" or one.metric == "typical"]
    quiet = [one for one in rest if one not in told]
    tables: list[Block] = [comparison.gate_table(told, "By endpoint")] if told else []
    if quiet:
        table = comparison.gate_table(quiet, "The other figures of each endpoint")
        tables.append(More(f"{len(quiet)} other figures, none of which failed", [table]))
    lead = "What failed, and the typical response time of each; corrected for the number of comparisons."
    return [*sections, Section("endpoints", "By endpoint", lead, tables)]


def _ordered(comparisons: list[Comparison]) -> list[Comparison]:
    """What failed first, then as people ask: response times, errors, rate, and what lies below."""
    wanted = ["typical", "p50", "p95", "p99", "errors", "rate"]
    verdicts = ["fail", "inconclusive", "pass"]

    def place(one: Comparison) -> tuple[bool, int, str, int]:
        order = wanted.index(one.metric) if one.metric in wanted else len(wanted)
        failed = one.verdict == "fail"
        return not failed, order, one.endpoint, verdicts.index(one.verdict)

    return sorted(comparisons, key=place)


def _last_pair(reports: list[RunReport]) -> list[Section | None]:
    return [
        comparison.overlaid_curves(reports, NAMES),
        comparison.overlaid_time(reports, NAMES),
        comparison.side_by_side(reports, NAMES),
    ]


def _method(judged: JudgedDuel) -> Section:
    result = judged.result
    items = [
        *(_TOGETHER if _is_together(judged.stored) else _IN_TURNS),
        "A figure fails when the change is beyond chance and its one-sided 95% bound exceeds the tolerance.",
        f"All comparisons and looks together raise a false alarm in at most {result.alpha:.0%} of duels.",
        "The duel passes when a change of the margin is excluded for typical response time and errors.",
        "Load over time and how full each part was are shown for the last pair; all else rests on all pairs.",
    ]
    items += [f"{name} was run again: {reason}." for name, reason in judged.stored.repeated]
    return Section("method", "Method", "", [More("How this was judged", [Note("", "muted", items)])])
