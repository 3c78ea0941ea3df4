"""The kernels as a table: what criterion measured for each instruction set, beside plain code and the best crate.

Run by ``make bench-kernels`` after ``cargo bench``; reads ``native/target/criterion``. Figures are the least of the samples, since the variants are measured one after the other. ``x`` is how many times
faster than plain code (for what was tried and rejected: than what is done instead); ``best crate`` is the crate's time over the best
variant's, so above 1 ours is faster.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

LEVELS = ("scalar", "sse4.2", "avx2", "avx512", "neon", "loop", "chosen")
BASES = ("scalar", "instead")
WHERE = Path(__file__).resolve().parent.parent / "native" / "target" / "criterion"


def measured(where: Path) -> dict[str, dict[str, float]]:
    """Group to variant to the least of its samples in ns."""
    groups: dict[str, dict[str, float]] = {}
    for path in sorted(where.glob("*/*/new/benchmark.json"), key=lambda path: path.stat().st_mtime):
        ids = json.loads(path.read_text(encoding="utf-8"))
        sample = json.loads(path.with_name("sample.json").read_text(encoding="utf-8"))
        least = min(ns / calls for ns, calls in zip(sample["times"], sample["iters"], strict=True))
        groups.setdefault(ids["group_id"], {})[ids["function_id"]] = least
    return {name: group for name, group in groups.items() if group.keys() & set(BASES)}


def cells(group: dict[str, float], base: str) -> tuple[str, str]:
    """The variants' ratios to the base, and the best crate's to the best of ours."""
    ours = {name: ns for name, ns in group.items() if name in LEVELS}
    crates = {name: ns for name, ns in group.items() if name not in (*LEVELS, *BASES, "memcpy", "bmi2")}
    rest = [name for name in group if name != base and name not in crates]
    ratios = ", ".join(f"{name} {group[base] / group[name]:.1f}x" for name in rest)
    if not crates or base == "instead":
        against = ", ".join(f"{name} {group[base] / ns:.1f}x" for name, ns in crates.items())
        return ", ".join(filter(None, (ratios, against))), ""
    name, ns = min(crates.items(), key=lambda item: item[1])
    return ratios, f"{name} {ns / min(ours.values()):.1f}"


def main() -> int:
    groups = measured(WHERE)
    if not groups:
        print(f"nothing under {WHERE}: make bench-kernels", file=sys.stderr)
        return 1
    print("| kernel, data | plain, ns | by instruction set | best crate ÷ ours |\n|---|---|---|---|")
    for name, group in groups.items():
        base = next(base for base in BASES if base in group)
        ratios, crate = cells(group, base)
        print(f"| {name} | {group[base]:,.0f} | {ratios} | {crate} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
