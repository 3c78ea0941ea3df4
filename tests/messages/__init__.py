"""Every text with which the project tells people that something is wrong, as the sources have it.

``python -m tests.messages`` prints them with their places. ``docs/errors.md`` explains those that people meet,
``tests/messages/internal.py`` says why the others are not in it, and ``tests/repository/test_errors_catalogue.py`` holds all three
together.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT
from tests.messages._catalogue import Entry, read_catalogue
from tests.messages._cython import scan_cython
from tests.messages._python import scan_python
from tests.messages._rust import scan_rust
from tests.messages._source import Found
from tests.messages._template import normal

__all__ = ["Entry", "Found", "normal", "read_catalogue", "scan", "scan_cython", "scan_python", "scan_rust"]


def scan(root: Path = ROOT) -> Iterator[Found]:
    """All that is said, in the order of paths and lines."""
    for path in [
        root / "setup.py",
        root / "buildtools" / "needs.py",
        *sorted((root / "python" / "spanwire").rglob("*.py")),
        *sorted((root / "benches" / "spanwire_bench" / "src").rglob("*.py")),
    ]:
        yield from scan_python(path, path.relative_to(root).as_posix())
    for path in sorted((root / "python" / "spanwire").rglob("*.p[yx][xi]")):
        if path.suffix in {".pyx", ".pxi"}:
            yield from scan_cython(path, path.relative_to(root).as_posix())
    for crate in sorted((root / "native").glob("*/src")):
        for path in sorted(crate.rglob("*.rs")):
            if path.stem not in {"tests", "testing"} and "tests" not in path.parts and crate.parent.name != "guard":
                yield from scan_rust(path, path.relative_to(root).as_posix())
