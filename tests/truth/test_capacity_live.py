"""Capacity searches on the live calibrated server: a short form for every day, and the proof's table."""

import sys
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest

from analysis.capacity import Settings
from drive.capacity import find_capacity
from drive.live import Moment
from drive.plan import plan_from
from drive.progress import PlainProgress
from reports.stored import stored_review
from results import open_run
from tests.truth.live_searches import LIVE, SCENARIO, calibrated, find, live_table, quiet

BUDGET_S = 36.0


def test_a_short_live_search_keeps_its_budget_and_its_interval_holds_the_limit(tmp_path) -> None:
    setting = LIVE[2]
    with calibrated(setting, seed=3) as target:
        settings = Settings(setting.slos, start_per_s=200, budget_s=BUDGET_S, bracket_s=3, confirm_s=5)
        found = find_capacity(plan_from(SCENARIO), target, settings, tmp_path, quiet())
    capacity, run = found.capacity, open_run(found.folder)
    assert capacity.spent_s <= BUDGET_S + 1
    assert run.account.missing == 0
    assert [level.rate_per_s for level in capacity.levels][:2] == [200, 400]
    told = stored_review(run)
    assert told is not None
    assert told.capacity.rate_per_s == capacity.rate_per_s
    if any(level.problems for level in capacity.levels) or told.doubts:
        pytest.skip("the machine was too busy for a search to say anything")
    assert capacity.found
    # A search this short knows little, and says so by its interval.
    assert 0.9 * (capacity.low_per_s or 0) <= setting.truth_per_s <= 1.1 * (capacity.high_per_s or 0)


class Interrupting(PlainProgress):
    """A user who presses Ctrl-C once some levels are over."""

    def second(self, *moments: Moment) -> None:
        if moments[0].at_s > 9:
            raise KeyboardInterrupt


def test_ctrl_c_keeps_what_was_measured_and_answers_from_it(tmp_path) -> None:
    with calibrated(LIVE[2], seed=3) as target:
        settings = Settings(LIVE[2].slos, start_per_s=50, budget_s=120, bracket_s=3)
        found = find_capacity(plan_from(SCENARIO), target, settings, tmp_path, Interrupting(StringIO()))
    assert found.interrupted
    run = open_run(found.folder)
    assert run.state == "interrupted"
    assert run.levels
    assert found.capacity.reason == "interrupted"
    assert "interrupted before a limit was found" in found.capacity.claim
    told = stored_review(run)
    assert told is not None
    assert told.capacity.claim == found.capacity.claim


@pytest.mark.truth
@pytest.mark.timeout(1500)
def test_live_searches_in_6_settings_find_the_exact_limit(tmp_path, capsys) -> None:
    """The table of more searches, and of bisection beside them: python -m tests.truth.live_searches."""
    with ThreadPoolExecutor(2) as two:
        results = list(two.map(lambda n: find(LIVE[n], n, 180.0, tmp_path / str(n)), range(len(LIVE))))
    with capsys.disabled():
        sys.stdout.write("\n" + live_table(results) + "\n")
    wrong = sorted(abs(one.error) for one in results)
    assert wrong[len(wrong) // 2] <= 0.03
    assert all(one.spent_s <= 181 for one in results)
