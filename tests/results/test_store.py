import sqlite3
from pathlib import Path

import pytest

from results import (
    Account,
    Digest,
    Endpoint,
    Event,
    Flow,
    Gap,
    HarnessError,
    Histogram,
    Interval,
    LogGroup,
    Part,
    RunWriter,
    Sample,
    open_run,
    schema,
)
from results.wire import Decoder, encode

INFO = {
    "id": "r1",
    "scenario": "s.py",
    "target": "t",
    "started_at": "2026-11-24T00:00:00+00:00",
    "warmup_s": 1,
}
LIST = Endpoint("todo.list", "trpc")
LOGIN = Endpoint("auth.signIn", "trpc", setup=True)


def piece(second: int, latencies_us: list[int], endpoint: Endpoint = LIST) -> Interval:
    service = Histogram.from_values_us(latencies_us)
    return Interval(second, "g0", endpoint, service, service.copy(), bytes_received=10)


def written(folder: Path) -> Path:
    late = Interval(
        1,
        "g0",
        LIST,
        Histogram.from_values_us([100]),
        Histogram.from_values_us([5000]),
        failed=1,
        errors={"timeout": (1, "slow")},
        parts={"db": Part(2, 30.0, 20.0)},
    )
    with RunWriter(folder / "run.db", **INFO, stages="5/s for 3s", slos="p99 < 1 s") as writer:
        writer.add_intervals([piece(0, [100, 200]), late, piece(0, [70_000], LOGIN)])
        writer.add_intervals([piece(0, [300])])
        writer.add_flows([Flow(0, "g0", 3, 3, 3), Flow(2, "g0")])
        writer.set_account("g0", Account(4, 3, 1, 0, 0))
        writer.add_samples(
            [
                Sample(0, "lb", "haproxy", "requests", 5, "counter"),
                Sample(2, "lb", "haproxy", "requests", 9, "counter"),
            ]
        )
        writer.add_events([Event(1.5, "fault", "web1 down", "web", "web1", {"pid": 3})])
        writer.add_gaps([Gap("replica", "replica", 1, 2, "no answer")])
        writer.add_digests([Digest("primary", "primary", "SELECT ?", 3, 12.5)])
        writer.add_logs([LogGroup("api", "api1", "error", "boom #", 2, 1.0, "boom 1")])
    return folder


def test_everything_written_is_read_back(tmp_path: Path) -> None:
    run = open_run(written(tmp_path))
    assert (run.state, run.duration_s, run.warmup_s, run.account) == (
        "finished",
        3.0,
        1.0,
        Account(4, 3, 1, 0, 0),
    )
    assert run.endpoints == [LIST, LOGIN]
    assert [slo.text for slo in run.slos] == ["p99 < 1 s"]
    assert run.events == [Event(1.5, "fault", "web1 down", "web", "web1", {"pid": 3})]
    assert run.gaps[0].reason == "no answer"
    assert run.digests[0].calls == 3
    assert run.logs[0].lines == 2
    assert run.flows[0].scheduled == 3
    (series,) = run.series("lb")
    assert series.increase == 4
    assert series.rate_per_s().values.tolist() == [2.0]


def test_pieces_of_one_second_add_up_and_setup_is_left_out(tmp_path: Path) -> None:
    run = open_run(written(tmp_path))
    assert run.merged(end_s=1) == Histogram.from_values_us([100, 200, 300])
    assert run.merged(setup=True).count == 5


def test_service_and_response_time_are_two_columns(tmp_path: Path) -> None:
    run = open_run(written(tmp_path))
    assert run.merged(start_s=1, which="service").max_us == 100
    assert run.merged(start_s=1).max_us == pytest.approx(5000, rel=0.004)


def test_errors_and_parts_stay_with_their_second(tmp_path: Path) -> None:
    (late,) = open_run(written(tmp_path)).intervals("todo.list", 1, 2)
    assert late.errors == {"timeout": (1, "slow")}
    assert late.parts == {"db": Part(2, 30.0, 20.0)}


def test_errors_and_parts_of_several_pieces_of_a_second_add_up(tmp_path: Path) -> None:
    """A request that began in a second and ended in a later one comes in a piece of its own."""
    writer = RunWriter(tmp_path / "run.db", **INFO)
    for text, part in (("first", Part(2, 30.0, 20.0)), ("second", Part(1, 50.0, 50.0))):
        late = piece(0, [100])
        late.failed, late.errors, late.parts = 1, {"timeout": (1, text)}, {"db": part}
        writer.add_intervals([late])
    writer.close("finished")
    told = list(open_run(tmp_path).intervals())
    assert [each.errors for each in told if each.errors] == [{"timeout": (2, "first")}]
    assert [each.parts for each in told if each.parts] == [{"db": Part(3, 80.0, 50.0)}]


def test_a_writer_that_was_killed_leaves_what_it_committed(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "run.db", **INFO)
    writer.add_intervals([piece(0, [100])])
    writer.commit()
    writer.add_intervals([piece(1, [100])])
    run = open_run(tmp_path)
    assert (run.merged().count, run.state) == (1, "running")


def test_a_run_has_its_name_only_when_it_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, create, there_too_early = tmp_path / "run.db", schema.create, []

    def watched(connection: sqlite3.Connection) -> None:
        create(connection)
        there_too_early.append(path.exists())

    monkeypatch.setattr(schema, "create", watched)
    with RunWriter(path, **INFO):
        run = open_run(path)
        assert (run.id, run.state) == ("r1", "running")
    assert there_too_early == [False]
    assert not list(tmp_path.glob("*.new*"))


def test_a_run_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = written(tmp_path) / "run.db"
    before = path.read_bytes()
    with pytest.raises(HarnessError, match=r"run\.db is there already"):
        RunWriter(path, **INFO)
    assert path.read_bytes() == before


def test_a_reader_at_the_end_does_not_disturb_the_writer(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "run.db", **INFO)
    writer.add_intervals([piece(0, [100])])
    writer.commit()
    reader = open_run(tmp_path)
    assert next(reader.intervals()).count == 1
    writer.close()
    assert open_run(tmp_path).state == "finished"


def test_a_full_disk_is_said_in_one_line_and_keeps_what_was_stored(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "run.db", **INFO)
    writer.add_events([Event(0, "stage", "began")])
    writer.commit()
    writer._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(HarnessError, match="the disk is full") as said:
        writer.add_events([Event(1, "note", "x" * 5000)] * 200)
    assert "\n" not in str(said.value)
    assert open_run(tmp_path).events[0].text == "began"


def test_a_run_of_the_first_schema_is_read_as_ever(tmp_path: Path) -> None:
    folder = written(tmp_path)
    today = open_run(folder)
    flows, duration_s = today.flows, today.duration_s
    with sqlite3.connect(folder / "run.db") as connection:
        connection.execute("ALTER TABLE flow DROP COLUMN span_s")
        connection.execute("PRAGMA user_version = 1")
    assert flows
    assert open_run(folder).flows == flows
    assert open_run(folder).duration_s == duration_s


def test_a_newer_schema_is_refused_with_advice(tmp_path: Path) -> None:
    folder = written(tmp_path)
    with sqlite3.connect(folder / "run.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(HarnessError, match="newer harness"):
        open_run(folder)


@pytest.mark.parametrize("content", [b"not a database at all, just words" * 100, b""])
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.db").write_bytes(content)
    with pytest.raises(HarnessError, match="not a run.db"):
        open_run(tmp_path)


def test_a_run_that_does_not_exist_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="harness runs"):
        open_run(tmp_path / "nothing")


def test_frames_survive_any_split_on_the_wire() -> None:
    frames = [piece(3, [5, 900]).to_frame(), Flow(3, "g0", 1, 1).to_frame()]
    stream = b"".join(map(encode, frames))
    for size in (1, 3, 7, len(stream)):
        decoder, got = Decoder(), []
        for start in range(0, len(stream), size):
            got += decoder.feed(stream[start : start + size])
        assert [Interval.from_frame(got[0]), Flow.from_frame(got[1])] == [
            piece(3, [5, 900]),
            Flow(3, "g0", 1, 1),
        ]


def test_a_frame_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(HarnessError, match="frame of"):
        Decoder().feed(b"\xff\xff\xff\xff")
