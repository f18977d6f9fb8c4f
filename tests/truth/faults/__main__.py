"""Makes the runs and prints the table: `python -m tests.truth.faults FOLDER [SEED [LOAD [FAULT ...]]]`.

Each run is kept in FOLDER/FAULT; one that is there already is judged again and not made again.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from stack import control
from tests.truth.faults.cases import CASES
from tests.truth.faults.recording import STACK, judge, prove


def main(folder: Path, seed: int, load: float, faults: list[str]) -> None:
    """One row after the other, as they come."""
    folder.mkdir(parents=True, exist_ok=True)
    right = []
    for case in CASES:
        kept = folder / (case.fault or "healthy")
        if faults and kept.name not in faults:
            continue
        if kept.exists():
            row = judge(case, kept)
        else:
            with tempfile.TemporaryDirectory(dir=folder) as made:
                row = prove(case, Path(made), seed=seed, load=load)
                row.run.rename(kept)
        right.append(row.right)
        print(row, flush=True)  # noqa: T201
    print(f"{sum(right)} of {len(right)} right")  # noqa: T201


if __name__ == "__main__":
    told = dict(enumerate(sys.argv))
    try:
        main(Path(told[1]), int(told.get(2, 1)), float(told.get(3, 1.0)), sys.argv[4:])
    finally:
        control.down(STACK)
