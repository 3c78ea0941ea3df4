"""Generators of ids: ``opentelemetry.sdk.trace.id_generator`` under our name."""

from opentelemetry.sdk.trace import id_generator as _upstream
from opentelemetry.sdk.trace.id_generator import *

from spanwire._reexport import public_names

__all__: list[str] = public_names(_upstream)


def __getattr__(name: str) -> object:
    return getattr(_upstream, name)
