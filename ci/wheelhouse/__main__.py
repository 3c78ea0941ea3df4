"""Builds wheels for every CPython that is found, checks them, and tells in a table what came of it; docs/releasing.md."""

from __future__ import annotations

import argparse
import hashlib
import resource
import shutil
import sys
import time
import zipfile
from pathlib import Path
from typing import NoReturn

from buildtools.origin import origin
from ci.wheelhouse import bench, check, table, training
from ci.wheelhouse import build as building
from ci.wheelhouse.build import OUT, TARGETS, WORK, Target
from ci.wheelhouse.pythons import Python, asked, find, missing


def main() -> None:
    """See --help."""
    parser = argparse.ArgumentParser(prog="ci/wheels", description=__doc__)
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        help="a path or a version (3.12); all that are found, or those in PYTHONS",
    )
    parser.add_argument(
        "--target", action="append", choices=list(TARGETS), help="x86_64 (glibc), unless told otherwise"
    )
    parser.add_argument(
        "--twice",
        choices=["quick", "whole"],
        help="build the last one again, from the checkout in another folder; whole: with every crate compiled anew. The bytes must be the same",
    )
    parser.add_argument("--pgo", action="store_true", help="train first, and compile by the counts")
    parser.add_argument("--check", nargs="+", type=Path, metavar="WHEEL", help="only check these")
    options = parser.parse_args()
    if options.check:
        _end([problem for wheel in options.check for problem in check.problems(wheel, _target_of(wheel))])
    pythons = find([*options.python, *asked()])
    if not pythons:
        _end(["no CPython from 3.10 to 3.14 with its headers was found: name one by PYTHONS=/path/to/python"])
    _say(
        f"for CPython {', '.join(python.full for python in pythons)}; not here: {', '.join(missing(pythons)) or 'none'}"
    )
    _end(
        _build(
            pythons, [TARGETS[name] for name in options.target or ["x86_64"]], guided=options.pgo, twice=options.twice
        )
    )


def _build(pythons: list[Python], targets: list[Target], *, guided: bool, twice: str | None) -> list[str]:
    sdist = building.make_sdist(WORK / "sdist")
    source = building.unpack(sdist, WORK / "one" / "source")
    shutil.rmtree(WORK / "another", ignore_errors=True)
    # Now, not when its turn comes: somebody may go on working in the checkout.
    checkout = building.copy_checkout(WORK / "another" / "folder" / "checkout") if twice else None
    found = list(check.refused(sdist))
    OUT.mkdir(exist_ok=True)
    found += _build_bench(building.builder(pythons[-1]), checkout)
    for target in targets:
        profile = training.train(source, target, WORK / "profile") if guided and target.is_native else None
        for stale in OUT.glob(f"*{target.plat}*.whl"):
            stale.unlink()
        rows = table.load(OUT)
        for python in pythons:
            wheel = building.build(source, python, target, OUT, profile)
            rows.append(_row(wheel, python, target, profile is not None, origin(source).commit))
            found += check.problems(wheel, target)
            _say(wheel.name)
        if checkout is not None:
            again = building.build(
                checkout,
                pythons[-1],
                target,
                WORK / "another" / "out",
                profile,
                WORK / "another" if twice == "whole" else None,
            )
            _say(f"{again.name} again, from {again.parent.parent}")
            differences = _differences(OUT / rows[-1].name, again)
            rows[-1].reproduced = not differences
            found += differences
        table.save(OUT, rows)
    table.show(table.load(OUT))
    print(f"contents: {check.CHECKS}")
    return found


def _build_bench(python: Path, checkout: Path | None) -> list[str]:
    for stale in (OUT / "bench").glob("*.whl"):
        stale.unlink()
    wheel = bench.build(WORK / "sdist-from", python, OUT / "bench")
    _say(wheel.name)
    if checkout is None:
        return []
    return _differences(wheel, bench.build(checkout, python, WORK / "another" / "out"))


def _row(wheel: Path, python: Python, target: Target, guided: bool, commit: str) -> table.Row:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return table.Row(
        wheel.name, python.full, target.zig, wheel.stat().st_size, digest, commit, guided, target.is_native
    )


def _differences(one: Path, other: Path) -> list[str]:
    if one.read_bytes() == other.read_bytes():
        return []
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        names = sorted({*first.namelist(), *second.namelist()})
        present = [name for name in names if name not in first.namelist() or name not in second.namelist()]
        content = [name for name in names if name not in present and first.read(name) != second.read(name)]
    return [
        f"two builds differ: {', '.join(present + content) or 'in order, times or rights of the archive'} ({other})"
    ]


def _target_of(wheel: Path) -> Target:
    return next((target for target in TARGETS.values() if target.plat in wheel.name), TARGETS["x86_64"])


_STARTED = time.monotonic()


def _say(text: str) -> None:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"ci/wheels {time.monotonic() - _STARTED:4.0f} s ({used.ru_utime + used.ru_stime:.0f} s of CPU): {text}",
        flush=True,
    )


def _end(problems: list[str]) -> NoReturn:
    for problem in problems:
        print(f"ci/wheels: {problem}", file=sys.stderr)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
