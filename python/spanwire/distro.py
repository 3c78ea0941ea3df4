"""The distro that ``opentelemetry-instrument`` loads for ``OTEL_PYTHON_DISTRO=spanwire``; needs opentelemetry-instrumentation.

The loader takes the first distro and configurator that it finds if it is not told which. Who has another one installed beside us,
and did not ask for ours, gets the other one.
"""

import os
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # upstream's has no types

from spanwire._setup import configurator
from spanwire._setup.defaults import defaults
from spanwire._setup.sigterm import SigtermFlush, flush_all, seconds_of
from spanwire.trace._disabled import is_disabled

__all__ = ["Configurator", "Distro"]

_NAME = "spanwire"


class Distro(BaseDistro):  # type: ignore[misc]  # as above
    """Says in the environment what it leaves open: OTLP/HTTP for traces, and for metrics and logs if it is installed."""

    def _configure(self, **keywords: Any) -> None:
        other = _other("opentelemetry_distro", "OTEL_PYTHON_DISTRO")
        if other is None:
            os.environ.update(defaults())
        else:
            other.load()().configure(**keywords)


class Configurator(configurator.Configurator):
    """The configurator of ``OTEL_PYTHON_CONFIGURATOR=spanwire``."""

    def _configure(self, **keywords: Any) -> None:
        other = _other("opentelemetry_configurator", "OTEL_PYTHON_CONFIGURATOR")
        if other is None:
            super()._configure(**keywords)
            if not is_disabled():
                SigtermFlush(flush_all, seconds_of(None))
        else:
            other.load()().configure(**keywords)


def _other(group: str, variable: str) -> EntryPoint | None:
    """The first entry point that is not ours, unless ours is asked for."""
    if os.environ.get(variable) == _NAME:
        return None
    return next((found for found in entry_points(group=group) if found.name != _NAME), None)
