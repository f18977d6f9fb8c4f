import numpy as np
import pytest

from analysis.capacity import level_problems
from results import Flow, Histogram, Sample, parse_slos

SLOS = parse_slos("p99 < 250ms, errors < 0.1%")


def flows(per_s: int, lag_ms: float, begin: int = 0) -> list[Flow]:
    lag = Histogram.from_values_us(np.full(per_s, lag_ms * 1e3))
    seconds = range(begin, begin + 10)
    return [Flow(second, "g0", per_s, per_s, per_s, 0, per_s, 5, 0, 100, lag) for second in seconds]


def cpu(generator: float, host: float) -> list[Sample]:
    return [
        Sample(second + 1.0, tier, name, "cpu_ratio", value)
        for second in range(10)
        for tier, name, value in (("generator", "g0", generator), ("host", "host", host))
    ]


@pytest.mark.parametrize(
    ("generator", "host", "lag_ms", "said"),
    [
        (0.3, 0.5, 1, ""),
        (0.97, 0.6, 1, "g0 used 97% of its core"),
        (0.3, 0.5, 40, "began arrivals 40"),
        (0.3, 0.5, 22, ""),  # 22 ms late do not blur a limit of 250 ms
        (0.3, 0.99, 40, ""),  # late as the machine is full: the system's limit, not the generator's
        (0.8, 0.99, 40, "began arrivals 40"),
    ],
)
def test_a_level_whose_generator_was_the_limit_is_no_evidence(generator, host, lag_ms, said) -> None:
    found = level_problems(100, flows(100, lag_ms), cpu(generator, host), [], SLOS)
    assert (len(found) == 1 and said in found[0]) if said else not found


def test_arrivals_that_were_not_offered_spoil_a_level() -> None:
    (problem,) = level_problems(100, flows(80, 1), cpu(0.2, 0.2), [], SLOS)
    assert problem == "rate not reached: 800 arrivals where 1,000 were due"
    # 5 sigma of a Poisson count of 1,000 is 158.
    assert not level_problems(100, flows(90, 1), cpu(0.2, 0.2), [], SLOS)


def test_a_lost_generator_is_said() -> None:
    assert level_problems(100, flows(100, 1), [], ["generator g1 was lost: killed"], SLOS) == (
        "generator g1 was lost: killed",
    )


def own(metric: str, values: list[float]) -> list[Sample]:
    """A figure of the generator's own at the end of each second."""
    return [Sample(second + 1.0, "generator", "g0", metric, value) for second, value in enumerate(values)]


@pytest.mark.parametrize(
    ("before", "within", "met"),
    [
        (0, [0, 0, 0], 0),
        (3, [3, 3, 3], 0),  # met before the level began: they spoiled that one
        (3, [3, 5, 5], 2),
        (3, [5, 5, 5], 2),
        (3, [3, 1, 1], 1),  # counted anew by a generator that was started again
    ],
)
def test_errors_of_the_generators_own_machine_spoil_the_level_that_met_them(before, within, met) -> None:
    samples = own("own_faults", [before] * 4 + within)
    found = level_problems(100, flows(100, 1, begin=4), samples, [], SLOS)
    said = f"generator-limited: generator g0 had {met} network errors of its own machine"
    assert found == ((said,) if met else ())


@pytest.mark.parametrize(("files", "limited"), [(880.0, False), (950.0, True)])
def test_a_level_whose_generator_ran_out_of_files_is_no_evidence(files, limited) -> None:
    samples = own("fds", [files] * 10) + own("fds_limit", [1000.0] * 10)
    found = level_problems(100, flows(100, 1), samples, [], SLOS)
    assert found == (("generator-limited: generator g0 had 950 of 1000 files open",) if limited else ())
