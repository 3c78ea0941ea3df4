"""What belongs to a module of the SDK that is passed on under our name."""

from types import ModuleType

__all__ = ["public_names"]


def public_names(module: ModuleType) -> list[str]:
    """The names without underscore that the module defines: not what it imported for its own use."""
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and (getattr(value, "__module__", module.__name__) == module.__name__)
    )
