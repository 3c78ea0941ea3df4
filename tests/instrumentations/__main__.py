"""``python -m tests.instrumentations``: runs the programs and prints the table; with ``--write`` into docs/compatibility.md too.

Further arguments are pytest's, such as ``-k flask``: then only the rows of those programs are written.
"""

import platform
import subprocess
import sys
from pathlib import Path

from tests.instrumentations import table
from tests.instrumentations.catalogue import PROGRAMS
from tests.instrumentations.running import versions


def main(arguments: list[str]) -> int:
    """The status is pytest's; the page is written only where everything is as it should be."""
    chosen = [argument for argument in arguments if argument != "--write"]
    options = ["-m", "instrumentations", "--timeout", "300", *chosen]
    status = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(Path(__file__).parent)], check=False
    ).returncode
    if status == 0 and "--write" in arguments:
        table.write(table.kept(), [str(program) for program in PROGRAMS], _with_what())
    return status


def _with_what() -> str:
    known = versions()
    return (
        f"With CPython {platform.python_version()}, opentelemetry-sdk {known['opentelemetry-sdk']} and the instrumentations' "
        f"release {known['opentelemetry-instrumentation']}."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
