"""A panel for each tier, the caching levels in one picture, and what could not be seen."""

from __future__ import annotations

from analysis.tiers import TierChart, TierFigure, TierPanel
from reports.charts.lines import Line, Story
from reports.charts.style import ACCENT, BASELINE, GREEN, GREY, INK, ORANGE, VIOLET
from reports.parts import Block, Cell, Chart, Column, Fact, Facts, Grid, Meter, Meters, Note, Section, Table
from reports.run_data import RunReport
from reports.sections.shared import holes_of, story_of, time_chart
from reports.words import show_count, show_value
from results import Digest
from results.units import show_latency, show_ratio, three_digits

_COLORS = (ACCENT, ORANGE, VIOLET, GREEN, BASELINE, GREY, INK)
_MOST_DIGESTS = 10
_MOST_FIGURES = 12


def tiers(report: RunReport) -> list[Section]:
    """A heading, then one section a tier."""
    if not report.panels:
        return []
    story = story_of(report)
    lead = "Figures are of the steady part. Hatched: a tier could not be asked then; unknown, not zero."
    head = Section("tiers", "Tier by tier", lead, [_saturation(report.panels)])
    return [head, *(_panel(report, panel, story) for panel in report.panels)]


def _saturation(panels: list[TierPanel]) -> Block:
    """Everything that has a limit, the fullest first."""
    found = [
        (figure.value / figure.of, panel, figure) for panel in panels for figure in panel.figures if figure.of
    ]
    found.sort(key=lambda one: -one[0])
    meters = [
        Meter(
            f"{panel.title}: {figure.name}",
            of_limit(figure),
            share,
            tone="bad" if figure.is_full else "",
        )
        for share, panel, figure in found[:8]
    ]
    if not meters:
        return Note("No tier told a limit of its own.", "muted")
    return Meters("How full each part was at its fullest", meters, two_columns=True)


def of_limit(figure: TierFigure) -> str:
    """`10 of 10`; a ratio says it by itself."""
    value = show_value(figure.value, figure.unit)
    return value if figure.unit == "ratio" else f"{value} of {show_value(figure.of or 0, figure.unit)}"


def _panel(report: RunReport, panel: TierPanel, story: Story) -> Section:
    blocks: list[Block] = []
    if panel.figures:
        blocks.append(Facts([_fact(figure) for figure in panel.figures[:_MOST_FIGURES]], small=True))
    told = story.with_holes(holes_of(report, panel.tier))
    first, rest = panel.charts[: len(panel.charts) % 2], panel.charts[len(panel.charts) % 2 :]
    blocks += [_chart(chart, told, broad=True) for chart in first]
    if rest:
        blocks.append(Grid([_chart(chart, told) for chart in rest]))
    if panel.tier == "lb":
        balance = _balance(report)
        blocks += [balance] if balance else []
    digests = [digest for digest in report.run.digests if digest.tier == panel.tier]
    if digests:
        blocks.append(_digests(digests))
    blocks += [
        Note(f"No answer from {gap.instance} for {gap.to_s - gap.from_s:.3g} s: {gap.reason}.", "warn")
        for gap in panel.gaps[:3]
    ]
    names = ", ".join(panel.instances)
    return Section(
        f"tier-{_slug(panel.tier)}", panel.title, names if names != panel.tier else "", blocks, level=3
    )


def _slug(tier: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in tier)


def _fact(figure: TierFigure) -> Fact:
    small = figure.small or (f"of {show_value(figure.of, figure.unit)}" if figure.of else "")
    return Fact(
        figure.name,
        show_value(figure.value, figure.unit),
        small,
        "bad" if figure.is_full or figure.alarming else "",
    )


def _chart(chart: TierChart, story: Story, *, broad: bool = False) -> Chart:
    unit = chart.unit
    colors = (*_COLORS, *(_COLORS[-1],) * max(len(chart.tracks) - len(_COLORS), 0))
    lines = [
        Line(track.name, track.at_s, track.values, color, opacity=0.85 if chart.stacked else 1.0)
        for track, color in zip(chart.tracks, colors, strict=False)
    ]
    drawn: Chart = time_chart(
        chart.title, lines, story, lambda value: show_value(value, unit) if value else "0",
        stacked=chart.stacked, limit=chart.limit, limit_label=chart.limit_name, broad=broad,
        binary=unit == "bytes",
    )  # fmt: skip
    return drawn


def _balance(report: RunReport) -> Meters | None:
    """How evenly each backend's servers were used."""
    samples = report.samples
    served: dict[str, list[tuple[str, float]]] = {}
    for instance in samples.instances("lb", "requests"):
        backend, _, server = instance.partition("/")
        count = samples.increase("lb", "requests", instance)
        if server and count is not None:
            served.setdefault(backend, []).append((server, count))
    meters = []
    for backend, servers in served.items():
        total = sum(count for _, count in servers)
        for server, count in servers if len(servers) > 1 and total else []:
            up = samples.mean("lb", "up", f"{backend}/{server}")
            away = f"up {show_ratio(up)} of the time" if up is not None and up < 1 else ""
            meters.append(
                Meter(
                    f"{backend}/{server}",
                    show_ratio(count / total),
                    count / total,
                    away,
                    "warn" if away else "",
                )
            )
    return Meters("Balance: share of requests by server", meters) if meters else None


def _digests(digests: list[Digest]) -> Table:
    total = sum(digest.total_us for digest in digests) or 1.0
    columns = [
        Column("Statement", number=False, wide=True),
        Column("Calls"),
        Column("Total time"),
        Column("Mean"),
        Column("Lock time"),
        Column("Rows examined per row sent"),
    ]
    rows = [
        [
            Cell(digest.text, code=True, small="uses no index" if digest.no_index else ""),
            Cell(show_count(digest.calls), sort=digest.calls),
            Cell(show_latency(digest.total_us), show_ratio(digest.total_us / total), digest.total_us),
            Cell(
                show_latency(digest.total_us / max(digest.calls, 1)),
                sort=digest.total_us / max(digest.calls, 1),
            ),
            Cell(show_latency(digest.lock_us) if digest.lock_us else "0", sort=digest.lock_us),
            _examined(digest),
        ]
        for digest in digests[:_MOST_DIGESTS]
    ]
    return Table("Statements by total time", columns, rows, sortable=True)


def _examined(digest: Digest) -> Cell:
    if not digest.rows_sent:
        return Cell("–", sort=-1)
    ratio = digest.rows_examined / digest.rows_sent
    return Cell(three_digits(ratio), sort=ratio, tone="bad" if ratio > 50 else "")


def caches(report: RunReport) -> Section | None:
    """Hit ratio of each caching level and what got through to the one below."""
    if not report.caches:
        return None
    meters = [
        Meter(
            f"{level.name}: {level.what}",
            f"{show_ratio(level.hit_ratio)} hit",
            level.hit_ratio,
            f"{show_count(round(level.passed))} of {show_count(round(level.lookups))} got through",
        )
        for level in report.caches
    ]
    lead = (
        "From the client down to the disk. The unfilled part of each bar is what the level below had to do."
    )
    return Section("caches", "What each cache kept away", lead, [Meters("Hit ratio by level", meters)])


def blind(report: RunReport) -> Section | None:
    """What was not watched and what therefore cannot be told."""
    if not report.blind:
        return None
    items = [f"{title}: the report cannot tell {what}." for title, what in report.blind]
    return Section(
        "blind", "What this report cannot tell", "These parts gave no figures.", [Note("", "warn", items)]
    )
