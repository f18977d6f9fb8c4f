"""This machine, and the processes of the system under load that run on it."""

from __future__ import annotations

from collections import Counter

import psutil

from probes.probe import ProbeError, Reading


class HostProbe:
    """CPU, memory and network of the machine."""

    tier = "host"
    instance = "host"

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
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
    """One process of a tier; `cpu_ratio` is in cores.

    Once it has gone, a process that was started with the same command line is taken for its successor. Its
    CPU time goes on from there, and the sampler sees a counter that begins again.
    """

    def __init__(self, tier: str, instance: str, pid: int) -> None:
        self.tier = tier
        self.instance = instance
        self.calls: Counter[str] = Counter()
        self._pid = pid
        self._process: psutil.Process | None = None
        self._command: list[str] = []
        self._is_dead = False

    def sample(self) -> list[Reading]:
        """What it uses now. Raises ProbeError when it is gone."""
        try:
            if self._process is None or self._is_dead or not self._process.is_running():
                self._process = self._found()
                self._is_dead = False
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
                self._is_dead = self._process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess as gone:
            raise ProbeError(f"process {self._pid} of {self.instance} is gone") from gone
        except psutil.AccessDenied as denied:
            raise ProbeError(f"process {self._pid} of {self.instance} belongs to another user") from denied
        if self._is_dead:
            raise ProbeError(f"process {self._pid} of {self.instance} is gone")
        return readings

    def _found(self) -> psutil.Process:
        """The process that was named, or its successor. Raises psutil.NoSuchProcess."""
        if self._process is None:
            process = psutil.Process(self._pid)
            self._command = process.cmdline()
            return process
        same = [
            process
            for process in psutil.process_iter(["cmdline", "create_time"])
            if self._command and process.info["cmdline"] == self._command
        ]
        if not same:
            raise psutil.NoSuchProcess(self._pid)
        # A server's own children have its command line too, and are younger.
        process = min(same, key=lambda one: float(one.info["create_time"]))
        self._pid = process.pid
        return process

    def close(self) -> None:
        """Nothing is held."""
