"""What the kernels gain where they are used: each case with plain code (``SPANWIRE_SIMD=scalar``) and with the widest level of this machine.

Fresh processes in turn, the order changing; CPU time of the thread; the least of all samples. Part of ``make bench-kernels``; by itself:
``python benches/kernels_end_to_end.py [--rounds N]``. The plain side has the short look at ASCII too, which is no matter of the level.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

SPANS = 512
SAMPLES = 15
LATIN = "Größe der Bestellung geändert, Zürich; naïve café. "
WIDE = "追踪 分布式 系统的 性能 "


def cases() -> Iterator[tuple[str, int, Callable[[], object]]]:
    """Name, operations of one call, the call."""
    import numpy as np

    from spanwire import _native, encode_spans
    from spanwire.columnar import SpanColumns, decode_columns, encode_columns
    from spanwire.trace import TracerProvider
    from spanwire_bench import _workloads

    for name in _workloads.NAMES:
        spans = _workloads.make(name, SPANS)
        body = bytes(encode_spans(spans))
        document = bytes(_native.traces_to_json(body))
        yield f"encode, {name}", SPANS, partial(encode_spans, spans)
        yield f"to JSON, {name}", SPANS, partial(_native.traces_to_json, body)
        yield f"from JSON, {name}", SPANS, partial(_native.traces_from_json, document)

    tracer = TracerProvider().get_tracer("bench")

    def w5() -> None:
        for _ in range(SPANS):
            with tracer.start_as_current_span("GET /users/{id}") as span:
                span.set_attribute("http.request.method", "GET")
                span.set_attribute("url.path", "/users/42")
                span.set_attribute("http.response.status_code", 200)
                span.set_attribute("server.load", 0.42)
                span.set_attribute("cache.hit", True)

    yield "W5, made", SPANS, w5
    for name, text in [("Latin-1", LATIN), ("UCS-2", WIDE), ("UCS-4", WIDE + "😀")]:
        for length in (24, 2000):
            value = (text[::-1] * 90)[:length]

            def call(value: str = value) -> None:
                span = tracer.start_span("s")
                for _ in range(100):
                    span.set_attribute("k", value)
                span.end()

            yield f"set_attribute, {name} of {length} characters", 100, call

    ids = np.arange(1, SPANS * 8 * 16 + 1, dtype=np.uint8).reshape(-1, 16) | 1
    for name, text in [("ASCII", "/users/42/orders/1234567"), ("Latin", LATIN[:24]), ("wide", WIDE[:24])]:
        columns = SpanColumns(
            trace_id=ids,
            span_id=ids[:, :8],
            start=np.arange(len(ids), dtype=np.uint64) + 10**18,
            end=np.arange(len(ids), dtype=np.uint64) + 10**18,
            name="s",
            attributes={f"key.{number}": np.full(len(ids), text) for number in range(5)},
        )
        body = b"".join(encode_columns(columns))
        yield f"encode_columns, 5 U columns, {name}", len(ids), partial(encode_columns, columns)
        yield f"decode_columns, 5 texts, {name}", len(ids), partial(decode_columns, body)
        yield f"to JSON, 5 texts, {name}", len(ids), partial(_native.traces_to_json, body)


def child() -> None:
    """Prints the least ns of an operation, by case."""
    least = {}
    for name, operations, call in cases():
        call()
        best = float("inf")
        for _ in range(SAMPLES):
            begin = time.thread_time_ns()
            call()
            best = min(best, (time.thread_time_ns() - begin) / operations)
        least[name] = best
    print(json.dumps(least))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child()
        return 0

    from spanwire import _native

    best = _native.simd_info()["available"][-1]
    least: dict[str, dict[str, float]] = {}
    for number in range(options.rounds):
        for level in ("scalar", best) if number % 2 else (best, "scalar"):
            done = subprocess.run(
                [sys.executable, __file__, "--child"],
                env={**os.environ, "SPANWIRE_SIMD": level},
                stdout=subprocess.PIPE,
                check=True,
            )
            for name, ns in json.loads(done.stdout).items():
                sides = least.setdefault(name, {})
                sides[level] = min(ns, sides.get(level, ns))
    print(f"| per span or call, ns | scalar | {best} | ratio |\n|---|---|---|---|")
    for name, sides in least.items():
        print(f"| {name} | {sides['scalar']:,.0f} | {sides[best]:,.0f} | {sides['scalar'] / sides[best]:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
