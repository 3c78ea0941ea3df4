"""The kind of machine that a result is of: results are only compared as they are within one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["file_name"]

_LONGEST = 60
# What vendors write around a processor's name, and clock rates, which differ between readings.
_NOISE = re.compile(r"\((?:r|tm|c)\)|\bcpu\b|\bprocessor\b|\b\d+-core\b|@.*$|\bwith\b.*$", re.IGNORECASE)


def file_name(environment: Mapping[str, Any]) -> str:
    """``amd-epyc-2-cores-python-3.11.json``: by processor, cores and Python."""
    cpu = (
        _slug(_NOISE.sub(" ", str(environment.get("cpu") or "")))
        or _slug(str(environment.get("machine") or ""))
        or "unknown"
    )
    cores = environment.get("cores") or 0
    python = ".".join(str(environment.get("python") or "").split(".")[:2]) or "unknown"
    implementation = str(environment.get("implementation") or "CPython").lower()
    name = "python" if implementation == "cpython" else _slug(implementation) or "python"
    return f"{cpu}-{cores}-core{'s' * (cores != 1)}-{name}-{re.sub(r'[^0-9a-z.+-]', '', python.lower())}.json"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST].rstrip("-")
