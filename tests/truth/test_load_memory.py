"""The memory of a generator does not grow with the requests that it has made."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.truth.loads import ROOT

MOST_GROWTH_BYTES = 2_000_000


@pytest.mark.parametrize(
    "requests",
    [
        100_000,
        pytest.param(10_000_000, marks=[pytest.mark.truth, pytest.mark.timeout(3600)]),
    ],
)
def test_memory_is_flat(requests: int) -> None:
    command = [sys.executable, "-m", "tests.truth.in_one_process", str(requests)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    settled = [rss for made, rss in seen if 0.1 * requests <= made <= 0.3 * requests]
    last = [rss for made, rss in seen if made >= 0.8 * requests]
    before, after = sum(settled) / len(settled), sum(last) / len(last)
    print(f"{requests:,} requests: {before / 1e6:.1f} MB, then {after / 1e6:.1f} MB")  # noqa: T201
    assert after - before < MOST_GROWTH_BYTES
