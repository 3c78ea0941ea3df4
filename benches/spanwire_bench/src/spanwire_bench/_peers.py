"""Whom spanwire is compared with: what of them is here, in which version, and how it is started.

Python's are packages that some interpreter has; the others are programs that ``make bench-peers`` builds from ``benches/peers``.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spanwire_bench.suite import _sides

__all__ = [
    "LOOSE",
    "PACKAGES",
    "PEERS",
    "PROGRAMS",
    "Package",
    "Unasked",
    "built",
    "folder",
    "makes",
    "missing",
    "note",
    "program",
    "told",
    "versions",
]


@dataclass(frozen=True, slots=True)
class Package:
    """One of Python's: what must be importable, and how it is installed."""

    modules: tuple[str, ...]
    packages: str


PACKAGES = {
    "fastotel": Package(("fastotel",), "fastotel==0.9.1"),
    "ddtrace": Package(("ddtrace", "msgpack"), "ddtrace==4.16.0 msgpack"),
}
PROGRAMS = _sides.PEERS
LOOSE = ("ddtrace", "fastrace")
"""Whose spans have names and texts, but neither kinds nor types as OTLP has them."""
PEERS = (*PACKAGES, *PROGRAMS)

_WORKLOADS = ("W5", "W10")  # of the programs: nothing replays a recording there
_BUILT = pathlib.Path("build/peers")
_CHECKOUT = pathlib.Path(__file__).resolve().parents[4]  # if this package is not installed elsewhere
_OTHERWISE_WRITTEN = {"opentelemetry-rust-builder": ("opentelemetry-rust", "-builder")}
"""Sides that are a peer's program with its workloads written in another way: whose, and what is appended to a workload's name."""
_NOTES = {
    "ddtrace": "Datadog's format: attributes are text (numbers: floats); batches of its own: it counts bytes and time, not spans",
    "opentelemetry-rust-builder": "all attributes given to the span builder at once, where the others have a call for each",
    "fastrace": "attributes are text; batches of its own: what its collector finds at a time",
}


class Unasked(Exception):
    """The interpreter that is to have the packages does not run; the text says why."""


def missing(sides: Sequence[str], python: str) -> dict[str, str]:
    """Of the peers among ``sides`` those that are not here, and what to do about it. Raises Unasked.

    :param python: the interpreter that has the packages.
    """
    asked = {side: PACKAGES[side].modules for side in sides if side in PACKAGES}
    found: dict[str, bool] = _ask(
        python,
        "from importlib.util import find_spec\n"
        "answer = {name: all(map(find_spec, modules)) for name, modules in asked.items()}",
        asked,
    )
    absent = {name: f"make bench-peers, or pip install {PACKAGES[name].packages}" for name in asked if not found[name]}
    absent |= {
        side: f"not built, {program(side).absolute()} is missing: make bench-peers"
        for side in sides
        if side in PROGRAMS and not program(side).exists()
    }
    return {side: absent[side] for side in sides if side in absent}


def versions(sides: Sequence[str], python: str) -> dict[str, str]:
    """Of the peers among ``sides``, which are here. Raises Unasked."""
    packages: dict[str, str] = _ask(
        python,
        "from importlib.metadata import version\nanswer = {name: version(name) for name in asked}",
        [side for side in sides if side in PACKAGES],
    )
    return packages | {
        side: program(side).with_name("version").read_text(encoding="utf-8").strip()
        for side in sides
        if side in PROGRAMS
    }


def program(side: str) -> pathlib.Path:
    """What ``benches/peers/SIDE/build`` makes; it takes the arguments that ``benches/peers/README.md`` lists."""
    return built(_BUILT / folder(side) / "run")


def built(path: pathlib.Path) -> pathlib.Path:
    """What ``make`` puts there: of the checkout that this package lies in, else of the folder that the command is typed in."""
    places = [_CHECKOUT / path, path] if (_CHECKOUT / "benches" / "peers").is_dir() else [path]
    return next((place for place in places if place.exists()), places[0])


def folder(side: str) -> str:
    """Of ``benches/peers``: several sides may be one program."""
    return _OTHERWISE_WRITTEN.get(side, (side, ""))[0]


def told(side: str, workload: str) -> str:
    """The workload, as that side's program is told of it."""
    return workload + _OTHERWISE_WRITTEN.get(side, (side, ""))[1]


def makes(side: str, workload: str) -> bool:
    """Whether that side can make that workload."""
    return side not in PROGRAMS or workload in _WORKLOADS


def note(side: str) -> str:
    """What a reader has to know of it beside the others' figures."""
    return _NOTES.get(side, "")


def _ask(python: str, code: str, asked: Any) -> Any:
    """What ``code``, given ``asked``, finds as ``answer``; it is not asked about nothing."""
    if not asked:
        return {}
    code = f"import json, sys\nasked = json.loads(sys.argv[1])\n{code}\nprint(json.dumps(answer))"
    try:
        done = subprocess.run([python, "-c", code, json.dumps(asked)], capture_output=True, text=True, check=False)
    except OSError as error:
        raise Unasked(f"{python} does not run: {error.strerror}") from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise Unasked(f"{python} does not run: {last}")
    return json.loads(done.stdout)
