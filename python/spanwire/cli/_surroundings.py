"""The demo and the benchmarks say themselves what the SDK and the exporters are to do."""

from __future__ import annotations

import os

__all__ = ["forget"]

_OTHERS = {"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "SPANWIRE_DISABLED"}


def forget() -> None:
    """Drop every OTEL_* variable and proxy from this process's environment and so from its children's.

    An endpoint, a limit, OTEL_SDK_DISABLED or a proxy that is meant for an application would change what is shown.
    """
    for name in [name for name in os.environ if name.startswith("OTEL_") or name.upper() in _OTHERS]:
        del os.environ[name]
