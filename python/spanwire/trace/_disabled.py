"""The switch that takes us out of an application without a change to its code."""

import os

__all__ = ["is_disabled"]


def is_disabled() -> bool:
    """Whether ``SPANWIRE_DISABLED`` asks for the stock SDK: ``1`` or ``true``, in any case."""
    return os.environ.get("SPANWIRE_DISABLED", "").strip().lower() in {"1", "true"}
