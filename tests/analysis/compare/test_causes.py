from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analysis.compare.facts import ClassCost, DigestCost, PoolUse
from analysis.compare.figures import Figures
from analysis.duel import Duel, DuelResult
from tests.analysis.compare.imagined import LIST, SEARCH, healthy, response, slower, with_below, with_part


def duel(change: Callable[[Figures], Figures]) -> DuelResult:
    course, seed = Duel(), 0
    while course.next() is not None:
        seed += 2
        course.observe(healthy(seed), change(healthy(seed + 1)))
    return course.decision()


def without_index(run: Figures) -> Figures:
    slow = with_part(
        slower(run, response("todo.search", 2.4) | response("all", 1.3)), "todo.search", "db", 38.0
    )
    return with_below(slow, digests={SEARCH: DigestCost(SEARCH, 0.25, 10_400.0, 25_000.0, 0.25)})


def short_ttl(run: Figures) -> Figures:
    factors = {("all", "hits.application, query"): 0.68, ("all", "db_calls"): 2.55}
    slow = slower(run, response("todo.list", 1.6) | response("all", 1.4) | factors)
    slow = with_part(slow, "todo.list", "db", 4.2)
    knobs = run.knobs | {"cache.ttl_s": 5}
    lists = DigestCost(LIST, 3.8, 9_600.0, 80.0, 0.0)
    slow = with_below(
        slow, digests={LIST: lists}, classes={"todo.list": ClassCost("todo.list", 0.7, 0.5, 8800.0)}
    )
    return replace(slow, knobs=knobs)


def small_pool(run: Figures) -> Figures:
    slow = slower(run, response("todo.list", 1.8) | response("todo.search", 1.5) | response("all", 1.7))
    slow = with_part(with_part(slow, "todo.list", "pool", 7.5), "todo.search", "pool", 8.0)
    knobs = run.knobs | {"api.pool_size": 3}
    pools = {"replica": PoolUse("replica", 3.0, 2.9, 7600.0, 0.0)}
    return replace(with_below(slow, pools=pools), knobs=knobs)


def slow_procedure(run: Figures) -> Figures:
    return with_part(
        slower(run, response("todo.list", 1.25) | response("all", 1.1)), "todo.list", "other", 2.0
    )


def test_a_dropped_index_is_named_with_its_endpoint() -> None:
    result = duel(without_index)
    first = result.causes[0]
    assert result.verdict == "fail"
    assert first.subject == "todo.search"
    assert first.text.startswith("todo.search takes 38")
    assert "ms of it in database calls" in first.text
    assert "using no index where the baseline used one" in first.text
    assert "FROM todo WHERE team_id" in first.text
    assert first.text in result.sentence


def test_missing_rows_statistics_still_point_at_the_index() -> None:
    def scanned(run: Figures) -> Figures:
        slow = without_index(run)
        return with_below(slow, digests={SEARCH: DigestCost(SEARCH, 0.25, 10_400.0, 25_000.0, 0.0)})

    assert "as if an index were missing" in duel(scanned).causes[0].text


def test_a_dropped_index_is_found_by_the_rows_read_where_times_are_too_noisy_to_tell() -> None:
    def disturbed(seed: int) -> Figures:
        noisy, calm = healthy(seed, noise=0.4), healthy(seed)
        steady = {key: calm.values[key] for key in (("all", "db_rows"), ("all", "db_calls"))}
        return replace(noisy, values=noisy.values | steady)

    course, seed = Duel(), 0
    while course.next() is not None:
        seed += 2
        waiting = with_part(disturbed(seed + 1), "todo.search", "db", 38.0)
        worse = with_below(waiting, digests=without_index(waiting).below.digests)
        rows = {("all", "db_rows"): 450 * worse.values["all", "db_rows"]}
        course.observe(disturbed(seed), replace(worse, values=worse.values | rows))
    result = course.decision()
    assert result.find("all", "typical").verdict != "fail"
    assert result.verdict == "fail"
    assert result.sentence.startswith("Worse: rows read per request 55")
    assert "todo.search waits 37" in result.sentence
    assert "using no index where the baseline used one" in result.sentence


def untold(classes: dict[str, tuple[ClassCost, ClassCost]]) -> DuelResult:
    """A dropped index where no endpoint tells its parts; classes of key of the baseline and the candidate."""
    course, seed = Duel(), 0
    while course.next() is not None:
        seed += 2
        before, after = healthy(seed), without_index(healthy(seed + 1))
        sides = [
            replace(
                with_below(run, classes={name: both[side] for name, both in classes.items()}), parts_ms={}
            )
            for side, run in enumerate((before, after))
        ]
        course.observe(*sides)
    return course.decision()


SEARCHES = (
    ClassCost("todo.search", 0.5, 0.24, 1200.0),
    ClassCost("todo.search", 0.5, 0.26, 9900.0),
)
LISTS = ClassCost("todo.list", 0.7, 0.06, 1200.0), ClassCost("todo.list", 0.7, 0.06, 20_000.0)


def test_where_no_endpoint_tells_its_parts_the_class_whose_misses_call_the_statement_is_named() -> None:
    text = untold({"todo.search": SEARCHES, "todo.list": LISTS}).causes[0].text
    assert text.startswith("lookups of todo.search in the cache")
    assert "using no index where the baseline used one" in text


def test_a_statement_that_no_class_of_key_is_known_to_call_stands_by_itself() -> None:
    causes = untold({"todo.list": LISTS}).causes
    assert causes[0].kind == "statement"
    told = next(cause for cause in causes if cause.kind == "key class")
    assert told.text == "lookups of todo.list in the cache take 28.6 ms instead of 1.71 ms."


def test_a_statement_names_its_caller_where_lookups_did_not_surely_take_longer() -> None:
    first = untold({"todo.search": (SEARCHES[0], SEARCHES[0])}).causes[0]
    assert first.kind == "statement"
    assert first.text.endswith(", called by todo.search.")


def test_a_statement_is_not_given_to_one_of_two_classes_that_miss_as_often() -> None:
    twins = {"todo.search": SEARCHES, "event.range": (replace(SEARCHES[0], name="event.range"),) * 2}
    assert untold(twins).causes[0].kind == "statement"


def test_a_statement_is_told_by_what_adds_most_to_its_time() -> None:
    def slow_and_a_little_more_often(run: Figures) -> Figures:
        slow = DigestCost(SEARCH, 0.35, 40_000.0, 9e3, 0.0)
        return with_below(without_index(run), digests={SEARCH: slow})

    assert "each call takes 114 ms instead of 3.56 ms" in duel(slow_and_a_little_more_often).causes[0].text


def test_a_short_time_to_live_is_told_by_its_hit_ratio() -> None:
    result = duel(short_ttl)
    first = result.causes[0]
    assert result.verdict == "fail"
    assert first.subject == "todo.list"
    assert "hit ratio, application, query 91% → 61.9%" in first.text
    assert "3.08 more database calls per request" in first.text
    assert "lookups of todo.list in the cache hit 28.6% instead of 91.4%" in first.text
    others = [cause.text for cause in result.causes[1:]]
    assert any("the candidate makes 3.1 more SELECTs per request" in text for text in others)
    assert "knob cache.ttl_s: 3600 → 5." in others


def test_a_small_pool_is_told_by_its_wait() -> None:
    result = duel(small_pool)
    first = result.causes[0]
    assert result.verdict == "fail"
    assert first.kind == "endpoint"
    assert "waiting for a pool connection" in first.text
    assert "of the replica pool" in first.text
    assert "2.9 of 3 in use (the baseline has 10)" in first.text


def test_a_slow_procedure_is_told_by_what_no_part_explains() -> None:
    result = duel(slow_procedure)
    assert result.verdict == "fail"
    assert result.causes[0].subject == "todo.list"
    assert "ms of it in no reported part" in result.causes[0].text


def test_a_statement_that_is_slower_by_chance_is_not_named_beside_the_cause() -> None:
    random = np.random.default_rng(5)

    def by_chance(run: Figures) -> Figures:
        slow = DigestCost(LIST, 0.7, 2000.0 * float(np.exp(random.normal(0.3, 0.3))), 15.0, 0.0)
        return with_below(slow_procedure(run), digests={LIST: slow})

    causes = duel(by_chance).causes
    assert [cause.kind for cause in causes] == ["endpoint"]
    assert "FROM todo" not in causes[0].text


def test_a_statement_that_is_slower_because_all_are_is_not_named() -> None:
    def all_slower(run: Figures) -> Figures:
        costs = {text: replace(one, time_us=one.time_us * 1.5) for text, one in run.below.digests.items()}
        return with_below(slow_procedure(run), digests=costs)

    assert [cause.kind for cause in duel(all_slower).causes] == ["endpoint"]


def test_a_statement_of_little_weight_is_told_apart_from_the_endpoint() -> None:
    def a_little(run: Figures) -> Figures:
        return with_below(slow_procedure(run), digests={LIST: DigestCost(LIST, 0.7, 2250.0, 60.0, 0.0)})

    first, second = duel(a_little).causes
    assert (first.subject, second.kind) == ("todo.list", "statement")
    assert "FROM todo" not in first.text


def test_identical_systems_have_no_causes() -> None:
    assert duel(lambda run: run).causes == []
