"""``spanwire bench --info``: the instruction set that the native kernels use here, and why."""

from __future__ import annotations

import typer
from rich.table import Table

from spanwire.cli.toolkit import make_console, simd_info

__all__ = ["show"]

_WHY = {
    "best": "the widest that this machine has",
    "forced": "asked for by SPANWIRE_SIMD",
    "unknown": "the widest that this machine has",
    "unavailable": "the widest that this machine has",
}


def show(wanted: bool) -> None:
    """Print it and leave, if it is ``wanted``."""
    if not wanted:
        return
    info = simd_info()
    console = make_console()
    level = info["level"]
    console.print(f"SIMD: {level}, {_WHY[info['outcome']]} ({', '.join(info['available'])})")
    if info["note"]:
        console.print(f"note: {info['note']}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for title in ("kernel", f"its {level}", "variants"):
        table.add_column(title)
    for name, kernel in info["kernels"].items():
        table.add_row(name, kernel["variants"][level], ", ".join(kernel["variants"]))
    console.print(table)
    raise typer.Exit
