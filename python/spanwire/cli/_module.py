"""A module of ours as a process of its own."""

import sys

__all__ = ["command"]

# As -m, which would look for modules in the folder that we are in first: a file there named like one of the standard library's
# would be run. (-P says this too, from Python 3.11 on.)
_RUN = (
    "import sys; sys.path[:1] == [''] and sys.path.pop(0); import runpy; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def command(module: str, *arguments: object, python: str = sys.executable) -> list[str]:
    """The command line that runs ``module``, found where ``python`` has its packages and not in the folder that we are in."""
    return [python, "-c", _RUN, module, *map(str, arguments)]
