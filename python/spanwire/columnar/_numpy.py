"""numpy, or an error that says how to get it: imported before all that uses it."""


def _check() -> None:
    try:
        import numpy as np  # noqa: F401  # whether it is there
    except ImportError as error:
        raise ImportError("spanwire.columnar needs numpy: pip install 'spanwire[numpy]'", name="numpy") from error


_check()
