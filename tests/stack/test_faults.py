"""Each fault does to a real stack what it says, and is undone; what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from pymysql.cursors import DictCursor

from stack import admin, faults, supervision
from stack.asked import FAULT_KNOBS, Asked
from stack.errors import SettingError
from stack.place import Place
from stack.status import status


def test_an_unknown_fault_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingError, match=r"unknown fault 'replica-stoped': did you mean replica-stopped\?"):
        faults.check_names(["replica-stoped"])


@pytest.mark.parametrize("fault", FAULT_KNOBS)
def test_a_fault_that_is_a_knob_changes_what_the_stack_is_brought_up_with(fault: str) -> None:
    assert Asked({}, (fault,)).knobs() != Asked({}).knobs()


def test_a_fault_that_is_a_knob_cannot_begin_during_a_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HARNESS_STATE", str(tmp_path))
    with pytest.raises(SettingError, match="harness up --fault small-pool"):
        faults.start("any", "small-pool")


def asked(place: Place, role: str, sql: str) -> list[dict[str, Any]]:
    """Rows of one of the stack's databases."""
    with admin.connect(place, role) as server, server.cursor(DictCursor) as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def gone(place: Place) -> bool:
    return not supervision.process_info(place)["web1"]["pid"]


def stopped(process: str) -> Callable[[Place], bool]:
    """Whether a process is seen stopped, at one look of several."""

    def look(place: Place) -> bool:
        pid = int(supervision.process_info(place)[process]["pid"])
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)

    return look


def applies_nothing(place: Place) -> bool:
    return bool(asked(place, "replica", "SHOW SLAVE STATUS")[0]["Slave_SQL_Running"] == "No")


def waits_to_apply(place: Place) -> bool:
    """A write of the primary waits on the replica for a lock."""
    with admin.connect(place, "primary") as server, server.cursor() as cursor:
        cursor.execute("UPDATE app.counters SET hits = hits + 1 WHERE team_id = 2")
    return "lock" in str(asked(place, "replica", "SHOW SLAVE STATUS")[0]["Slave_SQL_Running_State"]).lower()


def without_index(place: Place) -> bool:
    return not asked(place, "replica", "SHOW INDEX FROM app.todos WHERE Key_name = 'by_team_state'")


def locks_wait(place: Place) -> bool:
    sql = "SHOW GLOBAL STATUS WHERE Variable_name = 'Innodb_row_lock_current_waits'"
    return int(asked(place, "primary", sql)[0]["Value"]) > 0


def sorts_large_sets(place: Place) -> bool:
    port = place.ports(Asked.of(place).knobs().ports.base).redis
    with redis.Redis(port=port, password=place.credentials()["redis"]) as client:
        return bool(client.exists("disturbance:large")) and "cmdstat_sort" in client.info("commandstats")


EFFECTS: dict[str, Callable[[Place], bool]] = {
    "web1-down": gone,
    "web1-slow": stopped("web1"),
    "jobs-blocked": stopped("jobs1"),
    "replica-stopped": applies_nothing,
    "replica-lagging": waits_to_apply,
    "missing-index": without_index,
    "hot-row": locks_wait,
    "slow-redis": sorts_large_sets,
}


def test_every_disturbance_is_tried() -> None:
    assert set(EFFECTS) | set(FAULT_KNOBS) == set(faults.FAULTS)


@pytest.mark.stack
@pytest.mark.parametrize("fault", EFFECTS)
def test_a_fault_does_what_it_says_and_is_undone(stack_up: dict[str, Any], fault: str) -> None:
    place, is_on = Place(stack_up["name"]), EFFECTS[fault]
    faults.start(place.name, fault)
    try:
        assert supervision.wait_until(lambda: is_on(place), 30)
        assert faults.active(place.name) == [fault]
    finally:
        faults.stop(place.name, fault)
    assert faults.active(place.name) == []
    # Nobody keeps it up any more: it is off at every look of some, not only between two beats.
    assert supervision.wait_until(lambda: not any(is_on(place) for _ in range(5)), 30)
    assert supervision.wait_until(lambda: status(place.name).healthy, 30)
