"""What is known of one setting."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Setting", "otlp", "rows"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A keyword, the variables that stand in for it, and what it does."""

    topic: str
    """What it belongs to: ``exporter``, ``limits`` …"""
    variables: tuple[str, ...]
    """Full names, the one that is read first in front; empty: only the keyword."""
    keyword: str
    """Of the class or function in ``owner``; empty: only the variables."""
    owner: str
    """Dotted name of what takes the keyword, or of what reads the variable."""
    default: str
    """As text; empty: nothing."""
    unit: str
    """Empty: it is no number."""
    is_secret: bool
    """Whether its value must not be shown."""
    meaning: str
    """One line."""


Row = Callable[..., Setting]


def rows(topic: str, owner: str) -> Row:
    """A function that makes settings of this topic and owner."""

    def row(
        keyword: str,
        variables: str | tuple[str, ...],
        default: str,
        meaning: str,
        *,
        unit: str = "",
        is_secret: bool = False,
    ) -> Setting:
        names = tuple(variables.split()) if isinstance(variables, str) else variables
        return Setting(topic, names, keyword, owner, default, unit, is_secret, meaning)

    return row


def otlp(name: str, signal: str = "TRACES") -> tuple[str, str]:
    """The variable of the signal, then the general one."""
    return f"OTEL_EXPORTER_OTLP_{signal}_{name}", f"OTEL_EXPORTER_OTLP_{name}"
