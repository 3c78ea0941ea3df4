"""Run the notebook as Jupyter would, cell after cell, and keep it with what its cells have shown. README.md has more."""

import argparse
import base64
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

NOTEBOOK = Path(__file__).with_name("analysis.ipynb")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.notebook", description=__doc__)
    parser.add_argument("dump", nargs="?", type=Path, help="a file of traces; without: a generated one")
    parser.add_argument(
        "--output", type=Path, default=Path("build/examples"), help="folder to write to (build/examples)"
    )
    options = parser.parse_args()
    if options.dump is not None:
        os.environ["TRACE_DUMP"] = str(options.dump.resolve())  # the kernel is a child of ours
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    try:
        # What is said to the kernel goes through a socket that only we can open.
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", config=Config(KernelManager={"transport": "ipc"})
        )
        client.execute()
    except CellExecutionError as error:
        sys.exit(f"notebook: {error}")
    options.output.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, options.output / NOTEBOOK.name)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            show(output, options.output)
    print(f"\nwritten: {options.output / NOTEBOOK.name} (open it in Jupyter), {options.output / 'plot.png'}")


def show(output: Any, folder: Path) -> None:
    """What a cell has printed or shown; a picture as a file."""
    if output.output_type == "stream":
        print(output.text, end="")
        return
    data = output.get("data", {})
    if "image/png" in data:
        (folder / "plot.png").write_bytes(base64.b64decode(data["image/png"]))
    elif "text/plain" in data:
        print(data["text/plain"], end="\n\n")


if __name__ == "__main__":
    main()
