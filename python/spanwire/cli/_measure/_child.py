"""One round of one way, in a process of its own: ``_child WAY FILE ENDPOINT SECONDS``.

It makes the recorded spans of FILE for SECONDS of CPU, once it is warm, delivers them to ENDPOINT, and prints one line of JSON:
the measured spans, their CPU in ns, and the spans that it made in all.
"""

from __future__ import annotations

import gc
import json
import pathlib
import sys
import time

from spanwire.cli._measure._replay import Replay
from spanwire.cli._shop_run import FLUSH_SECONDS, QUEUE_SPANS, WAYS, Way, make_provider

_WARM_SPANS = 4096
_CALIBRATED_NS = 100_000_000  # CPU


class _Sender:
    """Makes spans, never more in flight than the SDK's queue holds."""

    def __init__(self, way: Way, recorded: list[dict[str, object]], endpoint: str) -> None:
        self._provider = make_provider(way, endpoint)
        self._replay = Replay(self._provider, recorded)
        self._made_at_flush = 0
        self.made = 0

    def cpu_ns(self, count: int) -> int:
        """CPU of all threads for making and delivering at least ``count`` spans. Raises TimeoutError."""
        begin, end = time.process_time_ns(), self.made + count
        while self.made < end:
            if self.made - self._made_at_flush + self._replay.spans > QUEUE_SPANS:
                self._flush()
            self._replay.step()
            self.made += self._replay.spans
        self._flush()
        return time.process_time_ns() - begin

    def _flush(self) -> None:
        if not self._provider.force_flush(int(FLUSH_SECONDS * 1000)):
            raise TimeoutError(f"spans were not delivered within {FLUSH_SECONDS:g} s")
        self._made_at_flush = self.made

    def shutdown(self) -> None:
        self._provider.shutdown()


def _main() -> None:
    wanted, file, endpoint, seconds = sys.argv[1:]
    (way,) = (one for one in WAYS if one == wanted)
    sender = _Sender(way, json.loads(pathlib.Path(file).read_text(encoding="utf-8")), endpoint)
    sender.cpu_ns(_WARM_SPANS)
    before, cpu = sender.made, sender.cpu_ns(_WARM_SPANS)
    while cpu < _CALIBRATED_NS:
        before, cpu = sender.made, sender.cpu_ns(2 * (sender.made - before))
    spans = round((sender.made - before) * float(seconds) * 1e9 / cpu)
    gc.collect()
    gc.freeze()  # a collection while measuring looks through what spans leave behind, not through what is imported
    before, cpu = sender.made, sender.cpu_ns(spans)
    measured = sender.made - before
    sender.shutdown()
    print(json.dumps({"spans": measured, "cpu_ns": cpu, "made": sender.made}))


if __name__ == "__main__":
    _main()
