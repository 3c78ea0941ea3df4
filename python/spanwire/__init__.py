"""OpenTelemetry tracing for Python at a small fraction of the CPU."""

import sys
from typing import TYPE_CHECKING

if "t" in getattr(sys, "abiflags", ""):
    raise ImportError(
        "spanwire does not support free-threaded builds of Python yet: use a build with the GIL "
        f"(this is {sys.executable})"
    )

try:
    from spanwire._native import __version__
except ModuleNotFoundError as _error:
    if _error.name != "spanwire._native":
        raise
    raise ModuleNotFoundError(
        f"spanwire's native part is not there for this Python ({sys.version.split()[0]}, {sys.platform}): install a wheel "
        "that is made for it, or in a checkout run make demo, which builds it",
        name=_error.name,
    ) from None

if TYPE_CHECKING:
    from spanwire._facade.core import encode_spans
    from spanwire._setup.install import Installation, install
    from spanwire._telemetry.prometheus import prometheus_text
    from spanwire._telemetry.stats import stats

__all__ = ["Installation", "__version__", "encode_spans", "install", "prometheus_text", "stats"]


def __getattr__(name: str) -> object:
    # Late, so that `import spanwire.<part>` pays for its part only.
    if name == "encode_spans":
        from spanwire._facade.core import encode_spans

        return encode_spans
    if name == "stats":
        from spanwire._telemetry.stats import stats

        return stats
    if name == "prometheus_text":
        from spanwire._telemetry.prometheus import prometheus_text

        return prometheus_text
    if name in {"Installation", "install"}:
        from spanwire._setup import install as _install

        return getattr(_install, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
