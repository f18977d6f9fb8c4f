"""What the requests themselves tell of the tiers: pages, procedures, classes of keys, files, teams."""

from __future__ import annotations

from analysis.endpoints import EndpointTotal
from analysis.labels import by_label, over_names, size_bytes
from reports.parts import Block, Cell, Column, Fact, Facts, Section, Table
from reports.run_data import RunReport
from reports.words import NONE, counted, show_bytes, show_count, show_share
from results.units import show_latency, show_rate, show_ratio

_PROCEDURES = {
    "pool": "Pool wait",
    "db": "Database",
    "cache": "Cache",
    "queue": "Queue",
    "own work": "Own work",
    "outside": "Outside",
}
_NO_PROCEDURES = ("page", "sql", "file", "asset")
_MOST_ROWS = 20


def _of_kind(report: RunReport, *kinds: str) -> list[EndpointTotal]:
    return [total for total in report.table.rows if total.endpoint.kind in kinds and total.requests]


def _ms(value_ms: float | None, whole_ms: float) -> Cell:
    """A part of a request with its share of the whole."""
    if value_ms is None:
        return Cell(NONE, sort=-1, tone="muted")
    share = show_share(value_ms / whole_ms) if whole_ms > 0 else ""
    return Cell(show_latency(value_ms * 1e3) if value_ms else "0", share, value_ms)


def pages(report: RunReport) -> list[Block]:
    """Rendering and the time below it, page by page, where Server-Timing tells it."""
    told = [total for total in _of_kind(report, "page") if "render" in total.parts]
    if not told:
        return []
    columns = [
        Column("Page", number=False),
        Column("Rate"),
        Column("Service time, mean"),
        Column("Render"),
        Column("Below", what="the API, its pools, caches and the database"),
        Column("Own work", what="the rest of the web instance's own time"),
        Column("Outside", what="network, load balancer, a connection's wait"),
    ]
    rows = []
    for total in sorted(told, key=lambda total: -total.requests)[:_MOST_ROWS]:
        parts, whole = total.mean_parts_ms(), total.service.mean_us / 1e3
        own = ("render", "web-queue", "own work", "outside", "other")
        below = sum(ms for name, ms in parts.items() if name not in own)
        outside = parts.get("outside", parts.get("other"))
        figures = [parts.get("render"), below, parts.get("own work"), outside]
        rows.append(
            [
                Cell(total.endpoint.name),
                Cell(show_rate(total.rate_per_s), sort=total.rate_per_s),
                Cell(show_latency(whole * 1e3), sort=whole),
                *(_ms(value, whole) for value in figures),
            ]
        )
    title = "Rendering and the time below it"
    return [Table(title, columns, rows, sortable=len(rows) > 2, titled=True, dense=True)]


def procedures(report: RunReport) -> list[Block]:
    """Each procedure with what it spent its time on, where Server-Timing tells it."""
    told = [
        total
        for total in report.table.rows
        if total.requests and {"pool", "db"} & set(total.parts) and total.endpoint.kind not in _NO_PROCEDURES
    ]
    if not told:
        return []
    told.sort(key=lambda total: -total.service.mean_us * total.requests)
    seen = {name for total in told for name in total.mean_parts_ms()}
    names = [name for name in _PROCEDURES if name in seen]
    columns = [
        Column("Procedure", number=False),
        Column("Rate"),
        Column("Service time, mean"),
        *(Column(_PROCEDURES[name]) for name in names),
    ]
    rows = []
    for total in told[:_MOST_ROWS]:
        parts, whole = total.mean_parts_ms(), total.service.mean_us / 1e3
        rows.append(
            [
                Cell(total.endpoint.name),
                Cell(show_rate(total.rate_per_s), sort=total.rate_per_s),
                Cell(show_latency(whole * 1e3), sort=whole),
                *(_ms(parts.get(name), whole) for name in names),
            ]
        )
    title = "Where each procedure's time went"
    return [Table(title, columns, rows, sortable=len(rows) > 2, titled=True, dense=True)]


def staleness(report: RunReport) -> list[Block]:
    """Reads that came before the own write, as a user sees them, where the scenario looked for them."""
    told = {total.endpoint.name: total for total in _of_kind(report, "staleness")}
    seen, stale = told.get("own write seen"), told.get("stale read")
    if seen is None:
        return []
    number = stale.requests if stale is not None else 0
    facts = [
        Fact("Stale reads", show_count(number), f"after {counted(seen.requests, 'write')}"),
        Fact("Own write seen, p50", show_latency(seen.response.quantile_us(0.5)), "from commit on"),
        Fact("Own write seen, p99", show_latency(seen.response.quantile_us(0.99)), "from commit on"),
        Fact(
            "Never seen",
            show_count(seen.failed),
            "within the scenario's patience",
            "bad" if seen.failed else "",
        ),
    ]
    return [Facts(facts, small=True)]


def key_classes(report: RunReport) -> list[Block]:
    """Hit ratio and calls of the origin by class of key, where the scenario names them: `GET [hot]`."""
    groups = {group.name: group.by_label for group in by_label(report.table.rows)}
    asked, origin = groups.get("GET", {}), groups.get("origin", {})
    rows = []
    for label, total in asked.items():
        calls = origin[label].requests if label in origin else 0
        hit = max(1 - calls / total.requests, 0.0)
        rows.append(
            [
                Cell(label),
                Cell(show_rate(total.rate_per_s), sort=total.rate_per_s),
                Cell(show_ratio(hit), sort=hit, strong=True),
                Cell(show_count(calls), sort=calls),
                Cell(show_latency(total.response.quantile_us(0.99)), sort=total.response.quantile_us(0.99)),
                Cell(show_bytes(total.mean_bytes), sort=total.mean_bytes),
            ]
        )
    if not rows:
        return []
    columns = [
        Column("Class of key", number=False),
        Column("Lookups"),
        Column("Hits"),
        Column("Origin calls", what="a miss is computed anew; several at once are a stampede"),
        Column("p99"),
        Column("Value, mean"),
    ]
    return [Table("Hits by class of key", columns, rows, sortable=len(rows) > 2, titled=True)]


def jobs_as_seen(report: RunReport) -> list[Block]:
    """From leaving a job to seeing what it did, where the scenario waited for it."""
    facts = [
        Fact(
            total.endpoint.name.capitalize(),
            show_latency(total.response.quantile_us(0.5)),
            f"p50; p99 {show_latency(total.response.quantile_us(0.99))}, {counted(total.requests, 'job')}",
            "bad" if total.failed else "",
        )
        for total in _of_kind(report, "job")
    ]
    return [Facts(facts, small=True)] if facts else []


def files(report: RunReport) -> Section | None:
    """Uploads and downloads by size."""
    totals = _of_kind(report, "file")
    if not totals:
        return None
    labelled = by_label(totals)
    known = [(group.name, label, total) for group in labelled for label, total in group.by_label.items()]
    known = known or [(total.endpoint.name, "", total) for total in totals]
    columns = [
        Column("What", number=False),
        Column("Size", number=False),
        Column("Rate"),
        Column("Throughput", what="bytes received for downloads, bytes sent for uploads of a known size"),
        Column("p50"),
        Column("p99"),
        Column("Errors"),
    ]
    rows = [_file_row(name, label, total) for name, label, total in known]
    lead = "By size, as small files are ruled by each request's own cost and large ones by bandwidth."
    return Section(
        "files", "File storage", lead, [Table("Files by size", columns, rows, sortable=len(rows) > 2)]
    )


def _file_row(name: str, label: str, total: EndpointTotal) -> list[Cell]:
    size = size_bytes(label)
    bytes_per_s = total.received_bytes / total.span_s if total.span_s > 0 else 0.0
    if name.startswith(("POST", "PUT")) and size is not None:
        bytes_per_s = size * total.rate_per_s
    p50, p99 = (total.response.quantile_us(q) for q in (0.5, 0.99))
    return [
        Cell(name),
        Cell(label or NONE, sort=size),
        Cell(show_rate(total.rate_per_s), sort=total.rate_per_s),
        Cell(f"{show_bytes(bytes_per_s)}/s", sort=bytes_per_s, strong=True),
        Cell(show_latency(p50), sort=p50),
        Cell(show_latency(p99), sort=p99),
        Cell(show_ratio(total.error_ratio), sort=total.error_ratio, tone="bad" if total.failed else "muted"),
    ]


def teams(report: RunReport) -> Section | None:
    """Latency by a team's size, where the scenario names it: `todo.list [large team]`."""
    groups = [
        group for group in by_label(report.table.rows) if all(one.endswith("team") for one in group.by_label)
    ]
    whole = over_names(groups, report.table.span_s)
    if len(whole) < 2:
        return None
    labels = list(whole)
    columns = [Column("Procedure", number=False)]
    for label in labels:
        columns += [Column(f"{label.capitalize()}, p50"), Column("p99", what=label)]
    rows = [_team_row(group.name, group.by_label, labels) for group in groups]
    foot = [_team_row("all", whole, labels)]
    lead = (
        "The same calls by the size of the caller's team. A row of another team in an answer is a failed"
        " request, and stands under errors."
    )
    table = Table("Response time by team size", columns, rows, sortable=len(rows) > 2, foot=foot)
    return Section("teams", "Large teams and small ones", lead, [table])


def _team_row(name: str, by_size: dict[str, EndpointTotal], labels: list[str]) -> list[Cell]:
    cells = [Cell(name)]
    for label in labels:
        total = by_size.get(label)
        for q in (0.5, 0.99):
            value = total.response.quantile_us(q) if total is not None else None
            cells.append(
                Cell(NONE, tone="muted", sort=-1) if value is None else Cell(show_latency(value), sort=value)
            )
    return cells
