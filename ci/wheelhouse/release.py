"""``ci/wheels release-check``: a release in rehearsal. Nothing is tagged, changed or sent; every check is a line, and the status is 1 if one fails."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from buildtools.origin import origin
from ci.wheelhouse import check, table
from ci.wheelhouse.build import OUT, ROOT, TARGETS, WORK
from ci.wheelhouse.pythons import asked, find, missing

__all__ = ["CHECKS", "main"]

_PYTHON = ROOT / ".venv" / "bin" / "python"
_README = """
from pathlib import Path
from benches import readme
text = Path("README.md").read_text(encoding="utf-8")
assert readme.written(text, readme.named(text)) == text, "make bench-readme"
page = Path("docs/performance.md").read_text(encoding="utf-8")
assert readme.performance_written(page, readme.named(page)) == page, "make bench-readme"
print(readme.named(text).name)
"""


class Failed(Exception):
    """A check that does not hold, with what to do about it."""


def main(arguments: list[str]) -> int:
    """Run every check; with ``fresh`` only ask whether wheelhouse/ has the wheels of this commit."""
    if arguments == ["fresh"]:
        return int(_is_stale())
    failed = False
    print(f"release of spanwire {_version()}, in rehearsal")
    for title, one in CHECKS.items():
        try:
            verdict, said = "ok", one()
        except Failed as error:
            verdict, said, failed = "FAILED", str(error), True
        print(f"  {title:<22} {verdict:<7} {said}", flush=True)
    return int(failed)


def _version() -> str:
    return _first(r'^version = "(.+)"', "pyproject.toml")


def _first(pattern: str, name: str) -> str:
    found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise Failed(f"{name} has no {pattern}")
    return found[1]


def _out(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command[:4]))}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout.strip()


def version_is_one() -> str:
    """pyproject.toml's is what the crates, the lock file and the built package have."""
    wanted = _version()
    others = {
        "native/Cargo.toml": _first(r'^\[workspace\.package\]\nversion = "(.+)"', "native/Cargo.toml"),
        "native/Cargo.lock": _first(r'^name = "spanwire-bindings"\nversion = "(.+)"', "native/Cargo.lock"),
        "spanwire.__version__": _out(_PYTHON, "-c", "import spanwire; print(spanwire.__version__)"),
    }
    if different := [f"{name} has {found}" for name, found in others.items() if found != wanted]:
        raise Failed(f"pyproject.toml has {wanted}, {', '.join(different)}")
    return f"{wanted} in pyproject.toml, {', '.join(others)}"


def changelog_has_it() -> str:
    """The newest heading is this version's, or changes are collected for it."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, rest = text.split("\n## ", 1)[1].split("\n", 1)
    entries = len(re.findall(r"^- ", rest.split("\n## ", 1)[0], re.MULTILINE))
    if not entries:
        raise Failed(f"nothing stands under {first}")
    if re.fullmatch(rf"\[{re.escape(_version())}\] - \d{{4}}-\d\d-\d\d", first):
        return f"{first}: {entries} entries"
    if first == "[Unreleased]" and f"\n## [{_version()}]" not in text:
        return f"{entries} entries under [Unreleased], which becomes [{_version()}] - DATE"
    raise Failed(f"the first heading is {first}, and this would be {_version()}")


def tree_is_clean() -> str:
    """What is built is a commit."""
    changed = _out("git", "status", "--porcelain")
    if changed:
        raise Failed(f"commit these: {', '.join(line[3:] for line in changed.splitlines()[:5])}")
    return _out("git", "rev-parse", "HEAD")


def tag_is_free() -> str:
    """Nobody has released this version."""
    tag = f"v{_version()}"
    if _out("git", "tag", "--list", tag):
        raise Failed(f"{tag} exists: raise the version")
    return f"{tag} is free"


def readme_is_fresh() -> str:
    """README's and the performance page's tables are what the kept result gives."""
    return f"from {_out(_PYTHON, '-c', _README)}"


def _is_stale() -> bool:
    commit = origin(ROOT).commit
    rows = table.load(OUT)
    here = {python.full for python in find(asked())}
    return not here or not here <= {
        row.python for row in rows if row.commit == commit and row.runs_here and not commit.endswith("+changes")
    }


def wheels_are_built() -> str:
    """One for each Python that is here (or that PYTHONS names), of this commit, unchanged since."""
    rows = [row for row in table.load(OUT) if row.runs_here]
    if _is_stale():
        raise Failed(f"{len(rows)} wheels are there, and not one of this commit for each Python: make wheels")
    for row in rows:
        if hashlib.sha256((OUT / row.name).read_bytes()).hexdigest() != row.sha256:
            raise Failed(f"{row.name} was changed after it was built")
    absent, why = missing(find(asked())), "not asked for" if asked() else "not here"
    return f"{len(rows)}: {', '.join(row.python for row in rows)}" + (f"; {why}: {', '.join(absent)}" if absent else "")


def wheels_are_sound() -> str:
    """Each by all that ci/wheels asks of one."""
    if not table.load(OUT):
        raise Failed("there are none: make wheels")
    found: list[str] = []
    for row in table.load(OUT):
        target = next(target for target in TARGETS.values() if target.zig == row.target)
        found += check.problems(OUT / row.name, target)
    if found:
        raise Failed("; ".join(found))
    return f"{check.CHECKS}: {len(table.load(OUT))} wheels"


def build_is_reproducible() -> str:
    """One was built twice."""
    same = [row.name for row in table.load(OUT) if row.reproduced and row.runs_here]
    if not same:
        raise Failed("no wheel was built twice with the same bytes: make wheels")
    return f"{same[0]}: from an sdist and from the checkout, in two folders"


def build_is_of_one_kind() -> str:
    """All by counts, or none: the line says which (ADR 11)."""
    kinds = {row.profile_guided for row in table.load(OUT) if row.runs_here}
    if not kinds:
        raise Failed("there are none: make wheels")
    if len(kinds) != 1:
        raise Failed("some wheels are profile-guided and some are not: make wheels, with PGO=1 or without")
    return "profile-guided, both halves" if kinds.pop() else "NOT profile-guided: ADR 11 wants PGO=1 for a release"


def wheels_run() -> str:
    """In empty environments: see tests/integration/packaging."""
    said = subprocess.run(
        [_PYTHON, "-m", "pytest", "-q", "-m", "wheel"], cwd=ROOT, check=False, capture_output=True, text=True
    ).stdout
    last = said.strip().splitlines()[-1]
    if " passed" not in last or "failed" in last or "error" in last:
        raise Failed(f"pytest -m wheel: {last}")
    return last.strip("= ")


def sdist_is_sound() -> str:
    """The one that the wheels were built from."""
    found = list((WORK / "sdist").glob(f"spanwire-{_version()}.tar.gz"))
    if len(found) != 1:
        raise Failed("no sdist: make wheels")
    if problems := list(check.refused(found[0])):
        raise Failed("; ".join(problems))
    return f"{found[0].name}, {found[0].stat().st_size:,} bytes, twine --strict"


def licences_are_allowed() -> str:
    """Of every crate, by native/deny.toml."""
    said = _out(ROOT / "ci" / "deny").splitlines()
    return "; ".join(["allowed, by cargo-deny", *said[-1:]])[:120]


CHECKS: dict[str, Callable[[], str]] = {
    "version": version_is_one,
    "changelog": changelog_has_it,
    "git tree": tree_is_clean,
    "tag": tag_is_free,
    "README's figures": readme_is_fresh,
    "licences": licences_are_allowed,
    "sdist": sdist_is_sound,
    "wheels": wheels_are_built,
    "their contents": wheels_are_sound,
    "reproducible": build_is_reproducible,
    "kind of build": build_is_of_one_kind,
    "wheels, installed": wheels_run,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
