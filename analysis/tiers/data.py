"""The databases and Redis."""

from __future__ import annotations

from analysis.caches import application_lines, hit_ratio
from analysis.tiers.front import renamed
from analysis.tiers.panel import Panel, Unit
from analysis.tiers.process import process

_COMMAND_COLUMNS: list[tuple[str, Unit]] = [
    ("Calls", "per_s"),
    ("Mean", "ms"),
    ("Share of its time", "ratio"),
]
_NODE_COLUMNS: list[tuple[str, Unit]] = [
    ("Commands", "per_s"),
    ("Hits", "ratio"),
    ("Memory, highest", "bytes"),
    ("Evictions", "count"),
    ("Expired", "count"),
    ("Slots", "count"),
    ("Redirects", "count"),
]
_MOST_COMMANDS = 6


def primary(panel: Panel) -> None:
    """The server that takes the writes."""
    panel.lead = (
        "Running threads are statements at work. Statements by total time are the server's own count;"
        " many rows examined for each row sent mean that an index is missing."
    )
    database(panel)


def replica(panel: Panel) -> None:
    """The server that reads are sent to."""
    samples = panel.samples
    panel.lead = (
        "Lag is the age of a row that is written on the primary every 50 ms: what a reader sees, not what"
        " the server believes."
    )
    panel.figure("Lag, mean", samples.mean("replica", "lag_ms"), "ms")
    panel.figure("Lag, highest", samples.highest("replica", "lag_ms"), "ms")
    running = [samples.mean("replica", metric) for metric in ("io_running", "sql_running")]
    if all(share == 1 for share in running):
        panel.figure("Replication threads", 2, "count", "of 2, all the time")
    else:
        for name, share in zip(("Receiving", "Applying"), running, strict=True):
            panel.figure(name, share, "ratio", "of the time", alarming=share is not None and share < 1)
    panel.chart("Lag behind the primary", "ms", panel.tracks("lag_ms", highest=True))
    database(panel)


def database(panel: Panel) -> None:
    """What both have."""
    samples, tier = panel.samples, panel.tier
    panel.highest("Connections, highest", "connections", "connections_max")
    panel.figure("Running threads, mean", samples.mean(tier, "threads_running"), "count")
    panel.figure("Running threads, highest", samples.highest(tier, "threads_running"), "count")
    panel.figure("Queries", samples.mean(tier, "questions"), "per_s")
    panel.figure("Commits", samples.mean(tier, "commits"), "per_s")
    panel.count("Row lock waits", "row_lock_waits")
    waits, waited_ms = samples.increase(tier, "row_lock_waits"), samples.increase(tier, "row_lock_time_ms")
    panel.figure("Row lock wait, mean", waited_ms / waits if waits and waited_ms is not None else None, "ms")
    panel.count("Deadlocks", "deadlocks", bad=True)
    panel.count("Rollbacks", "rollbacks")
    panel.count("Slow queries", "slow_queries", bad=True)
    panel.count("Refused connections", "refused_connections", "max_connections reached", bad=True)
    panel.count("Temporary tables on disk", "disk_temporary_tables")
    lines = [renamed(track, "open") for track in panel.tracks("connections", highest=True)]
    lines += [renamed(track, "running") for track in panel.tracks("threads_running")]
    limit = samples.highest(tier, "connections_max")
    panel.chart("Connections", "count", lines, limit=limit, limit_name="max_connections")
    if tier == "primary":
        panel.chart("Commits per second", "per_s", [renamed(t, "commits") for t in panel.tracks("commits")])
    if (samples.increase(tier, "row_lock_time_ms") or 0) > 0:
        waits_ms = [renamed(track, "waiting") for track in panel.tracks("row_lock_time_ms")]
        panel.chart("Waiting for row locks, ms per second", "ms", waits_ms)
    process(panel, chart=tier == "primary")


def redis(panel: Panel) -> None:
    """One server, or the nodes of a cluster."""
    samples = panel.samples
    panel.lead = (
        "The server's own count of all its clients. Keys that are evicted were dropped for room, not because"
        " their time was over."
    )
    hits, misses = samples.increase("redis", "hits"), samples.increase("redis", "misses")
    if hits is not None and misses is not None and hits + misses > 0:
        panel.figure("Hits", hits / (hits + misses), "ratio", f"of {hits + misses:,.0f} lookups")
    panel.figure("Commands", _summed_rate(panel, "ops"), "per_s")
    panel.figure(
        "Mean of a command", _mean_command_ms(panel, samples.instances("redis")), "ms", "at the server"
    )
    panel.highest("Memory, highest", "memory_bytes", "memory_max_bytes", "bytes")
    panel.highest("Clients, highest", "clients", "clients_max")
    panel.count("Expired", "expired", "their time was over")
    panel.count("Evictions", "evictions", "keys dropped for room", bad=True)
    panel.count("Rejected clients", "rejected", bad=True)
    panel.count("Error replies", "errors", "to any client")
    panel.count("Redirects", "redirects", "sent to another node")
    _hit_ratio_chart(panel)
    memory_limit = samples.highest("redis", "memory_max_bytes")
    memory = panel.tracks("memory_bytes", highest=True)
    panel.chart("Memory", "bytes", memory, limit=memory_limit or None, limit_name="maxmemory")
    panel.chart("Commands per second", "per_s", panel.tracks("ops"))
    gone = [renamed(track, "expired", len(memory) > 1) for track in panel.tracks("expired")]
    gone += [renamed(track, "evicted", len(memory) > 1) for track in panel.tracks("evictions")]
    panel.chart("Keys that went, per second", "per_s", [track for track in gone if track.values.any()])
    _commands(panel)
    _nodes(panel)
    process(panel, chart=False)


def _summed_rate(panel: Panel, metric: str) -> float | None:
    rates = [panel.samples.mean("redis", metric, name) for name in panel.samples.instances("redis", metric)]
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def _hit_ratio_chart(panel: Panel) -> None:
    """Of Redis itself by node, and of each of the application's caches, which are classes of keys."""
    samples = panel.samples
    lines = []
    for instance in samples.instances("redis", "hits"):
        pair = samples.get("redis", instance, "hits"), samples.get("redis", instance, "misses")
        lines += panel.track(hit_ratio(*pair), "all keys" if instance == "redis" else instance)
    for name, line in application_lines(samples):
        lines += panel.track(line, name)
    panel.chart("Hit ratio", "ratio", lines)


def _spent_ms(panel: Panel, command: str, instances: list[str]) -> tuple[float, float]:
    """Calls of a command and the milliseconds that they took of the server, in the steady part."""
    totals = []
    for what in ("calls", "usec"):
        grown = [panel.samples.increase("redis", f"command.{command}.{what}", name) for name in instances]
        totals.append(sum(value for value in grown if value is not None))
    return totals[0], totals[1] / 1e3


def _command_names(panel: Panel) -> list[str]:
    metrics = panel.samples.metrics("redis")
    return sorted({metric.split(".")[1] for metric in metrics if metric.startswith("command.")})


def _mean_command_ms(panel: Panel, instances: list[str]) -> float | None:
    spent = [_spent_ms(panel, name, instances) for name in _command_names(panel)]
    calls = sum(count for count, _ in spent)
    return sum(ms for _, ms in spent) / calls if calls else None


def _commands(panel: Panel) -> None:
    instances = panel.samples.instances("redis")
    spent = {name: _spent_ms(panel, name, instances) for name in _command_names(panel)}
    total_ms = sum(ms for _, ms in spent.values())
    length_s = panel.samples.to_s - panel.samples.from_s
    ranked = sorted((name for name in spent if spent[name][0] > 0), key=lambda name: -spent[name][1])
    rows: list[tuple[str, list[float | None]]] = [
        (
            f"{name.upper()}, by the probe" if name == "info" else name.upper(),
            [
                spent[name][0] / length_s if length_s > 0 else None,
                spent[name][1] / spent[name][0],
                spent[name][1] / total_ms if total_ms else None,
            ],
        )
        for name in ranked[:_MOST_COMMANDS]
    ]
    panel.table("Commands by time spent", _COMMAND_COLUMNS, rows, first="Command")


def _nodes(panel: Panel) -> None:
    samples = panel.samples
    nodes = samples.instances("redis", "ops")
    if len(nodes) < 2:
        return
    rows = []
    for node in nodes:
        hits = samples.increase("redis", "hits", node)
        misses = samples.increase("redis", "misses", node)
        asked = (hits or 0) + (misses or 0)
        figures = [
            samples.mean("redis", "ops", node),
            (hits or 0) / asked if asked else None,
            samples.highest("redis", "memory_bytes", node),
            samples.increase("redis", "evictions", node),
            samples.increase("redis", "expired", node),
            samples.highest("redis", "slots", node),
            samples.increase("redis", "redirects", node),
        ]
        rows.append((node, figures))
    panel.table("By node", _NODE_COLUMNS, rows, bad=("Evictions",), first="Node")
