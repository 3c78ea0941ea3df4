"""Resources: ``opentelemetry.sdk.resources`` under our name."""

from opentelemetry.sdk import resources as _upstream
from opentelemetry.sdk.resources import *

from spanwire._reexport import public_names

__all__: list[str] = public_names(_upstream)


def __getattr__(name: str) -> object:
    return getattr(_upstream, name)
