"""What can be said of our dependencies without a network; and what pip-audit found, judged. ci/audit runs this.

python ci/audit.py                   names, ranges, sources, checksums and licences: fails where one is not as it should be
python ci/audit.py --installed       what comes with an installation, extras included: name==version, a line each
python ci/audit.py --judge STATUS FILE   what pip-audit said
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"
# More would be installed beside every user's program: no line here without a decision (docs/dependencies.md).
AT_RUN_TIME = {"opentelemetry-api", "opentelemetry-sdk"}
# Permissive, as native/deny.toml has it for crates: each part of an expression must be one of these.
LICENCES = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",  # numpy: tables
    "ISC",
    "MIT",
    "PSF-2.0",  # typing-extensions
    "Zlib",
}
# Of packages that say it in words or by a classifier.
SPOKEN = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def ranges(table: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the names and versions that an installation asks for."""
    run_time = [Requirement(text) for text in table["dependencies"]]
    if {one.name for one in run_time} != AT_RUN_TIME:
        yield f"run-time dependencies are {sorted(one.name for one in run_time)}, not {sorted(AT_RUN_TIME)}"
    for one in run_time:
        if not any(part.operator in ("<", "<=", "~=", "==") for part in one.specifier):
            yield f"{one.name}: any later version is taken, also the next major one"
    extras = table["optional-dependencies"]
    for one in [*run_time, *(Requirement(text) for texts in extras.values() for text in texts)]:
        if not any(part.operator in (">=", "~=", "==") for part in one.specifier):
            yield f"{one.name}: any earlier version is taken"
        if one.url:
            yield f"{one.name}: from {one.url}, not from the index"


def locks() -> list[Path]:
    """Of everything in Rust: the wheel's, the fuzz targets', the peers'."""
    return sorted(
        path
        for folder in ("native", "benches")
        for path in (ROOT / folder).rglob("Cargo.lock")
        if "target" not in path.parts
    )


def sources(name: str, text: str) -> Iterator[str]:
    """What is wrong with the crates of a Cargo.lock: others than crates.io's, or without a checksum."""
    for crate in tomli.loads(text).get("package", ()):
        what = f"{name}: {crate['name']} {crate['version']}"
        if "source" not in crate:
            if not crate["name"].startswith(("spanwire-", "peer")):
                yield f"{what} comes from a folder, and is not ours"
        elif crate["source"] != CRATES_IO:
            yield f"{what} comes from {crate['source']}"
        elif not re.fullmatch(r"[0-9a-f]{64}", crate.get("checksum", "")):
            yield f"{what} has no checksum"


def installed() -> dict[str, str]:
    """What comes with an installation with all extras, as far as it is in this environment: name to version."""
    found: dict[str, str] = {}
    table = project()
    waiting = [*table["dependencies"], *(text for texts in table["optional-dependencies"].values() for text in texts)]
    while waiting:
        one = Requirement(waiting.pop())
        name = canonicalize_name(one.name)
        if name in found or (one.marker is not None and not one.marker.evaluate({"extra": ""})):
            continue
        try:
            dist = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = dist.version
        waiting += dist.requires or []
    return dict(sorted(found.items()))


def licence(name: str) -> str:
    """As an expression; empty if a package does not say."""
    data = distribution(name).metadata
    if expression := data.get("License-Expression"):
        return str(expression)
    spoken = [text.rpartition(" :: ")[2] for text in data.get_all("Classifier") or () if text.startswith("License ::")]
    return " AND ".join(SPOKEN.get(text, text.replace(" ", "-")) for text in spoken) or str(data.get("License") or "")


def is_allowed(expression: str) -> bool:
    """Of alternatives one must be allowed, of parts all."""
    return bool(expression) and all(
        any(choice.strip("() ") in LICENCES for choice in part.split(" OR ")) for part in expression.split(" AND ")
    )


def judge(status: int, report: Path) -> int:
    """Says what pip-audit found; 1 if there is a vulnerability."""
    try:
        found = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    except (OSError, ValueError, KeyError):
        print(f"audit: known vulnerabilities NOT checked: pip-audit ended with {status} (build/audit.log)")
        return 0
    asked = [one for one in found if "vulns" in one]
    for one in asked:
        for vulnerability in one["vulns"]:
            fixed = ", ".join(vulnerability.get("fix_versions") or ["no version"])
            print(f"audit: {one['name']} {one['version']}: {vulnerability['id']}, fixed in {fixed}")
    if len(asked) < len(found):
        missing = len(found) - len(asked)
        print(
            f"audit: known vulnerabilities NOT checked of {missing} of {len(found)} packages: PyPI's service has no answer"
        )
    else:
        print(f"audit: known vulnerabilities of {len(asked)} packages checked")
    return 1 if any(one["vulns"] for one in asked) else 0


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--installed"]:
        print("\n".join(f"{name}=={version}" for name, version in installed().items()))
        return 0
    if arguments[:1] == ["--judge"]:
        return judge(int(arguments[1]), Path(arguments[2]))
    wrong = list(ranges(project()))
    for path in locks():
        wrong += sources(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    packages = installed()
    wrong += [f"{name}: licence {text!r}" for name in packages if not is_allowed(text := licence(name))]
    for line in wrong:
        print(f"audit: {line}", file=sys.stderr)
    if not wrong:
        print(
            f"audit: {len(locks())} locks of crates, {len(packages)} Python packages: ranges, sources, checksums and licences are as they should be"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
