"""Which processor sends and which receives: two cores where there are two, and not two threads of one."""

from __future__ import annotations

import pathlib

from spanwire_bench._measure import cores

__all__ = ["apart", "pinning"]

_TOPOLOGY = pathlib.Path("/sys/devices/system/cpu")


def apart() -> tuple[int, int] | tuple[None, None]:
    """Of those that this process may use, one for the sender and one for the receiver; None where there is one in all."""
    mine = cores()
    if len(mine) < 2:
        return None, None
    sender = mine[-1]
    shared = _threads_of_its_core(sender)
    return sender, next((core for core in mine if core not in shared), mine[0])


def pinning(sender: int | None, receiver: int | None) -> str:
    """In words, for whoever reads a result."""
    if sender is None or receiver is None:
        return "none: there is one core, so sender and receiver share it"
    if receiver in _threads_of_its_core(sender):
        return "sender and receiver on two threads of one core: they slow each other down, and there is no other"
    return "sender and receiver on cores of their own"


def _threads_of_its_core(core: int) -> set[int]:
    """The processors that are one core with it, itself among them; it alone where the system does not say."""
    try:
        listed = (_TOPOLOGY / f"cpu{core}" / "topology" / "thread_siblings_list").read_text(encoding="ascii")
        found: set[int] = set()
        for part in listed.strip().split(","):
            first, _, last = part.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    except (OSError, ValueError):
        return {core}
    return found | {core}
