"""Names of the SDK's environment variables: ``opentelemetry.sdk.environment_variables`` under our name."""

from opentelemetry.sdk import environment_variables as _upstream
from opentelemetry.sdk.environment_variables import *

from spanwire._reexport import public_names

__all__: list[str] = public_names(_upstream)


def __getattr__(name: str) -> object:
    return getattr(_upstream, name)
