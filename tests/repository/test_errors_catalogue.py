"""docs/errors.md has every message that people meet, and none that there is not; ``python -m tests.messages`` lists them."""

import importlib.util
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.messages import Entry, Found, normal, read_catalogue, scan, scan_cython, scan_python, scan_rust
from tests.messages.internal import FILES, TEXTS

CATALOGUE = ROOT / "docs" / "errors.md"


@cache
def entries() -> list[Entry]:
    return read_catalogue(CATALOGUE)


@cache
def messages() -> dict[str, list[Found]]:
    by_text = defaultdict(list)
    for found in scan():
        by_text[found.text].append(found)
    return dict(by_text)


def is_internal(found: Found) -> bool:
    return found.text in TEXTS or any(fnmatch(found.path, pattern) for pattern in FILES)


def test_every_message_is_explained_or_internal_for_a_reason() -> None:
    explained = {text for entry in entries() for text in entry.normal}
    missing = [
        str(found)
        for text, places in messages().items()
        if text not in explained
        for found in places
        if not is_internal(found)
    ]
    assert not missing, "explain them in docs/errors.md, or say in tests/messages/internal.py why not:\n" + "\n".join(
        missing
    )


def test_every_explained_message_is_one_that_the_sources_have() -> None:
    unknown = [
        f"{entry.slug}: {text}"
        for entry in entries()
        for text in entry.normal
        if text not in messages() and not (entry.is_of_the_sdk and text in sdk_texts())
    ]
    assert not unknown, "no longer said, or said otherwise (docs/errors.md):\n" + "\n".join(unknown)


def test_what_is_called_internal_is_there_and_not_explained_too() -> None:
    explained = {text for entry in entries() for text in entry.normal}
    assert [text for text in TEXTS if text not in messages()] == []
    assert explained & TEXTS.keys() == set()
    paths = {found.path for places in messages().values() for found in places}
    assert [pattern for pattern in FILES if not any(fnmatch(path, pattern) for path in paths)] == []
    assert all(len(reason) > 3 for reason in [*TEXTS.values(), *FILES.values()])


def test_each_entry_names_a_cause_and_a_cure_under_a_heading_that_is_an_anchor() -> None:
    for entry in entries():
        assert re.fullmatch(r"[a-z][a-z0-9-]+", entry.slug), entry.slug
        if entry.messages:
            assert re.fullmatch(r"- Cause: .{9,}?\n- Cure: .{25,}\n+", entry.rest, re.DOTALL), entry.slug
            assert not re.search(r"- Cure: as (?:it says|above)|as it says", entry.rest), entry.slug
            assert not entry.messages[0].startswith("… ") or len(entry.messages) > 1, entry.slug
    assert [slug for slug, times in Counter(entry.slug for entry in entries()).items() if times > 1] == []


def test_targets_of_make_that_are_advised_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    advised = set(re.findall(r"(?:`|run |: )make ([a-z-]+)", CATALOGUE.read_text(encoding="utf-8"))) - {
        "another",
        "it",
        "them",
    }
    assert len(advised) > 2
    assert {target for target in advised if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_links_within_the_page_lead_somewhere() -> None:
    text = CATALOGUE.read_text(encoding="utf-8")
    anchors = {entry.slug for entry in entries()} | {
        heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@cache
def sdk_texts() -> set[str]:
    return set(_scan_sdk())


def _scan_sdk() -> Iterator[str]:
    for package in ("attributes", "context", "exporter", "sdk", "trace"):
        spec = importlib.util.find_spec(f"opentelemetry.{package}")
        assert spec is not None and spec.submodule_search_locations
        for folder in spec.submodule_search_locations:
            for path in Path(folder).rglob("*.py"):
                yield from (found.text for found in scan_python(path, path.name))


def test_what_is_said_to_be_the_sdks_text_is_that() -> None:
    ours = {text: entry.slug for entry in entries() if entry.is_of_the_sdk for text in entry.normal}
    assert len(ours) > 10
    assert {text: slug for text, slug in ours.items() if text not in sdk_texts()} == {}


PYTHON = '''
HINT = "install it"
def fails(name, n):
    """A sentence that nobody is told."""
    reason = f"{name!r} is wrong" if n else "nothing is right"
    logger.warning("%s has %d of 100%%", name, n)
    print("to the terminal", name)
    print(f"spanwire: {name}", file=sys.stderr)
    raise ValueError(f"no {name}: {reason}, {{x}} " "and more") from None
'''
CYTHON = """
cdef int fails(object name) except -1:
    # raise ValueError("in a comment")
    attributes_logger.warning(
        "one (%s) "  # (
        'and two', name
    )
    raise TypeError(f"no {name['x']} at {name(1)}")
"""
RUST = r"""
//! A "sentence in a comment".
#[error("cannot open {path:?}: {0}")]
#[doc = "a sentence in an attribute"]
struct A;
fn b<'a>(x: &'a str) -> String { x.expect("never to be seen"); let c = '"'; format!("it is {x} \
     long, \"quoted\"") }
#[cfg(test)]
mod tests { fn c() { panic!("of a test"); let d = "a sentence of a test"; } }
const RAW: &str = r#"after "the tests""#;
"""


@pytest.mark.parametrize(
    "scanner, suffix, source, texts",
    [
        (
            scan_python,
            ".py",
            PYTHON,
            ["install it", "{} has {} of 100%", "spanwire: {}", "no {}: {}, {x} and more"],
        ),
        (scan_cython, ".pyx", CYTHON, ["one ({}) and two", "no {} at {}"]),
        (scan_rust, ".rs", RUST, ["cannot open {}: {}", 'it is {} long, "quoted"', 'after "the tests"']),
    ],
)
def test_the_scans_find_what_is_said_and_nothing_else(
    scanner: Callable[[Path, str], Iterator[Found]], suffix: str, source: str, texts: list[str], tmp_path: Path
) -> None:
    path = tmp_path / f"source{suffix}"
    path.write_text(source, encoding="utf-8")
    assert [found.text for found in scanner(path, "source")] == texts


def test_templates_are_the_same_whatever_fills_them_in() -> None:
    assert normal("%-5.1f of %(name)s", percent=True) == normal("{share} of {name}") == "{} of {}"
    assert normal("{a}{b!r:>{width}} at  {0:?}") == "{} at {}"
    assert normal("100 % {{x}}") == "100 % {x}"
