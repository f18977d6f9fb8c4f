from __future__ import annotations

import pytest

from analysis.generators import Generators, lateness_us


@pytest.mark.parametrize(
    ("cpu", "host", "late_ms", "blurs"),
    [
        (0.3, 0.5, 40, True),
        (0.3, 0.5, 24, False),  # not a tenth of 250 ms
        (0.3, 0.99, 40, False),  # the machine is full of others' work
        (0.8, 0.99, 40, True),  # and here of the generator's own
        (0.3, None, 40, True),
    ],
)
def test_late_arrivals_blur_times_of_which_they_are_no_small_part(cpu, host, late_ms, blurs) -> None:
    assert Generators({"g0": cpu}, host, late_ms * 1e3).blur(250e3) is blurs


def test_an_ordinary_delay_blurs_nothing_however_short_the_times() -> None:
    assert not Generators({}, 0.2, 15e3).blur(1e3)


def test_a_generator_has_one_core() -> None:
    assert Generators({"g0": 0.95, "g1": 0.5}, 0.8, 0.0).busy == {"g0": 0.95}


def test_nothing_is_late_without_arrivals() -> None:
    assert lateness_us([]) == 0.0
