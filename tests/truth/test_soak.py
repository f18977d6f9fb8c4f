from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import pytest

from analysis.compare.figures import figures_of
from reports.compare_page import comparison_page, read_compared
from reports.page import write_report
from reports.render import write_page
from results import open_run
from tests.truth.soak import write_soak


def test_hours_of_a_soak_stay_in_proportion(tmp_path: Path) -> None:
    hours = 1.5
    path = tmp_path / "hours" / "run.db"
    requests = write_soak(path, hours, 1e9 / 24 * hours)
    assert path.stat().st_size <= 60e6 / 24 * hours
    figures = figures_of(open_run(path))
    assert figures.requests["all"] == pytest.approx(requests * 89 / 90, rel=0.02)
    assert figures.values["call 0", "p50"] == pytest.approx(4000, rel=0.01)


@pytest.mark.truth
@pytest.mark.timeout(1800)
def test_two_days_of_a_billion_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / name / "run.db" for name in ("before", "after")]
    requests = [
        write_soak(path, 24, 1e9, factor, seed)
        for seed, (path, factor) in enumerate(zip(paths, (1.0, 1.03), strict=True))
    ]
    begin = time.perf_counter()
    compared = read_compared([open_run(path) for path in paths])
    page = write_page(comparison_page(compared), tmp_path / "compare.html")
    compared_s = time.perf_counter() - begin
    begin = time.perf_counter()
    report = write_report(open_run(paths[0]), tmp_path / "report.html")
    reported_s = time.perf_counter() - begin
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    sizes_mb = [path.stat().st_size / 1e6 for path in paths]
    with capsys.disabled():
        sys.stdout.write(
            f"\na day's soak: {requests[0]:.3g} requests, run.db {sizes_mb[0]:.1f} MB, compare of two"
            f" {compared_s:.1f} s ({page.stat().st_size / 1e6:.2f} MB), report {reported_s:.1f} s"
            f" ({report.stat().st_size / 1e6:.2f} MB), peak memory {memory_mb:.0f} MB\n"
        )
    assert min(requests) >= 0.99e9
    assert max(sizes_mb) <= 60
    assert compared_s <= 20
    assert reported_s <= 10
    assert memory_mb <= 500
    assert report.stat().st_size <= 3e6
