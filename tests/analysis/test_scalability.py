import numpy as np
import pytest

from analysis.scalability import fit_usl

SPECSDM91_LOAD = [1, 18, 36, 72, 108, 144, 216]
SPECSDM91_RATE = [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2]


def test_the_published_fit_of_specsdm91_is_reproduced() -> None:
    usl = fit_usl(SPECSDM91_LOAD, SPECSDM91_RATE)
    assert usl is not None
    assert usl.alpha == pytest.approx(0.0277285, rel=1e-3)
    assert usl.beta == pytest.approx(0.0001044, rel=1e-3)
    assert usl.gamma == pytest.approx(89.995, rel=1e-4)
    assert usl.peak is not None
    assert usl.peak == pytest.approx((96.5, 1884), rel=1e-3)


def test_no_peak_is_claimed_far_beyond_the_tested_load() -> None:
    usl = fit_usl(SPECSDM91_LOAD[:4], SPECSDM91_RATE[:4])
    assert usl is not None
    tested = fit_usl([1, 5, 10, 20, 30], [90, 400, 700, 1200, 1500])
    assert tested is not None
    assert tested.peak_load > 1.25 * 30
    assert tested.peak is None
    assert "cannot be told" in tested.sentence


def test_the_band_holds_the_true_line_and_widens_beyond_the_tested() -> None:
    random = np.random.default_rng(1)
    load = np.array([2, 5, 10, 20, 40, 60, 80.0])
    true = 50 * load / (1 + 0.03 * (load - 1) + 1e-4 * load * (load - 1))
    held = []
    for seed in range(40):
        usl = fit_usl(load, true * (1 + random.normal(0, 0.03, load.size)), seed)
        assert usl is not None
        low, high = usl.band([30.0, 300.0])
        at_30 = 50 * 30 / (1 + 0.03 * 29 + 1e-4 * 30 * 29)
        held.append(low[0] <= at_30 <= high[0])
        assert (high[1] - low[1]) / high[1] > (high[0] - low[0]) / high[0]
    assert np.mean(held) >= 0.75


@pytest.mark.parametrize("load", [[1, 2, 3], [5, 5, 5, 5, 5]])
def test_too_few_loads_give_no_fit(load) -> None:
    assert fit_usl(load, [10.0 * n for n in load]) is None
