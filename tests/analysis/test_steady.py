import numpy as np
import pytest

from analysis.steady import autocorrelation, trend


def ar1(random: np.random.Generator, n: int, r: float) -> np.ndarray:
    noise = random.normal(0, 1, n)
    values = np.empty(n)
    values[0] = noise[0]
    for i in range(1, n):
        values[i] = r * values[i - 1] + np.sqrt(1 - r * r) * noise[i]
    return values


@pytest.mark.parametrize(("r", "most"), [(0.0, 0.02), (0.5, 0.03), (0.8, 0.06)])
def test_autocorrelated_noise_is_seldom_called_a_trend(r, most):
    random = np.random.default_rng(1)
    alarms = [trend(ar1(random, 40, r)).p_value < 0.01 for _ in range(1500)]
    assert np.mean(alarms) <= most


def test_an_ordinary_regression_would_call_it_one_far_more_often():
    random = np.random.default_rng(1)
    alarms = []
    for _ in range(500):
        y = ar1(random, 40, 0.8)
        x = np.arange(40) - 19.5
        slope = x @ y / (x @ x)
        residuals = y - y.mean() - slope * x
        alarms.append(abs(slope) / np.sqrt(residuals @ residuals / 38 / (x @ x)) > 2.71)
    assert np.mean(alarms) > 0.15


def test_a_real_trend_is_found_through_autocorrelation():
    random = np.random.default_rng(2)
    found = [trend(0.3 * ar1(random, 60, 0.5) + np.linspace(0, 1.5, 60)).matters() for _ in range(200)]
    assert np.mean(found) > 0.9


def test_the_rise_is_that_of_the_line_and_gaps_do_not_bend_it():
    values = np.linspace(1, 3, 21)
    values[5:9] = np.nan
    assert trend(values).rise == pytest.approx(2.0)


@pytest.mark.parametrize("values", [[], [1.0], [1, 2, 3, 4.0], [5.0] * 30])
def test_too_little_or_nothing_moving_is_no_trend(values):
    assert not trend(values).matters()


def test_autocorrelation_of_short_series_is_corrected_for_its_bias():
    random = np.random.default_rng(3)
    raw, corrected = [], []
    for _ in range(2000):
        y = ar1(random, 20, 0.6)
        y -= y.mean()
        raw.append(y[:-1] @ y[1:] / (y @ y))
        corrected.append(autocorrelation(y))
    assert abs(np.mean(corrected) - 0.6) < abs(np.mean(raw) - 0.6)
