"""What a distribution that adds commands to ``spanwire`` may use of it: output, files, child processes, facts about the build.

Such a distribution names a typer application or a function as an entry point of the group ``spanwire.commands``; the entry's
name is the command's. ``spanwire-bench`` does so. Names are imported when they are asked for: a child process that is measured
pays for nothing that it does not use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanwire._files.new_file import NewFile
    from spanwire._native import is_profile_guided, simd_info
    from spanwire.cli._discard import discarding_exporter, discarding_processor
    from spanwire.cli._module import command as module_command
    from spanwire.cli._render import bar, duration, make_console, one_line
    from spanwire.cli._surroundings import forget as forget_environment

__all__ = [
    "NewFile",
    "bar",
    "discarding_exporter",
    "discarding_processor",
    "duration",
    "forget_environment",
    "is_profile_guided",
    "make_console",
    "module_command",
    "one_line",
    "simd_info",
]

_PLACES = {
    "NewFile": ("spanwire._files.new_file", "NewFile"),
    "bar": ("spanwire.cli._render", "bar"),
    "discarding_exporter": ("spanwire.cli._discard", "discarding_exporter"),
    "discarding_processor": ("spanwire.cli._discard", "discarding_processor"),
    "duration": ("spanwire.cli._render", "duration"),
    "forget_environment": ("spanwire.cli._surroundings", "forget"),
    "is_profile_guided": ("spanwire._native", "is_profile_guided"),
    "make_console": ("spanwire.cli._render", "make_console"),
    "module_command": ("spanwire.cli._module", "command"),
    "one_line": ("spanwire.cli._render", "one_line"),
    "simd_info": ("spanwire._native", "simd_info"),
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
