"""The distro that ``opentelemetry-instrument`` loads for ``OTEL_PYTHON_DISTRO=spanwire``; needs opentelemetry-instrumentation."""

import os
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # upstream's has no types

from spanwire._configurator import Configurator
from spanwire._defaults import defaults

__all__ = ["Configurator", "Distro"]


class Distro(BaseDistro):  # type: ignore[misc]  # as above
    """Says in the environment what it leaves open: OTLP/HTTP for traces, and for metrics and logs if it is installed."""

    def _configure(self, **_: Any) -> None:
        os.environ.update(defaults())
