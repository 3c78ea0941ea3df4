"""Samplers: ``opentelemetry.sdk.trace.sampling`` under our name."""

from opentelemetry.sdk.trace import sampling as _upstream
from opentelemetry.sdk.trace.sampling import *

from spanwire._reexport import public_names

__all__: list[str] = public_names(_upstream)


def __getattr__(name: str) -> object:
    return getattr(_upstream, name)
