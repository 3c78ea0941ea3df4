"""Names of parameters that are the same in every process: workers that share a run must collect the same tests."""

import re

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def without_addresses(value: object) -> str:
    """``repr(value)`` without addresses of objects; of a text the text itself."""
    return value if isinstance(value, str) else _ADDRESS.sub("", repr(value))
