"""Runs of the real stack that were kept: a run.db is packed to some 50 kB, and open again in a moment.

`python -m tests.analysis.recorded RUN.DB FILE.DB.XZ` packs one.
"""

from __future__ import annotations

import json
import lzma
import sqlite3
import sys
import tempfile
from pathlib import Path

from results import Run, open_run

KEPT = Path(__file__).resolve().parent / "data"
FAULTS, SEARCHES = KEPT / "faults", KEPT / "searches"


def pack(run_db: Path, file: Path) -> None:
    """Keep a run.db without what is of the machine it was made on: its logs and the name of its system."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run.db"
        copy.write_bytes(run_db.read_bytes())
        db = sqlite3.connect(copy, isolation_level=None)
        (told,) = db.execute("SELECT value FROM info WHERE key = 'environment'").fetchone()
        environment = json.loads(told)
        environment["host"] = {"cpus": environment["host"]["cpus"]}
        db.execute("UPDATE info SET value = ? WHERE key = 'environment'", [json.dumps(environment)])
        db.execute("DELETE FROM log")
        db.execute("VACUUM")
        db.close()
        file.write_bytes(lzma.compress(copy.read_bytes(), preset=9))


def unpack(file: Path, folder: Path) -> Run:
    """Open a packed run, unpacked into a folder."""
    (folder / "run.db").write_bytes(lzma.decompress(file.read_bytes()))
    return open_run(folder)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
