"""Which scenarios and which sides a run has, from the names that somebody typed."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spanwire_bench.suite import _catalogue
from spanwire_bench.suite._scenario import Scenario
from spanwire_bench.suite._sides import DEFAULT_SIDES, PEERS, SIDES

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
PYTHON_PEERS = ("fastotel", "ddtrace")
PEER_SCENARIOS = ("export/W5", "export/W10")
"""What ``--peers`` means without a name: the others do nothing else."""
# ddtrace brings a plugin into every run of pytest beside it.
_PEERS_ENVIRONMENT = pathlib.Path("build/peers-venv/bin/python")


class BadName(Exception):
    """Nothing has that name; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Those to measure, and those that were asked for and are not there, with what to do about it."""

    names: tuple[str, ...]
    left_out: dict[str, str]


def scenarios(asked: Iterable[str], *, peers: bool = False) -> list[Scenario]:
    """In the catalogue's order; whatever the case: by name, else by group, else by what names begin with; ``all``.

    Without a name: all, or what the peers can do where they are asked for. Raises BadName.
    """
    names = [name.strip() for name in asked]
    if not names:
        names = list(PEER_SCENARIOS) if peers else [ALL]
    found: set[str] = set()
    for name in names:
        matching = _matching(name.lower())
        if not matching:
            known = ", ".join(one.name for one in _catalogue.SCENARIOS)
            raise BadName(f"no scenario {name or repr(name)}; there are {known}")
        found |= matching
    return [one for one in _catalogue.SCENARIOS if one.name in found]


def _matching(name: str) -> set[str]:
    """``export/W5`` is not ``export/W50`` too, and ``export`` not ``export-gzip``; ``export-`` is."""
    every = _catalogue.SCENARIOS
    if name == ALL:
        return {one.name for one in every}
    return (
        {one.name for one in every if one.name.lower() == name}
        or {one.name for one in every if one.group == name}
        or {one.name for one in every if name and one.name.lower().startswith(name)}
    )


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
    from spanwire_bench import _peers

    made = _peers.built(_PEERS_ENVIRONMENT)
    return asked or (str(made) if made.exists() else sys.executable)


def available(wanted: Sequence[str], python: str) -> Sides:
    """Which of them can be measured. Raises BadName if ``python`` does not run."""
    from spanwire_bench import _peers

    try:
        left_out = _peers.missing(wanted, python)
    except _peers.Unasked as error:
        raise BadName(str(error)) from None
    return Sides(tuple(side for side in wanted if side not in left_out), left_out)
