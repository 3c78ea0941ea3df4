"""What the document says of each side: label, language, what it is, and of which version."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spanwire_bench._measure import package_version
from spanwire_bench.suite._sides import SIDES

if TYPE_CHECKING:
    from spanwire_bench.suite._scenario import Settings

__all__ = ["sides"]

_PACKAGES = {
    "sdk": ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
    "exporter": ("opentelemetry-sdk", "spanwire"),
    "spanwire": ("spanwire",),
}


def sides(settings: Settings) -> dict[str, dict[str, Any]]:
    """By name, those of this run."""
    there = _peer_versions(settings)
    return {name: {**asdict(SIDES[name]), "version": there.get(name) or _installed(name)} for name in settings.sides}


def _installed(side: str) -> str | None:
    """``opentelemetry-sdk 1.45.2, …``; the number alone where the side is one package."""
    names = _PACKAGES.get(side, ())
    found = [(name, version) for name in names if (version := package_version(name)) is not None]
    if len(names) == 1:
        return found[0][1] if found else None
    return ", ".join(f"{name} {version}" for name, version in found) or None


def _peer_versions(settings: Settings) -> dict[str, str]:
    from spanwire_bench import _peers

    try:
        return _peers.versions(settings.sides, settings.peer_python)
    except _peers.Unasked:
        return {}  # it is not in a place to ask; the figures say no less
