import socket
from pathlib import Path

import pytest

from stack.errors import SettingError
from stack.place import Place
from stack.ports import SLOTS, first_free_slot, holder, is_free


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


def test_a_slot_that_another_stack_has_is_not_given_again() -> None:
    first = first_free_slot(set())
    assert first_free_slot({first}) > first
