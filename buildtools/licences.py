"""The licences of others whose code is in the wheel, as one text: what their terms ask everybody to pass on."""

from __future__ import annotations

from buildtools.crates import Crate

__all__ = ["NAME", "licences", "without_text"]

NAME = "THIRD-PARTY-LICENSES.txt"
_HEAD = """\
spanwire is under the Apache License 2.0 (LICENSE). Its compiled extension has in it code of these Rust crates, under the
licences that follow; where one may be had under several, each is here. The Rust standard library (MIT OR Apache-2.0) and,
in wheels that are linked by zig, parts of LLVM's compiler-rt and libunwind (Apache-2.0 WITH LLVM-exception) are in it too.
"""
_LINE = "=" * 100
# zstd may be had under the GPL instead; we take its BSD licence.
_NOT_CHOSEN = {("zstd-sys", "zstd/COPYING")}


def licences(crates: list[Crate]) -> str:
    """Every crate under its name, with the files that it carries; a text that several share stands once."""
    parts = [_HEAD]
    parts += [f"  {crate.name} {crate.version}: {crate.licence}" for crate in crates]
    for text, names in _by_text(crates).items():
        parts += ["", _LINE, *names, _LINE, text]
    return "\n".join(parts) + "\n"


def without_text(crates: list[Crate]) -> list[str]:
    """Those whose archive has no file of a licence: their line, and the common text of it, must do."""
    return [f"{crate.name} {crate.version}" for crate in crates if not any(crate.licence_files())]


def _by_text(crates: list[Crate]) -> dict[str, list[str]]:
    """Text to whose it is; equal but for spaces and line ends is equal."""
    whose: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for crate in crates:
        for name, text in crate.licence_files():
            if (crate.name, name) not in _NOT_CHOSEN:
                words = " ".join(text.split())
                texts.setdefault(words, "\n".join(line.rstrip() for line in text.strip().splitlines()))
                whose.setdefault(words, []).append(f"{crate.name} {crate.version}: {name}")
    return {texts[words]: names for words, names in whose.items()}
