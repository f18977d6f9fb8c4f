"""Warnings and errors of log files: the run's window alone, grouped, without credentials."""

import time
from pathlib import Path

from probes.from_target import sampler_for
from probes.logs import LogProbe


def test_lines_of_the_window_are_grouped_and_counted_and_show_no_credential(tmp_path: Path) -> None:
    log = tmp_path / "api1.log"
    log.write_text("ERROR before the run\n")
    planted = "planted-Secret-77"
    target = {
        "primary": {"host": "127.0.0.1", "port": 1, "user": "u", "password": planted, "database": "d"},
        "processes": [],
        "logs": {"api1": str(log)},
    }
    sampler = sampler_for(target)
    with log.open("a") as file:
        file.write(f"ERROR: login u:{planted} failed after 12 ms\n")
        file.write(f"ERROR: login u:{planted} failed after 345 ms\n")
        file.write("WARNING: pool is full\nINFO: all is well\n")
    groups = sampler.finish().logs
    assert [(group.level, group.lines) for group in groups] == [("error", 2), ("warning", 1)]
    assert groups[0].sample == "ERROR: login u:*** failed after 12 ms"
    assert not any("planted" in group.text or "Secret" in group.text for group in groups)


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert sampler_for({"logs": {"api1": str(tmp_path / "none.log")}}).finish().logs == []


def test_a_group_begins_in_the_second_in_which_its_first_line_was_written(tmp_path: Path) -> None:
    log = tmp_path / "api1.log"
    log.touch()
    probe = LogProbe("api", "api1", str(log))
    for second in range(5):
        with log.open("a") as file:
            file.write("INFO: all is well\n" if second < 3 else f"ERROR: {second} went wrong\n")
        probe.look(float(second))
    (group,) = probe.groups()
    assert (group.first_s, group.lines) == (3, 2)


def test_during_a_run_the_sampler_notes_the_second_of_a_line(tmp_path: Path) -> None:
    log = tmp_path / "api1.log"
    log.touch()
    sampler = sampler_for({"logs": {"api1": str(log)}})
    began = time.monotonic()
    sampler.start(began)
    time.sleep(max(began + 2.3 - time.monotonic(), 0))
    with log.open("a") as file:
        file.write("ERROR: in the third second\n")
    wrote_s = time.monotonic() - began
    deadline = began + 30
    while time.monotonic() - began < wrote_s + 1.5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sampler.stop()
    (group,) = sampler.finish().logs
    assert abs(group.first_s - wrote_s) < 2


def test_a_half_written_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "api1.log"
    log.touch()
    probe = LogProbe("api", "api1", str(log))
    with log.open("a") as file:
        file.write("ERROR: the first half ")
        file.flush()
        probe.look(1)
        assert probe.groups() == []
        file.write("and the second\n")
    probe.look(2)
    assert [group.sample for group in probe.groups()] == ["ERROR: the first half and the second"]
