"""docs/unsafe.md lists every `unsafe` of the Rust half with its reason, and the places where it may stand are few."""

import importlib.util
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.repository.test_source import UNSAFE_MODULES


def _script(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


inventory = _script(ROOT / "ci" / "unsafe_inventory.py")

# A trait whose implementers promise something is no code that does something.
ELSEWHERE = {("queue/src/storage.rs", "trait"), ("bindings/src/api.rs", "block")}


def places(text: str, name: str = "a/src/b.rs") -> list[tuple[str, str, str, bool]]:
    return [(found.kind, found.place, found.reason, found.is_test) for found in inventory.of_text(name, text)]


def test_the_page_is_what_the_sources_say() -> None:
    assert inventory.PAGE.read_text(encoding="utf-8") == inventory.page(), "python ci/unsafe_inventory.py"


def test_every_unsafe_place_has_a_reason() -> None:
    missing = [f"{place.path}:{place.line}: {place.kind}" for place in inventory.inventory() if len(place.reason) < 8]
    assert not missing


def test_unsafe_functions_and_implementations_stand_where_unsafe_code_may() -> None:
    outside = {
        (place.path, place.kind)
        for place in inventory.inventory()
        if not place.is_test and not UNSAFE_MODULES & set(Path(place.path).with_suffix("").parts)
    }
    assert outside <= ELSEWHERE


def test_the_inventory_misses_no_word_unsafe() -> None:
    """Counted another way: every line with the word is one of a place, a type of function pointers, an attribute or a text."""
    found = {(place.path, place.line) for place in inventory.inventory()}
    for path in inventory.sources():
        name = str(path.relative_to(ROOT / "native"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if "unsafe" not in line.split("//")[0] or (name, number) in found:
                continue
            rest = line.split("unsafe", 1)[1]
            is_type = rest.startswith(' extern "C" fn(')
            assert is_type or "nothing unsafe in it" in line or "unsafe_code" in line or "unsafe_op" in line, (
                f"{name}:{number}"
            )


def test_each_kind_of_place_is_seen_with_its_reason() -> None:
    assert places(
        "fn f() {\n    // SAFETY: a reason,\n    // in two lines\n    let b =\n        unsafe { g() };\n}"
    ) == [("block", "f", "a reason, in two lines", False)]
    assert places(
        "impl A {\n    /// Does.\n    ///\n    /// # Safety\n    /// A promise.\n    #[inline]\n    unsafe fn f() {}\n}"
    ) == [("fn", "A::f", "A promise.", False)]
    assert places("// SAFETY: shared\nunsafe impl Send for A {}") == [("impl", "Send for A", "shared", False)]
    assert places('// SAFETY: declared\nunsafe extern "C" {\n}') == [("extern", "foreign functions", "declared", False)]
    assert places("#[cfg(test)]\nmod tests {\n    fn f() { unsafe { g() } } // SAFETY: none\n}") == [
        ("block", "f", "none", True)
    ]


def test_what_is_no_place_is_none() -> None:
    assert places('type F = unsafe extern "C" fn(u8);\n// unsafe { }\nlet a = "unsafe { }";') == []


def test_a_reason_of_another_statement_is_none() -> None:
    assert places("fn f() {\n    // SAFETY: of another\n    let a = 1;\n    unsafe { g() };\n}") == [
        ("block", "f", "", False)
    ]
