"""pyarrow, or an error that says how to get it. It has no types of its own."""

import importlib
from typing import Any

__all__ = ["pa"]

try:
    pa: Any = importlib.import_module("pyarrow")
    importlib.import_module("pyarrow.compute")
except ImportError as error:
    raise ImportError("Arrow data needs pyarrow: pip install 'spanwire[arrow]'", name="pyarrow") from error
