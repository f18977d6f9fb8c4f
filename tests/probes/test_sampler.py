"""The sampler with probes that answer, fail, hang, do not know and start again."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from probes.probe import ProbeError, Reading, Unknown
from probes.sampler import LATE_S, Drained, Sampler


class Scripted:
    """Does at its n-th question what the n-th step says; the last step repeats."""

    tier = "api"

    def __init__(self, instance: str, *steps: Callable[[], Sequence[Reading | Unknown]]) -> None:
        self.instance = instance
        self._steps = list(steps)
        self.asked = 0
        self.calls: Counter[str] = Counter()

    def sample(self) -> Sequence[Reading | Unknown]:
        self.asked += 1
        self.calls[self.tier] += 3
        return self._steps[min(self.asked, len(self._steps)) - 1]()

    def close(self) -> None:
        pass


def says(value: float) -> Callable[[], list[Reading]]:
    return lambda: [Reading("requests", value, "counter")]


def fails() -> list[Reading]:
    raise ProbeError("connection refused")


def breaks() -> list[Reading]:
    raise KeyError("scur")


def knows_not() -> list[Reading | Unknown]:
    return [Reading("requests", 5.0, "counter"), Unknown("lag_ms", "a thread is stopped")]


def gathered(sampler: Sampler, until: Callable[[Drained], bool]) -> Drained:
    """Run until a condition holds for all that was drained, then stop."""
    total = Drained()

    def take() -> None:
        drained = sampler.drain()
        total.samples.extend(drained.samples)
        total.gaps.extend(drained.gaps)
        total.events.extend(drained.events)

    sampler.start(time.monotonic())
    deadline = time.monotonic() + 30
    while not until(total):
        assert time.monotonic() < deadline, total
        time.sleep(0.02)
        take()
    sampler.stop()
    take()
    return total


def requests(drained: Drained, instance: str) -> list[float]:
    return [s.value for s in drained.samples if (s.instance, s.metric) == (instance, "requests")]


def test_a_hanging_probe_is_a_gap_and_delays_neither_the_others_nor_the_end() -> None:
    release = threading.Event()

    def hangs() -> list[Reading]:
        release.wait(60)
        return [Reading("requests", 1.0, "counter")]

    sampler = Sampler([Scripted("hung", hangs), Scripted("well", says(1))])
    drained = gathered(sampler, lambda d: bool(d.events) and len(requests(d, "well")) >= 3)
    asked_at = [s.at_s for s in drained.samples if (s.instance, s.metric) == ("well", "requests")]
    assert asked_at[:3] == [0.0, 1.0, 2.0]
    (gap,) = drained.gaps
    assert (gap.instance, gap.from_s) == ("hung", 0.0)
    assert gap.to_s >= 2
    assert f"{LATE_S:g} s" in gap.reason
    assert not requests(drained, "hung")
    sampler.finish()
    release.set()


def test_failures_in_a_row_are_one_gap_that_ends_with_the_next_answer() -> None:
    sampler = Sampler([Scripted("api1", fails, breaks, says(7))])
    drained = gathered(sampler, lambda d: bool(d.gaps))
    assert [(g.from_s, g.to_s, g.reason) for g in drained.gaps] == [(0.0, 2.0, "connection refused")]
    assert requests(drained, "api1")[0] == 7
    assert [e.kind for e in drained.events] == ["gap"]


def test_what_is_unknown_is_a_gap_of_its_own_beside_the_figures_that_are_known() -> None:
    sampler = Sampler([Scripted("api1", knows_not, says(6))])
    drained = gathered(sampler, lambda d: bool(d.gaps))
    assert [(g.from_s, g.to_s, g.reason) for g in drained.gaps] == [(0.0, 1.0, "a thread is stopped")]
    assert requests(drained, "api1")[:2] == [5, 6]
    assert not any(s.metric == "lag_ms" for s in drained.samples)


def test_counters_are_kept_raw_and_a_restart_is_told_once() -> None:
    sampler = Sampler([Scripted("api1", says(10), says(3), says(4))])
    drained = gathered(sampler, lambda d: len(requests(d, "api1")) >= 3)
    assert requests(drained, "api1")[:3] == [10, 3, 4]
    assert [(e.kind, e.at_s, e.instance) for e in drained.events] == [("restart", 1.0, "api1")]


def test_a_probes_own_cost_is_measured() -> None:
    sampler = Sampler([Scripted("api1", says(1))])
    drained = gathered(sampler, lambda d: bool(d.samples))
    own = {s.metric: s for s in drained.samples if (s.tier, s.instance) == ("probes", "api")}
    assert own["cpu_seconds"].kind == own["calls"].kind == "counter"
    assert own["calls"].value == 3  # each question of this one is three of the tier
    assert 0 < own["sample_ms"].value < LATE_S * 1000


def test_of_a_run_that_did_not_begin_nothing_is_told() -> None:
    sampler = Sampler([Scripted("api1", says(1))])
    assert sampler.check() == []
    assert sampler.drain() == Drained()
    sampler.stop()
    assert sampler.drain() == Drained()


def test_before_a_run_each_tier_that_cannot_be_asked_is_one_line() -> None:
    (line,) = Sampler([Scripted("api1", fails), Scripted("api2", says(1))]).check()
    assert "connection refused" in line
    assert "\n" not in line
