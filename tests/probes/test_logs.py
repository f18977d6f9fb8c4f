"""Warnings and errors of log files: the run's window alone, grouped, without credentials."""

from pathlib import Path

from probes.from_target import sampler_for


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
