"""What a scan finds: a text and where it stands."""

from dataclasses import dataclass

__all__ = ["Found"]


@dataclass(frozen=True, slots=True)
class Found:
    """A message, or a part of one that other parts are put around."""

    text: str  # normal form
    path: str  # from the root
    line: int
    how: str  # raise, warn, print …

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.how}: {self.text}"
