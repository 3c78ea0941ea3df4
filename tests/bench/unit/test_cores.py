"""Sender and receiver are on two cores, not on two threads of one, where the machine has two."""

from collections.abc import Callable
from pathlib import Path

import pytest

from spanwire_bench import _cores

Machine = Callable[..., None]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Takes what the system lists of each processor."""

    def make(**siblings: str) -> None:
        for name, listed in siblings.items():
            folder = tmp_path / name / "topology"
            folder.mkdir(parents=True)
            (folder / "thread_siblings_list").write_text(listed + "\n", encoding="ascii")
        monkeypatch.setattr(_cores, "_TOPOLOGY", tmp_path)
        monkeypatch.setattr(_cores, "cores", lambda: sorted(int(name.removeprefix("cpu")) for name in siblings))

    return make


def test_threads_of_the_senders_core_do_not_receive(machine: Machine) -> None:
    machine(cpu0="0,3", cpu1="1-2", cpu2="1-2", cpu3="0,3")
    assert _cores.apart() == (3, 1)
    assert _cores.pinning(3, 1) == "sender and receiver on cores of their own"


def test_two_threads_of_one_core_are_said_to_be_that(machine: Machine) -> None:
    machine(cpu0="0-1", cpu1="0-1")
    assert _cores.apart() == (1, 0)
    assert "two threads of one core" in _cores.pinning(1, 0)


@pytest.mark.parametrize("listed", ["", "not a list", "1-"])
def test_what_the_system_lists_may_be_no_list(listed: str, machine: Machine) -> None:
    machine(cpu0=listed, cpu1=listed)
    assert _cores.apart() == (1, 0)
    assert _cores.pinning(1, 0) == "sender and receiver on cores of their own"


def test_a_machine_that_lists_nothing_has_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cores, "_TOPOLOGY", tmp_path)
    monkeypatch.setattr(_cores, "cores", lambda: [2, 5, 7])
    assert _cores.apart() == (7, 2)


@pytest.mark.parametrize("mine", [[], [4]])
def test_one_core_is_shared(mine: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cores, "cores", lambda: mine)
    assert _cores.apart() == (None, None)
    assert "one core" in _cores.pinning(None, None)
