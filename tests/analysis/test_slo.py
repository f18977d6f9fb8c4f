import numpy as np
import pytest

from analysis.slo import allowed, count, judge_slos, steady_spans, verdict
from analysis.validity import Reason, Validity, validity
from results import Endpoint, Histogram, Interval, parse_slos
from tests.analysis.builders import LevelSpec, build_run, spec

TRUSTED = Validity(())


def interval(values_us: list[int], failed: int = 0, name: str = "a", setup: bool = False) -> Interval:
    histogram = Histogram.from_values_us(values_us)
    return Interval(0, "g0", Endpoint(name, "trpc", setup), histogram, histogram, failed)


@pytest.mark.parametrize(
    ("text", "share"), [("p99<1s", 0.01), ("p99.9<1s", 0.001), ("errors<0.1%", 0.001), ("mean<1s", 1.0)]
)
def test_the_share_that_may_be_over(text, share):
    assert allowed(parse_slos(text)[0]) == pytest.approx(share)


def test_a_failed_request_is_over_however_fast_it_failed():
    slo = parse_slos("p99 < 100ms")[0]
    assert count(slo, [interval([1000] * 90 + [200_000] * 10, failed=30)]) == (100, 30)
    assert count(slo, [interval([1000] * 60 + [200_000] * 40, failed=30)]) == (100, 40)


def test_setup_and_other_endpoints_are_left_out():
    slo = parse_slos("a p99 < 100ms")[0]
    pieces = [interval([200_000] * 5), interval([200_000] * 7, name="b"), interval([200_000] * 9, setup=True)]
    assert count(slo, pieces) == (5, 5)


def test_a_mean_is_counted_in_units_of_its_limit():
    n, over = count(parse_slos("mean < 10ms")[0], [interval([5_000, 25_000])])
    assert n == 2
    assert over == pytest.approx(3.0, rel=0.01)


def test_kept_and_missed_objectives_with_their_margin_and_interval(tmp_path):
    run = build_run(
        tmp_path, [spec(200, seconds=30)], slos="p99 < 250ms, p50 < 5ms, errors < 0.1%", capacity=False
    )
    kept, missed, errors = judge_slos(run)
    assert kept.outcome == "pass"
    assert 0.5 < kept.margin < 1
    assert kept.low <= kept.measured <= kept.high
    assert missed.outcome == "fail"
    assert missed.margin < 0
    assert errors.outcome == "pass"
    assert errors.measured == 0


def test_warm_up_and_ramps_are_not_judged(tmp_path):
    levels = [spec(50, mean_ms=900, seconds=10), spec(200, seconds=20)]
    run = build_run(tmp_path, levels, slos="p99 < 250ms", capacity=False, warmup_s=10)
    assert steady_spans(run) == [(10, 30)]
    assert judge_slos(run)[0].outcome == "pass"
    ramp = build_run(
        tmp_path / "ramp",
        levels,
        slos="p99 < 250ms",
        capacity=False,
        stages="ramp to 9/s over 10s, 200/s for 20s",
    )
    assert steady_spans(ramp) == [(10, 30)]


def test_a_second_that_is_only_in_part_of_a_level_is_not_judged(tmp_path):
    run = build_run(tmp_path, [spec(50), spec(200)], capacity=False, warmup_s=2.5, duration_s=23.5)
    assert steady_spans(run) == [(3, 12), (12, 23)]


def test_too_few_requests_for_a_quantile_are_inconclusive(tmp_path):
    run = build_run(tmp_path, [spec(5, seconds=20)], slos="p99 < 250ms", capacity=False)
    (result,) = judge_slos(run)
    assert result.outcome == "inconclusive"
    assert "too few for p99" in result.doubts[0]


def test_an_endpoint_that_was_never_called_is_inconclusive(tmp_path):
    run = build_run(tmp_path, [spec(100)], slos="todo.gone p99 < 250ms", capacity=False)
    assert judge_slos(run)[0].doubts == ("no request of todo.gone was measured",)


def test_failures_beyond_the_share_fail_a_latency_objective(tmp_path):
    run = build_run(tmp_path, [spec(200, failed_ratio=0.05)], slos="p99 < 250ms", capacity=False)
    (result,) = judge_slos(run)
    assert result.outcome == "fail"
    assert "failed, which counts as slow" in result.doubts[0]


def test_the_interval_of_a_quantile_holds_its_true_value(tmp_path):
    # Gamma(4, 3 ms): p95 is 23.26 ms.
    held = []
    for seed in range(12):
        folder = tmp_path / str(seed)
        run = build_run(folder, [LevelSpec(100 + seed, seconds=40)], slos="p95 < 1s", capacity=False)
        (result,) = judge_slos(run)
        held.append(result.low * 0.996 <= 23_263 <= result.high * 1.004)
    assert np.mean(held) >= 0.75


def test_the_verdict_says_pass_fail_or_inconclusive_with_its_reasons(tmp_path):
    run = build_run(tmp_path, [spec(200, seconds=20)], slos="p99 < 250ms", capacity=False)
    good = judge_slos(run)
    bad = judge_slos(run, slos=parse_slos("p50 < 1ms"))
    limited = Validity((Reason("generator-limited", "generator g0 was at its limit", "use more"),))
    restless = Validity((Reason("not-steady", "no steady state", "warm up"),))
    assert verdict(good, TRUSTED).outcome == "pass"
    assert verdict([*good, *bad], TRUSTED).outcome == "fail"
    assert "p50 < 1 ms: measured" in verdict(bad, TRUSTED).reasons[0]
    assert verdict(bad, limited).outcome == "inconclusive"
    assert verdict(good, limited).reasons == ("generator g0 was at its limit",)
    assert verdict(good, restless).outcome == "inconclusive"
    assert verdict(bad, restless).outcome == "fail"


def test_a_healthy_run_is_valid(tmp_path):
    run = build_run(tmp_path, [spec(200, seconds=30)], capacity=False)
    assert validity(run).reasons == ()


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("generator-limited", {"metrics": {("generator", "g0", "cpu_ratio"): 0.97}}),
        ("generator-limited", {"metrics": {("generator", "g0", "loop_lag_us"): 200_000}}),
        ("generator-limited", {"wake_lag_us": 60_000}),
        (
            "generator-limited",
            {"metrics": {("generator", "g0", "fds"): 950, ("generator", "g0", "fds_limit"): 1000}},
        ),
        ("generator-limited", {"metrics": {("generator", "g0", "own_faults"): 1}}),
    ],
    ids=["cpu", "loop lag", "wake-up lag", "open files", "own network errors"],
)
def test_a_generator_at_its_limit_makes_a_run_invalid(code, changes, tmp_path):
    run = build_run(tmp_path, [spec(200, seconds=20, **changes)], capacity=False)
    assert code in [reason.code for reason in validity(run).reasons]


def test_what_grows_without_end_is_no_steady_state(tmp_path):
    levels = [spec(200, seconds=5, mean_ms=ms) for ms in (30, 60, 120, 240, 480, 960)]
    run = build_run(tmp_path, levels, capacity=False, stages="200/s for 30s")
    (reason,) = [r for r in validity(run).reasons if r.code == "not-steady"]
    assert "at 200/s the requests in flight grew" in reason.text


@pytest.mark.parametrize("state", ["interrupted", "aborted", "running"])
def test_an_unfinished_run_is_not_valid(state, tmp_path):
    run = build_run(tmp_path, [spec(200, seconds=20)], capacity=False)
    run.info["state"] = state
    assert "not-finished" in [reason.code for reason in validity(run).reasons]


def test_arrivals_that_nothing_accounts_for_are_told(tmp_path):
    run = build_run(tmp_path, [spec(200, seconds=20)], capacity=False)
    account = run.accounts["g0"]
    run.accounts["g0"] = type(account)(
        account.scheduled + 3, account.finished, account.failed, account.unfinished
    )
    assert any("3 of" in reason.text for reason in validity(run).reasons if reason.code == "account")


def test_a_rate_that_was_not_reached_is_told(tmp_path):
    run = build_run(tmp_path, [spec(200, seconds=20)], capacity=False, stages="300/s for 20s")
    assert "rate" in [reason.code for reason in validity(run).reasons]
