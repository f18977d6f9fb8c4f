import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results import Histogram
from results.histogram import bucket_low_us, bucket_mid_us, bucket_width_us, buckets_of

LATENCIES = st.lists(st.integers(0, 2**37), min_size=1, max_size=200)


@pytest.mark.parametrize("q", [0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_a_quantile_is_within_0_4_percent_of_the_exact_one(q: float) -> None:
    values = np.floor(np.random.default_rng(1).lognormal(10, 1.5, 200_000))
    exact = float(np.quantile(values, q, method="inverted_cdf"))
    assert Histogram.from_values_us(values).quantile_us(q) == pytest.approx(exact, rel=0.004)


@given(st.integers(0, 2**37))
def test_a_value_lies_in_its_bucket(value: int) -> None:
    (bucket,) = buckets_of([value])
    assert bucket_low_us[bucket] <= value < bucket_low_us[bucket] + bucket_width_us[bucket]
    assert abs(bucket_mid_us[bucket] - value) <= value / 256


@given(LATENCIES, LATENCIES)
def test_the_sum_of_two_is_the_histogram_of_both(left: list[int], right: list[int]) -> None:
    both = Histogram.from_values_us(left + right)
    assert Histogram.from_values_us(left) + Histogram.from_values_us(right) == both


@given(LATENCIES)
def test_what_is_stored_comes_back(values: list[int]) -> None:
    histogram = Histogram.from_values_us(values)
    assert Histogram.from_bytes(histogram.to_bytes()) == histogram


@pytest.mark.parametrize("damage", [b"", b"no zlib", Histogram.from_values_us([5, 900]).to_bytes()[:-3]])
def test_damaged_data_is_refused(damage: bytes) -> None:
    with pytest.raises(ValueError, match="not a stored histogram"):
        Histogram.from_bytes(damage)


def test_an_empty_histogram_has_no_figures() -> None:
    assert np.isnan(Histogram().quantile_us(0.5))
    assert np.isnan(Histogram().mean_us)
    assert np.isnan(Histogram().max_us)


def test_the_share_above_a_limit_is_counted() -> None:
    assert Histogram.from_values_us([10, 20, 30, 100]).fraction_above(25) == 0.5
