"""Starting Locust as processes of its own and talking to them. Imports neither locust nor gevent."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from load.config import Config
from load.heard import Heard
from load.joining import ROOT, locust_command, locust_environment
from results.errors import HarnessError
from results.wire import Decoder, encode

Frame = dict[str, Any]
ENDS_WITHIN_S = 5.0
"""After a process closed its socket, until it has ended."""


class LoadProcess:
    """The load processes of one run: started together, steered by frames, ended together."""

    def __init__(
        self,
        scenario: Path,
        config: dict[str, Any],
        log_path: Path,
        processes: int = 1,
        cwd: Path | None = None,
        workers_at: tuple[str, int] | None = None,
    ) -> None:
        """`config` is what load.config.Config takes; `log_path` gets what Locust prints.

        `processes` is the number of generators. They are started here, or waited for at an address.
        """
        self.scenario = scenario
        path = scenario.relative_to(ROOT) if scenario.is_relative_to(ROOT) else scenario
        self.config = {**config, "processes": processes, "scenario": str(path)}
        self.log_path = log_path
        self.processes = processes
        self.cwd = cwd
        self.workers_at = workers_at
        self._heard: Heard | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._server: socket.socket | None = None
        self._peer: socket.socket | None = None
        self._decoder = Decoder()
        self._folder = ""

    def start(self) -> None:
        """Start Locust with the plugin and the scenario. Raises HarnessError."""
        self._folder = tempfile.mkdtemp(prefix="harness-")
        path = os.path.join(self._folder, "load.sock")
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(path)
        self._server.listen(1)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if self.workers_at is not None:
            check_free(*self.workers_at)
        environment = {**locust_environment(json.dumps(self.config)), "HARNESS_SOCKET": path}
        with self.log_path.open("wb") as log:
            # A session of its own: Ctrl-C reaches whoever steers, who then ends load in good order.
            self._process = subprocess.Popen(
                self._command(),
                env=environment,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _command(self) -> list[str]:
        host = self.config.get("target", {}).get("base_url", "http://127.0.0.1")
        command = [*locust_command(self.scenario), "--host", host]
        if self.workers_at is not None:
            bind_host, port = self.workers_at
            command += ["--master", "--expect-workers", str(self.processes)]
            command += ["--master-bind-host", bind_host, "--master-bind-port", str(port)]
        elif self.processes > 1:
            # A port of its own: Locust's default would let two runs on one machine take each other's workers.
            own = str(free_port())
            command += ["--processes", str(self.processes), "--master-bind-host", "127.0.0.1"]
            command += ["--master-host", "127.0.0.1", "--master-bind-port", own, "--master-port", own]
        return command

    def frames(self, timeout_s: float) -> list[Frame]:
        """The frames that arrived, waiting for the first up to a time."""
        waiting = self._peer or self._server
        if waiting is None:
            return []
        try:
            readable, _, _ = select.select([waiting], [], [], timeout_s)
        except InterruptedError:
            return []
        if not readable:
            return []
        if self._peer is None:
            assert self._server is not None
            self._peer, _ = self._server.accept()
            return []
        try:
            data = self._peer.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            self._peer.close()
            self._peer = None
            return self._words_for_lost()
        frames = self._decoder.feed(data)
        if self._heard is not None:
            self._heard.take(frames)
        return frames

    def _words_for_lost(self) -> list[Frame]:
        """What the process that was lost can no longer say: the only generator, or Locust's master."""
        assert self._process is not None
        if self._heard is None or self._heard.is_done:
            return []
        pid = self._process.pid
        try:
            code = self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            return self._heard.words_when_lost(f"its process {pid} no longer speaks")
        self._end_orphans()
        if code < 0:
            return self._heard.words_when_lost(f"its process {pid} was ended by {signal.Signals(-code).name}")
        return self._heard.words_when_lost(f"its process {pid} ended early: {self.last_words()}")

    def go(self, t0_monotonic: float) -> None:
        """Load begins at a moment of time.monotonic."""
        is_master = self.processes > 1 or self.workers_at is not None
        self._heard = Heard(Config(**self.config), t0_monotonic, is_master=is_master)
        self._send({"t": "go", "t0_monotonic": t0_monotonic})

    def set_rate(self, rate_per_s: float, at_s: float) -> None:
        """Change the rate from a second of the run on; only for load that is steered."""
        if self._heard is not None:
            self._heard.steer(rate_per_s, at_s)
        self._send({"t": "rate", "rate_per_s": rate_per_s, "at_s": at_s})

    def stop(self) -> None:
        """No more arrivals: what is under way gets its grace, then the last frames come."""
        self._send({"t": "stop"})

    def _send(self, frame: Frame) -> None:
        if self._peer is not None:
            try:
                self._peer.sendall(encode(frame))
            except OSError:
                return

    @property
    def alive(self) -> bool:
        """Whether Locust still runs, or has said what was not heard yet."""
        return self._process is not None and (self._process.poll() is None or self._peer is not None)

    @property
    def pid(self) -> int | None:
        """Locust's process."""
        return self._process.pid if self._process else None

    def last_words(self) -> str:
        """The end of what Locust printed, in one line."""
        try:
            lines = [
                line.strip()
                for line in self.log_path.read_text(errors="replace").splitlines()
                if line.strip()
            ]
        except OSError:
            lines = []
        return lines[-1][:300] if lines else f"it said nothing; see {self.log_path}"

    def close(self, within_s: float = 10.0) -> None:
        """End what is left of it, by force after a while."""
        if self._process is not None:
            try:
                self._process.wait(timeout=within_s if self.alive else 0)
            except subprocess.TimeoutExpired:
                self._end_group()
        for end in (self._peer, self._server):
            if end is not None:
                end.close()
        self._peer = self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end_orphans(self) -> None:
        """End the generators that the master left behind; those elsewhere notice that it is silent."""
        assert self._process is not None
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
        except ProcessLookupError:
            return

    def _end_group(self) -> None:
        assert self._process is not None
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, sign)
                self._process.wait(timeout=3)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue
        raise HarnessError(f"the load process {self._process.pid} does not end: end it by hand")


def check_free(host: str, port: int) -> None:
    """Raises HarnessError where an address cannot be listened on."""
    try:
        with socket.create_server((host, port)):
            return
    except OSError as problem:
        raise HarnessError(
            f"cannot listen on {host}:{port} ({problem.strerror}): give another --bind"
        ) from problem


def free_port() -> int:
    """A port of this machine that nobody listens on: above those of stacks, below outgoing connections'."""
    for port in random.sample(range(28_000, 32_000), 100):
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise HarnessError("no free port between 28000 and 32000 for the load processes to meet on")
