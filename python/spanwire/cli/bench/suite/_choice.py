"""Which scenarios and which sides a run has, from the names that somebody typed."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spanwire.cli.bench.suite._scenario import Scenario
from spanwire.cli.bench.suite._sides import PEERS, SIDES

__all__ = [
    "ALL",
    "DEFAULT_SIDES",
    "PEER_SCENARIOS",
    "PYTHON_PEERS",
    "BadName",
    "Sides",
    "available",
    "peer_python",
    "scenarios",
    "sides",
]

ALL = "all"
DEFAULT_SIDES = ("sdk", "exporter", "spanwire")
PYTHON_PEERS = ("fastotel", "ddtrace")
PEER_SCENARIOS = ("export/W5", "export/W10")
"""What ``--peers`` means without a name: the others do nothing else."""
_PEERS_ENVIRONMENT = pathlib.Path("build/peers-venv/bin/python")


class BadName(Exception):
    """Nothing has that name; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Those to measure, and those that were asked for and are not there, with what to do about it."""

    names: tuple[str, ...]
    left_out: dict[str, str]


def scenarios(there: Sequence[Scenario], asked: Iterable[str], *, peers: bool = False) -> list[Scenario]:
    """In the catalogue's order. A name is a scenario's, or what several begin with (``export``, ``create/``), or ``all``.

    Without a name: all, or what the peers can do where they are asked for. Raises BadName.
    """
    names = [name.strip() for name in asked if name.strip()]
    if not names:
        return [one for one in there if not peers or one.name in PEER_SCENARIOS]
    found: set[str] = set()
    for name in names:
        matching = _matching(there, name)
        if not matching:
            known = ", ".join(one.name for one in there)
            raise BadName(f"no scenario {name}; there are {known}")
        found |= matching
    return [one for one in there if one.name in found]


def _matching(there: Sequence[Scenario], name: str) -> set[str]:
    """An exact name is that alone: ``export/W5`` is not ``export/W50`` too."""
    names = {one.name.lower(): one.name for one in there}
    wanted = name.lower()
    if wanted == ALL:
        return set(names.values())
    if wanted in names:
        return {names[wanted]}
    return {real for low, real in names.items() if low.startswith(wanted)}


def sides(asked: Iterable[str], *, peers: bool = False) -> list[str]:
    """In the order of ``SIDES``; each name may be several with commas between. Raises BadName."""
    names = [name.strip().lower() for several in asked for name in several.split(",") if name.strip()]
    unknown = [name for name in names if name not in SIDES]
    if unknown:
        raise BadName(f"no side {', '.join(unknown)}; there are {', '.join(SIDES)}")
    wanted = {*(names or DEFAULT_SIDES), *((*PYTHON_PEERS, *PEERS) if peers else ())}
    return [side for side in SIDES if side in wanted]


def peer_python(asked: str | None = None) -> str:
    """The interpreter that has fastotel and ddtrace: what was asked for, else what ``make bench-peers`` made, else this one."""
    return asked or (str(_PEERS_ENVIRONMENT) if _PEERS_ENVIRONMENT.exists() else sys.executable)


def available(wanted: Sequence[str], python: str) -> Sides:
    """Which of them can be measured. Raises BadName if ``python`` does not run."""
    from spanwire.cli.bench import _delivery

    left_out: dict[str, str] = {}
    try:
        for side in _delivery.missing_peers([side for side in wanted if side in PYTHON_PEERS], python):
            left_out[side] = f"make bench-peers, or pip install {_delivery.PEERS[side].packages}"
    except _delivery.Lost as error:
        raise BadName(str(error)) from None
    return Sides(tuple(side for side in wanted if side not in left_out), left_out)
