"""The wheel of spanwire-bench: pure Python, one for every Python and machine. The same sources give the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

from ci.wheelhouse import build as building

__all__ = ["build"]


def build(checkout: Path, python: Path, out: Path) -> Path:
    """The wheel, from a copy of the checkout, by the Python of a builder's environment."""
    source, raw = checkout / "benches" / "spanwire_bench", checkout / "raw-bench"
    shutil.rmtree(raw, ignore_errors=True)
    building.run(
        *(python, "-m", "build", "-q", "--wheel", "--no-isolation", "--outdir", raw),
        cwd=source,
        env=building.surroundings(checkout),
    )
    (made,) = raw.glob("*.whl")
    out.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(made, out / made.name))
