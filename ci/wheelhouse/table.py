"""What was built: kept beside the wheels for whoever asks later (`make release-check`), and shown to whoever built."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Row", "load", "save", "show"]

_FILE = "wheels.json"


@dataclass(slots=True)
class Row:
    """One wheel."""

    name: str
    python: str
    target: str
    size: int
    sha256: str
    commit: str
    profile_guided: bool
    runs_here: bool
    reproduced: bool = False


def load(folder: Path) -> list[Row]:
    """What is kept there of wheels that still lie there."""
    try:
        kept = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [Row(**row) for row in kept if (folder / row["name"]).is_file()]


def save(folder: Path, rows: Sequence[Row]) -> None:
    """Keep them, in order of their names."""
    kept = [asdict(row) for row in sorted(rows, key=lambda row: row.name)]
    (folder / _FILE).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def show(rows: Sequence[Row]) -> None:
    """The table: name, bytes, hash, and what is known of it."""
    width = max(len(row.name) for row in rows)
    print(f"{'wheel':<{width}}  {'bytes':>9}  sha256        checked")
    for row in sorted(rows, key=lambda row: row.name):
        known = ["contents", "profile-guided" if row.profile_guided else "not profile-guided"]
        known += ["same bytes when built elsewhere"] if row.reproduced else []
        known += [] if row.runs_here else ["never run: no machine of its kind here"]
        print(f"{row.name:<{width}}  {row.size:>9,}  {row.sha256[:12]}  {', '.join(known)}")
