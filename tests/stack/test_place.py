import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stack.errors import SettingError, StackError
from stack.place import Place
from stack.ports import SLOTS, holder, is_free

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_STATE", str(tmp_path / ("long" * 40)))


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "x" * 32, "-x"])
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(SettingError):
        Place(name)


def test_what_is_written_only_its_owner_can_read() -> None:
    place = Place("a")
    place.make()
    assert place.write("secret", "x").stat().st_mode & 0o777 == 0o600
    assert place.folder.stat().st_mode & 0o777 == 0o700
    assert place.sockets.stat().st_mode & 0o777 == 0o700
    place.sockets.rmdir()


def test_socket_paths_stay_under_the_kernels_limit_however_long_the_checkouts_path_is() -> None:
    assert len(str(Place("a").sockets / "supervisord.sock.123456")) < 107


def test_credentials_are_kept_and_differ_between_stacks() -> None:
    one, two = Place("one"), Place("two")
    for place in (one, two):
        place.make()
    assert one.credentials() == one.credentials()
    assert not set(one.credentials().values()) & set(two.credentials().values())
    for place in (one, two):
        place.sockets.rmdir()


def test_a_file_whose_writing_was_cut_off_counts_as_absent() -> None:
    place = Place("a")
    place.make()
    place.write("settings.json", '{"half": ')
    assert place.read_json("settings.json") == {}
    place.sockets.rmdir()


def test_ports_lie_below_those_that_the_kernel_hands_out() -> None:
    assert max(SLOTS) + 100 < 32768


def test_a_taken_port_is_told_with_who_holds_it() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        assert not is_free(port)
        assert "python" in holder(port) or "pytest" in holder(port)
    assert is_free(port)


def test_ports_that_another_stack_has_are_not_given_again_whether_it_runs_or_not() -> None:
    one, two = Place("one"), Place("two")
    for place in (one, two):
        place.folder.mkdir(parents=True)
    with one.own_ports(0) as first:
        pass
    with two.own_ports(0) as second:
        assert second.base > first.base
    with one.own_ports(0) as again:
        assert again == first
    assert one.ports(0) == first


_ELSEWHERE = """
import sys
from stack.place import Place
place = Place("one")
place.folder.mkdir(parents=True)
with place.own_ports(0) as ports:
    print(ports.base, flush=True)
    sys.stdin.read()
"""


def elsewhere(state: Path) -> subprocess.Popen[str]:
    """A process of another checkout that brings a stack up, as far as its ports go."""
    return subprocess.Popen(
        [sys.executable, "-c", _ELSEWHERE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "HARNESS_STATE": str(state)},
    )


def test_stacks_that_come_up_at_once_from_different_checkouts_take_different_ports(tmp_path: Path) -> None:
    together = [elsewhere(tmp_path / str(number)) for number in range(4)]
    bases = [int(one.stdout.readline()) for one in together if one.stdout]
    assert len(set(bases)) == 4
    for one in together:
        one.communicate("")
    assert [one.returncode for one in together] == [0] * 4


def test_ports_of_an_up_that_was_killed_are_free_again(tmp_path: Path) -> None:
    killed = elsewhere(tmp_path / "killed")
    assert killed.stdout is not None
    base = int(killed.stdout.readline())
    place = Place("two")
    place.folder.mkdir(parents=True)
    with pytest.raises(StackError, match=rf"at work on ports {base} to {base + 99}"), place.own_ports(base):
        pass
    killed.kill()
    killed.communicate()
    with place.own_ports(base) as ports:
        assert ports.base == base


def test_looking_at_a_stack_that_never_came_up_chooses_no_ports_for_it() -> None:
    place = Place("a")
    place.folder.mkdir(parents=True)
    place.ports(0)
    assert not (place.folder / "ports.json").exists()
