"""Names of the folders that processes make for their durable queues."""

import re
from pathlib import Path

__all__ = ["is_of_a_process"]

_NAME = re.compile("[0-9a-f]{32}")


def is_of_a_process(folder: Path) -> bool:
    """Whether it has a name as those have which processes make for themselves."""
    return _NAME.fullmatch(folder.name) is not None
