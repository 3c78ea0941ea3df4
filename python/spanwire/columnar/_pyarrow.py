"""pyarrow, or an error that says how to get it. It has no types of its own."""

import importlib
from typing import Any

__all__ = ["pa"]


def _load() -> Any:
    try:
        importlib.import_module("pyarrow.compute")
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise ImportError("Arrow data needs pyarrow: pip install 'spanwire[arrow]'", name="pyarrow") from error


pa = _load()
