"""``python -m tests.instrumentations``: runs the programs and prints the table; with ``--write`` into docs/compatibility.md too."""

import subprocess
import sys
from pathlib import Path

from tests.instrumentations import table


def main(arguments: list[str]) -> int:
    """The status is pytest's; the page is written only where everything is as it should be."""
    command = [sys.executable, "-m", "pytest", "-m", "instrumentations", str(Path(__file__).parent)]
    status = subprocess.run(command, check=False).returncode
    if status == 0 and "--write" in arguments:
        table.write(table.kept())
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
