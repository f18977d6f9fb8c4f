"""Which probes a target calls for: one for each tier that it describes."""

from __future__ import annotations

from typing import Any

from probes import redis_server
from probes.access_log import AccessLogProbe
from probes.app import AppProbe
from probes.database import DatabaseProbe
from probes.haproxy import HaproxyProbe
from probes.haproxy_page import HaproxyPageProbe
from probes.host import HostProbe, ProcessProbe
from probes.lag import LagProbe
from probes.logs import LogProbe
from probes.nginx import NginxProbe
from probes.pages import tls_context
from probes.probe import Probe
from probes.sampler import Sampler
from probes.secrets import secrets_in


def sampler_for(target: dict[str, Any]) -> Sampler:
    """The sampler of a target's plain description, passwords in place; a tier that it lacks is left out."""
    tiers = {process["name"]: process["tier"] for process in target.get("processes", [])}
    secrets = secrets_in(target)
    logs = [
        LogProbe(tiers.get(name, name), name, path, secrets) for name, path in target.get("logs", {}).items()
    ]
    return Sampler(probes_from(target), logs, secrets)


def probes_from(target: dict[str, Any]) -> list[Probe]:
    """The probes of a target's plain description. Raises HarnessError for a `ca_file` that cannot be read."""
    probes: list[Probe] = [HostProbe()]
    tls = tls_context(target.get("ca_file", ""), verify=target.get("verify_tls", True))
    if target.get("lb", {}).get("stats_socket"):
        probes.append(HaproxyProbe(target["lb"]["stats_socket"]))
    elif target.get("lb", {}).get("metrics_url"):
        probes.append(HaproxyPageProbe(target["lb"]["metrics_url"], tls))
    if target.get("lb", {}).get("status_url"):
        probes.append(NginxProbe(target["lb"]["status_url"], tls))
    if target.get("lb", {}).get("log"):
        probes.append(AccessLogProbe(target["lb"]["log"]))
    probes += [
        AppProbe(tier, one["name"], one["metrics_url"], tls)
        for tier in ("web", "api", "jobs")
        for one in target.get(tier, [])
        if one.get("metrics_url")
    ]
    probes += [DatabaseProbe(tier, target[tier]) for tier in ("primary", "replica") if target.get(tier)]
    if target.get("primary") and target.get("replica"):
        probes.append(LagProbe(target["primary"], target["replica"]))
    if target.get("redis"):
        probes += redis_server.probes_of(target["redis"])
    probes += [ProcessProbe(one["tier"], one["name"], one["pid"]) for one in target.get("processes", [])]
    return probes
