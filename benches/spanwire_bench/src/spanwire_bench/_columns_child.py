"""A fresh process of ``bench columns``: encodes so many rows once, and says how much memory that took at its peak."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from spanwire.columnar import encode_columns
from spanwire_bench.columns import BATCH, make


def _status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1]) * 1024


def main() -> None:
    """``argv``: rows."""
    rows = int(sys.argv[1])
    encode_columns(make("S", BATCH))  # what is loaded once
    table = make("S", rows)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
    before = _status("VmRSS")
    requests = encode_columns(table)
    print(json.dumps([sum(map(len, requests)), _status("VmHWM") - before]))


if __name__ == "__main__":
    main()
