"""What ``ci/audit`` says of dependencies: it finds each thing that it looks for, and ours are in order."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.repository.test_unsafe import _script

audit = _script(ROOT / "ci" / "audit.py")
CRATE = '[[package]]\nname = "a"\nversion = "1.0.0"\n'


def table(dependencies: list[str], **extras: list[str]) -> dict[str, Any]:
    return {"dependencies": dependencies, "optional-dependencies": extras}


GOOD = ["opentelemetry-api>=1,<2", "opentelemetry-sdk~=1.33"]


def test_what_is_installed_beside_a_user_is_bounded() -> None:
    assert list(audit.ranges(audit.project())) == []
    assert list(audit.ranges(table(GOOD, cli=["rich>=13"]))) == []


@pytest.mark.parametrize(
    "wrong, says",
    [
        (table([*GOOD, "requests>=2,<3"]), "run-time dependencies are"),
        (table([GOOD[0], "opentelemetry-sdk>=1"]), "opentelemetry-sdk: any later version"),
        (table([GOOD[0], "opentelemetry-sdk<2"]), "opentelemetry-sdk: any earlier version"),
        (table(GOOD, cli=["rich"]), "rich: any earlier version"),
        (table(GOOD, cli=["rich @ https://example.com/rich.whl"]), "rich: from https://example.com"),
    ],
)
def test_a_range_that_is_open_is_found(wrong: dict[str, Any], says: str) -> None:
    assert any(line.startswith(says) for line in audit.ranges(wrong))


def test_every_crate_comes_from_the_registry() -> None:
    assert len(audit.locks()) >= 7
    for path in audit.locks():
        assert list(audit.sources(path.name, path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "more, says",
    [
        ("", "not ours"),
        ('source = "git+https://example.com/a#1"\n', "comes from git+https://example.com"),
        (f'source = "{audit.CRATES_IO}"\n', "no checksum"),
        (f'source = "{audit.CRATES_IO}"\nchecksum = "12"\n', "no checksum"),
    ],
)
def test_a_crate_from_elsewhere_or_without_a_checksum_is_found(more: str, says: str) -> None:
    (line,) = audit.sources("Cargo.lock", CRATE + more)
    assert line.startswith("Cargo.lock: a 1.0.0") and says in line


def test_licences_of_what_is_installed_are_permissive() -> None:
    packages = audit.installed()
    assert {"opentelemetry-api", "opentelemetry-sdk", "rich", "typing-extensions"} <= set(packages)
    assert not {name: text for name in packages if not audit.is_allowed(text := audit.licence(name))}


@pytest.mark.parametrize(
    "expression, allowed",
    [
        ("MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("Apache-2.0 AND (MIT OR LGPL-2.1)", True),
        ("", False),
        ("Proprietary", False),
    ],
)
def test_a_licence_that_asks_for_more_is_found(expression: str, allowed: bool) -> None:
    assert audit.is_allowed(expression) is allowed


@pytest.mark.parametrize(
    "found, says, status",
    [
        ([{"name": "a", "version": "1", "vulns": []}], "vulnerabilities of 1 packages checked", 0),
        ([{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}], "a 1: X-1, fixed in 2", 1),
        ([{"name": "a", "skip_reason": "unknown"}], "NOT checked of 1 of 1", 0),
        (None, "NOT checked: pip-audit ended with 3", 0),
    ],
)
def test_what_the_service_says_is_told_and_silence_too(
    found: object, says: str, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "audit.json"
    report.write_text("" if found is None else json.dumps({"dependencies": found}), encoding="utf-8")
    assert audit.judge(3, report) == status
    assert says in capsys.readouterr().out
