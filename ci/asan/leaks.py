"""Which of LeakSanitizer's findings are ours.

    python ci/asan/leaks.py REPORTS FOLDER...

CPython and other extensions keep memory until the process ends and never free it. A finding is ours if the code that asked for the
memory is: from the allocation outwards, past the C library and CPython's own functions, the first frame is in a library below
one of the FOLDERs. Past Python code the search ends: what that asks for is not ours, though we may have called it.

CPython keeps a freed tuple, list, dict or float and gives its memory to whoever wants the next, so that what was lost may be
another's than who asked for the memory. Such a finding is ours from SOME objects in one process on, and else told as doubtful.

Prints the findings that are ours, each kind once, and fails if there is one. Any other report of a sanitizer fails too.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

FINDING = re.compile(r"^(?:Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object\(s\) allocated from:$")
# ci/asan/run has frames printed so.
FRAME = re.compile(r"^\s+#\d+ (?P<function>.*) \[(?P<library>[^\]]*)\] ?(?P<place>.*)$")
ALLOCATORS = ("libasan", "libclang_rt", "libc.so", "libc-", "ld-linux", "libstdc++", "libgcc")
RECYCLED = ("new_dict", "PyTuple_", "_PyTuple_", "tuple_alloc", "PyList_New", "PyFloat_FromDouble")
SOME = 10
PYTHON_CODE = ("_PyEval_", "PyEval_")
# What is said beside leaks, or in place of them.
OTHER_REPORTS = (
    "ERROR: AddressSanitizer",
    "AddressSanitizer: CHECK failed",
    "Tracer caught signal",
    "has encountered a fatal error",
)
# What we know of and want so: a word in a function's name, and why.
KNOWN = {
    "push_raw_vec_slot": "PyO3 keeps the definitions of a class for as long as the process lives: once a class",
}


def is_python(library: str) -> bool:
    """Whether a library, or the program, is the interpreter."""
    return re.fullmatch(r"(?:lib)?python3(?:\.\d+)?(?:\.so.*)?", Path(library).name) is not None


def is_ours(frames: list[tuple[str, str]], folders: list[str]) -> bool:
    """Whether a stack, innermost first, leads to us without going through Python code."""
    if any(word in function for function, _ in frames for word in KNOWN):
        return False
    for function, library in frames:
        name = Path(library).name
        if name.startswith(ALLOCATORS):
            continue
        if is_python(library):
            if function.startswith(PYTHON_CODE):
                return False
            continue
        return any(library.startswith(folder) for folder in folders)
    return False


def is_recycled(frames: list[tuple[str, str]]) -> bool:
    """Whether the object is of a kind that CPython keeps for its next use."""
    for function, library in frames:
        if is_python(library):
            if function.startswith(RECYCLED):
                return True
        elif not Path(library).name.startswith(ALLOCATORS):
            return False
    return False


def read(text: str, folders: list[str]) -> tuple[Counter[str], Counter[str], int, bool]:
    """Ours and doubtful ones, by stack, with the number of objects; how many are others'; and whether there is another report."""
    ours: Counter[str] = Counter()
    recycled: Counter[str] = Counter()
    others = 0
    for block in re.split(r"\n\s*\n", text):
        lines = block.splitlines()
        at = next((number for number, line in enumerate(lines) if FINDING.match(line)), None)
        if at is None:
            continue
        found = [match for line in lines[at + 1 :] if (match := FRAME.match(line))]
        frames = [(match["function"], match["library"]) for match in found]
        if is_ours(frames, folders):
            head = FINDING.match(lines[at])
            shown = "\n".join(f"  {match['function']} {match['place']}" for match in found[:14])
            (recycled if is_recycled(frames) else ours)[shown] += int(head[2]) if head else 0
        else:
            others += 1
    ours += Counter({shown: count for shown, count in recycled.items() if count >= SOME})
    doubtful = Counter({shown: count for shown, count in recycled.items() if count < SOME})
    is_other = "detected memory leaks" not in text or any(words in text for words in OTHER_REPORTS)
    return ours, doubtful, others, is_other


def main(reports: str, *folders: str) -> int:
    ours: Counter[str] = Counter()
    doubtful: Counter[str] = Counter()
    others = files = 0
    broken = False
    for path in sorted(Path(reports).glob("*")):
        files += 1
        found, doubtful_found, not_ours, is_other = read(
            path.read_text(encoding="utf-8", errors="replace"), list(folders)
        )
        ours += found
        doubtful += doubtful_found
        others += not_ours
        if is_other:
            broken = True
            print(f"leaks: another report: {path}")
    for stack, count in doubtful.most_common():
        print(f"leaks: perhaps ours, {count} objects, asked for by\n{stack}")
    for stack, count in ours.most_common():
        print(f"leaks: {count} objects, asked for by\n{stack}")
    print(f"leaks: ours {len(ours)}, doubtful {len(doubtful)}, others' {others}, in reports of {files} processes")
    return 1 if ours or broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
