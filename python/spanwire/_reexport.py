"""What belongs to a module of the SDK that is passed on under our name."""

from types import ModuleType

__all__ = ["public_names"]


def public_names(module: ModuleType) -> list[str]:
    """The classes, functions and constants without underscore that the module defines: not what it imported."""
    return sorted(name for name, value in vars(module).items() if _is_own(module.__name__, name, value))


def _is_own(module: str, name: str, value: object) -> bool:
    if name.startswith("_") or isinstance(value, ModuleType):
        return False
    if hasattr(value, "__module__"):
        return value.__module__ == module
    # Values do not say where they are from: constants by their names, variables' names only where they are defined.
    return name.isupper() and (not name.startswith("OTEL_") or module.endswith(".environment_variables"))
