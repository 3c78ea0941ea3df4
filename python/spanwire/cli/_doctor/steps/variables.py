"""Variables that nobody reads, and what in their values is often mistaken."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from spanwire._settings import SETTINGS
from spanwire.cli._doctor import _masking

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check", "misspelt"]

_OWN = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PATH = "/v1/traces"
# As alike as this is a slip: one letter or one word more, less or other. Instrumentations have variables of their own.
_ALIKE = 0.9


def check(context: Context, step: Step) -> None:
    """Look at names first, then at endpoints."""
    known = {name for setting in SETTINGS for name in setting.variables}
    slips = misspelt(context.environment, known)
    for name, meant in slips.items():
        step.warn("misspelt", f"{name} is read by nobody: is {meant} meant?", f"rename it to {meant}")
    foreign = sorted(name for name in context.environment if name.startswith("OTEL_") and name not in known | {*slips})
    step.details = {"misspelt": slips, "others": foreign}
    if not context.endpoint:
        _endpoints(context, step)
    _compression(context, step)
    if not step.findings:
        few = f"; of others: {', '.join(foreign[:5])}{' …' * (len(foreign) > 5)}" if foreign else ""
        step.ok("names", f"no variable looks misspelt{few}")


def misspelt(names: object, known: set[str]) -> dict[str, str]:
    """Which of the names nobody reads, and which one is meant by each."""
    found = {}
    for name in sorted(names):  # type: ignore[call-overload]  # any iterable of text
        if name in known or not name.upper().startswith(("OTEL", "SPANWIRE")):
            continue
        upper = name.upper().replace("-", "_")
        near = [upper] if upper in known else difflib.get_close_matches(upper, known, 1, _ALIKE)
        if near:
            found[name] = near[0]
    return found


def _endpoints(context: Context, step: Step) -> None:
    base, own = context.get(_BASE).strip(), context.get(_OWN).strip()
    if base and not own and urlsplit(base).path.rstrip("/").endswith(_PATH):
        step.warn(
            "path_twice",
            f"{_BASE} ends in {_PATH}, which is appended to it: spans go to {_masking.url(base.rstrip('/'))}{_PATH}",
            f"take {_PATH} away there, or set {_OWN} to it",
        )
    if own and urlsplit(own).path in {"", "/"}:
        step.warn(
            "path_missing",
            f"{_OWN} has no path, and is used as it stands: spans go to /, where few receivers take them",
            f"append {_PATH}",
        )


def _compression(context: Context, step: Step) -> None:
    names = ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION")
    value = context.get(*names).strip().lower()
    if value == "zstd":
        step.warn("compression", f"compression {value}: not spoken here, nothing is compressed", "take gzip")
