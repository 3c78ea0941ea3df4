"""Writes the tables of docs/unsafe.md: every `unsafe` of the Rust half and why it is sound, in the words that stand beside it.

    python ci/unsafe_inventory.py [--check]

`--check` writes nothing and fails where the page differs. What is listed: blocks, functions, implementations, traits and blocks
of foreign functions, by crate and module. Left out: the fuzz targets (no part of the package), and types of function pointers, which do
nothing by themselves.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "unsafe.md"
BEGIN, END = "<!-- generated: begin. By ci/unsafe_inventory.py. -->", "<!-- generated: end -->"
KINDS = ("block", "fn", "impl", "trait", "extern")


class Unsafe(NamedTuple):
    """One place."""

    path: str
    """Below `native/`."""
    line: int
    kind: str
    """One of `KINDS`."""
    place: str
    """The function, type or trait."""
    reason: str
    """Empty if there is none."""
    is_test: bool

    @property
    def crate(self) -> str:
        return self.path.split("/", 1)[0]


_WORD = re.compile(r"\bunsafe\b")
_KIND = (
    ("block", re.compile(r"unsafe\s*(?:\{|$)")),
    ("impl", re.compile(r"unsafe\s+impl\b(?P<name>[^{]*)")),
    ("trait", re.compile(r"unsafe\s+trait\s+(?P<name>\w+)")),
    ("extern", re.compile(r'unsafe\s+extern\s+"[^"]*"\s*\{')),
    ("fn", re.compile(r'unsafe\s+(?:extern\s+"[^"]*"\s+)?fn\s+(?P<name>\w+)')),
)
_FUNCTION = re.compile(r"\bfn\s+(\w+)\s*(?:<[^(]*>)?\(")
_MACRO = re.compile(r"macro_rules!\s+(\w+)")
_IMPL = re.compile(r"^(\s*)(?:unsafe\s+)?impl\b(?:<.*?>)?\s+(?:(?:[\w:<>', ]+?)\s+for\s+)?([\w:]+)")
_TRAIT_IMPL = re.compile(r"^\s*(?:unsafe\s+)?impl\b.*\bfor\b")


def sources() -> list[Path]:
    """Rust files of the workspace."""
    return sorted(
        path
        for path in (ROOT / "native").rglob("*.rs")
        if not {"target", "fuzz", "fuzzing.rs"} & set(path.relative_to(ROOT / "native").parts)
    )


def inventory() -> list[Unsafe]:
    """All places, by file and line."""
    return [place for path in sources() for place in of_file(path)]


def of_file(path: Path) -> Iterator[Unsafe]:
    """The places in a file."""
    name = str(path.relative_to(ROOT / "native"))
    yield from of_text(name, path.read_text(encoding="utf-8"))


def of_text(name: str, text: str) -> Iterator[Unsafe]:
    """The places in a file of that name and content."""
    lines = text.splitlines()
    function, owner, owner_is_trait_impl, depth_of_owner = "", "", False, ""
    in_tests = "/tests/" in f"/{name}" or name.endswith("/tests.rs")
    for index, line in enumerate(lines):
        code = _code(line)
        if re.match(r"\s*mod tests\b", code) and any(
            "cfg" in above and "test" in above for above in lines[max(0, index - 2) : index]
        ):
            in_tests = True
        if (found := _IMPL.match(code)) and not code.rstrip().endswith("}"):
            depth_of_owner, owner, owner_is_trait_impl = found[1], found[2], bool(_TRAIT_IMPL.match(code))
        elif owner and code.rstrip() == f"{depth_of_owner}}}":
            owner, owner_is_trait_impl = "", False
        if found := _FUNCTION.search(code) or _MACRO.search(code):
            function = f"{owner}::{found[1]}" if owner and line.startswith(" ") else found[1]
        for word in _WORD.finditer(code):
            kind, label = _kind(code[word.start() :])
            if not kind:
                continue
            place = {"impl": label, "trait": label, "extern": "foreign functions"}.get(kind, function)
            reason = _reason(lines, index, kind)
            if not reason and kind == "fn" and owner_is_trait_impl:
                reason = "As the trait says."
            is_test = in_tests or any("cfg(" in above and "test" in above for above in _attributes(lines, index))
            yield Unsafe(name, index + 1, kind, place, reason, is_test)


def _code(line: str) -> str:
    """A line without comment and without texts, whose words mean nothing; `"C"` stays."""
    line = re.sub(r'"(?!C"|C-unwind")(?:[^"\\]|\\.)*"', '""', line)
    return line.split("//", 1)[0]


def _kind(code: str) -> tuple[str, str]:
    for kind, pattern in _KIND:
        if found := pattern.match(code):
            return kind, " ".join(found.groupdict().get("name", "").split())
    return "", ""


def _reason(lines: list[str], index: int, kind: str) -> str:
    if kind in ("fn", "trait"):
        return _safety_section(lines, index)
    here = lines[index].partition("// SAFETY:")
    if here[1]:
        return here[2].strip()
    above = index - 1
    # A statement may begin lines above its block; its comment stands above the statement.
    while above > 0 and index - above < 6 and not _is_note(lines[above]) and not _ends_statement(lines[above]):
        above -= 1
    while above >= 0 and _is_note(lines[above]) and "SAFETY:" not in lines[above]:
        above -= 1
    if above < 0 or "SAFETY:" not in lines[above]:
        return ""
    words = [lines[above].split("SAFETY:", 1)[1].strip()]
    for line in lines[above + 1 : index]:
        if not line.strip().startswith("//"):
            break
        words.append(line.strip().lstrip("/").strip())
    return " ".join(words)


def _safety_section(lines: list[str], index: int) -> str:
    """What stands under `# Safety` in the documentation above a function or trait."""
    documentation: list[str] = []
    above = index - 1
    in_attribute = False
    while above >= 0 and (in_attribute or lines[above].strip().startswith(("///", "#[", ")]"))):
        line = lines[above].strip()
        in_attribute = (in_attribute or line == ")]") and not line.startswith("#[")
        if line.startswith("///"):
            documentation.insert(0, line[3:].strip())
        above -= 1
    if "# Safety" not in documentation:
        return ""
    return " ".join(documentation[documentation.index("# Safety") + 1 :]).strip()


def _attributes(lines: list[str], index: int) -> Iterator[str]:
    """The attributes of the outermost item that a line is in, if it is one of functions at the left margin."""
    while index > 0 and (not lines[index][:1].strip() or lines[index].startswith("}")):
        index -= 1
    index -= 1
    while index >= 0 and lines[index].startswith(("#[", "///")):
        yield lines[index]
        index -= 1


def _is_note(line: str) -> bool:
    return line.strip().startswith(("//", "#["))


def _ends_statement(line: str) -> bool:
    text = line.split("//", maxsplit=1)[0].rstrip()
    return text.endswith((";", "}", "{")) or not text


# --- the page ---------------------------------------------------------------------------------------------------------


def tables() -> str:
    """What stands between the markers."""
    places = inventory()
    ours, tests = [place for place in places if not place.is_test], [place for place in places if place.is_test]
    out = [
        f"{len(ours)} places in what is shipped, {len(tests)} in tests; {sum(not place.reason for place in places)} without a reason.",
        "",
        "| module | blocks | functions | implementations | traits | foreign | in its tests |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in sorted({place.path for place in places}):
        kinds = Counter(place.kind for place in ours if place.path == path)
        cells = " | ".join(str(kinds[kind] or "") for kind in KINDS)
        out.append(f"| `{path}` | {cells} | {sum(place.path == path for place in tests) or ''} |")
    total = Counter(place.kind for place in ours)
    out.append(f"| **all** | {' | '.join(str(total[kind]) for kind in KINDS)} | {len(tests)} |")
    for crate in sorted({place.crate for place in ours}):
        out += [
            "",
            f"### `{crate}`",
            "",
            "| where | what | why it is sound; of a function: what its caller promises |",
            "|---|---|---|",
        ]
        rows = Counter(
            (place.path.split("/", 1)[1].removeprefix("src/"), place.place, place.kind, place.reason)
            for place in ours
            if place.crate == crate
        )
        for (path, place, kind, reason), count in rows.items():
            times = f" ×{count}" if count > 1 else ""
            out.append(f"| `{path}`: `{place}` | {kind}{times} | {_cell(reason)} |")
    return "\n".join(out)


def _cell(text: str) -> str:
    """A text in a table: a link of rustdoc's leads nowhere here, and a bare `<` would begin a tag."""
    text = re.sub(r"\[(`[^`]+`)\](?:\([^)]*\))?", r"\1", text)
    parts = re.split(r"(`[^`]*`)", text.replace("|", "\\|"))
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;").replace("*", "\\*") for part in parts)


def page() -> str:
    """The page as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


def main() -> int:
    text = page()
    if "--check" in sys.argv[1:]:
        if text != PAGE.read_text(encoding="utf-8"):
            print("docs/unsafe.md is not what the sources say: python ci/unsafe_inventory.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
