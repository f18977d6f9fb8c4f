"""Keeps one disturbance up until it is ended: `python -m stack.disturb STACK FAULT`, by stack.faults."""

from __future__ import annotations

import sys
from typing import cast

from stack.disturbances import KeptUp
from stack.faults import FAULTS
from stack.place import Place


def main() -> None:
    """Say that it begins, and go on until a signal ends the process."""
    place = Place(sys.argv[1])
    disturbance = cast(KeptUp, FAULTS[sys.argv[2]].disturbance)
    place.write(f"{sys.argv[2]}.on", "")
    disturbance.run(place)


if __name__ == "__main__":
    main()
