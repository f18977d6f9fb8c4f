import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from drive.plan import plan_from
from drive.timed_faults import Injector, TimedFault, check_stack
from results import HarnessError, UsageError
from stack.errors import StackError
from stack.place import Place


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("web1-down", "is not a timed fault: write it like web1-down@30s..45s"),
        ("web1-down@5s", "is not a timed fault"),
        ("web1-down@soon..45s", "'soon' is not a duration"),
        ("web1-down@9s..5s", "ends before it begins"),
        ("web1-down@50s..70s", "lies outside the run, which lasts 60 s"),
        ("web9-down@5s..9s", "unknown fault 'web9-down': did you mean web1-down?"),
        ("small-pool@5s..9s", "harness up --fault small-pool"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_one_line(written: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        plan_from("web/trpc", rate_per_s=5, for_s=60, faults=[written])
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_fault_cannot_begin_again_while_it_is_on() -> None:
    with pytest.raises(UsageError, match="before the one before it has ended"):
        plan_from("web/trpc", for_s=60, faults=["web1-down@5s..20s", "web1-down@15s..30s"])


def test_faults_of_a_plan_and_of_the_command_line_add_up_in_order_of_time(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text('scenario = "web/trpc"\nstages = "5/s for 1m"\nfaults = ["slow-redis@40s..50s"]\n')
    plan = plan_from(str(file), faults=["web1-down@10s..1m"])
    assert plan.faults == (TimedFault("web1-down", 10, 60), TimedFault("slow-redis", 40, 50))
    assert plan.public()["faults"] == ["web1-down@10s..60s", "slow-redis@40s..50s"]


def test_a_target_that_is_no_stack_of_ours_is_refused() -> None:
    with pytest.raises(UsageError, match="target staging is no stack of 'harness up'"):
        check_stack("", "staging", [TimedFault("web1-down", 5, 10)])
    check_stack("", "staging", [])


def test_a_fault_that_the_stack_has_already_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HARNESS_STATE", str(tmp_path))
    Place("one").make()
    Place("one").set_fault("web1-down", on=True)
    with pytest.raises(UsageError, match="stack one has fault web1-down already"):
        check_stack("one", "one", [TimedFault("web1-down", 5, 10)])


class Calls:
    """Stands for the stack: writes down what is begun and ended."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.begun = threading.Event()
        self.began_s = time.monotonic()

    def begin(self, stack: str, fault: str) -> None:
        self.made.append(f"begin {fault} on {stack}")
        self.begun.set()

    def end(self, stack: str, fault: str) -> None:
        self.made.append(f"end {fault} on {stack}")

    def now_s(self) -> float:
        return time.monotonic() - self.began_s


def injector(calls: Calls, *planned: TimedFault, begin: Callable[[str, str], None] | None = None) -> Injector:
    return Injector("one", planned, begin or calls.begin, calls.end)


def test_a_fault_begins_and_ends_at_its_times_and_both_are_told() -> None:
    calls = Calls()
    one = injector(calls, TimedFault("web1-down", 0.1, 0.2))
    one.start(calls.now_s)
    for thread in one._threads:
        thread.join()
    assert calls.made == ["begin web1-down on one", "end web1-down on one"]
    first, last = one.take()
    assert first.text == "fault web1-down: the first web instance is killed"
    assert first.data == {"name": "web1-down", "from_s": first.at_s, "to_s": None}
    assert last.text == "fault web1-down is over"
    assert last.data["from_s"] == first.at_s
    assert first.at_s >= 0.1
    assert last.data["to_s"] >= 0.2
    assert not one.take()


def test_a_fault_that_is_on_is_ended_when_the_run_ends_early() -> None:
    calls = Calls()
    one = injector(calls, TimedFault("web1-down", 0, 1000), TimedFault("slow-redis", 500, 1000))
    one.start(calls.now_s)
    assert calls.begun.wait(10)
    one.stop()
    assert calls.made == ["begin web1-down on one", "end web1-down on one"]


def test_a_fault_that_cannot_begin_is_put_right_and_said() -> None:
    calls = Calls()

    def refuse(stack: str, fault: str) -> None:
        raise StackError("no process web1 runs")

    one = injector(calls, TimedFault("web1-down", 0, 1000), begin=refuse)
    one.start(calls.now_s)
    one._threads[0].join()
    assert calls.made == ["end web1-down on one"]
    assert not one.take()
    with pytest.raises(HarnessError, match="fault web1-down could not begin: no process web1 runs"):
        one.check()
