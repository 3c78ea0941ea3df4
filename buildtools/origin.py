"""Which commit is built, and when that was made: from git, or from what the sdist says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

__all__ = ["FILE", "Origin", "origin"]

FILE = "origin.json"  # in an sdist


class Origin:
    """A commit (empty where it is not known, with a mark if files were changed) and its time in seconds since 1970."""

    def __init__(self, commit: str, seconds: int) -> None:
        self.commit = commit
        self.seconds = seconds

    def write(self, folder: Path) -> None:
        """For a folder that will have no git: an sdist."""
        (folder / FILE).write_text(
            json.dumps({"commit": self.commit, "seconds": self.seconds}) + "\n", encoding="utf-8"
        )


def origin(root: Path) -> Origin:
    """Of the sources in ``root``. SOURCE_DATE_EPOCH decides about the time if it is set."""
    found = _kept(root) or _of_git(root) or Origin("", 0)
    if wanted := os.environ.get("SOURCE_DATE_EPOCH"):
        found.seconds = int(wanted)
    return found


def _kept(root: Path) -> Origin | None:
    try:
        kept = json.loads((root / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Origin(kept["commit"], kept["seconds"])


def _of_git(root: Path) -> Origin | None:
    try:
        # An sdist may be unpacked within the checkout of something else.
        if Path(_git(root, "rev-parse", "--show-toplevel")) != root.resolve():
            return None
        commit, seconds = _git(root, "log", "-1", "--format=%H %ct").split()
        changed = bool(_git(root, "status", "--porcelain"))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    return Origin(commit + ("+changes" if changed else ""), int(seconds))


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()
