"""This machine, and the processes of the system under load that run on it."""

from __future__ import annotations

import psutil

from probes.probe import ProbeError, Reading


class HostProbe:
    """CPU, memory and network of the machine."""

    tier = "host"
    instance = "host"

    def __init__(self) -> None:
        psutil.cpu_percent()

    def sample(self) -> list[Reading]:
        """What it says now."""
        memory, net = psutil.virtual_memory(), psutil.net_io_counters()
        return [
            Reading("cpu_ratio", psutil.cpu_percent() / 100),
            Reading("cpus", float(psutil.cpu_count() or 1)),
            Reading("memory_used_bytes", float(memory.total - memory.available)),
            Reading("memory_total_bytes", float(memory.total)),
            Reading("net_sent_bytes", float(net.bytes_sent), "counter"),
            Reading("net_received_bytes", float(net.bytes_recv), "counter"),
        ]

    def close(self) -> None:
        """Nothing is held."""


class ProcessProbe:
    """One process of a tier; `cpu_ratio` is in cores."""

    def __init__(self, tier: str, instance: str, pid: int) -> None:
        self.tier = tier
        self.instance = instance
        self._pid = pid
        self._process: psutil.Process | None = None

    def sample(self) -> list[Reading]:
        """What it uses now. Raises ProbeError when it is gone."""
        try:
            if self._process is None:
                self._process = psutil.Process(self._pid)
                self._process.cpu_percent()
            with self._process.oneshot():
                times = self._process.cpu_times()
                readings = [
                    Reading("cpu_ratio", self._process.cpu_percent() / 100),
                    Reading("cpu_seconds", times.user + times.system, "counter"),
                    Reading("rss_bytes", float(self._process.memory_info().rss)),
                    Reading("threads", float(self._process.num_threads())),
                ]
                if hasattr(self._process, "num_fds"):  # not on Windows
                    readings.append(Reading("fds", float(self._process.num_fds())))
                is_dead = self._process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess as gone:
            raise ProbeError(f"process {self._pid} of {self.instance} is gone") from gone
        except psutil.AccessDenied as denied:
            raise ProbeError(f"process {self._pid} of {self.instance} belongs to another user") from denied
        if is_dead:
            raise ProbeError(f"process {self._pid} of {self.instance} is gone")
        return readings

    def close(self) -> None:
        """Nothing is held."""
