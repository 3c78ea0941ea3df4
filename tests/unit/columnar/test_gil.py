"""Encoding and decoding let other threads of Python run."""

import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from spanwire.columnar import SpanColumns, decode_columns, encode_columns

ROWS = 200_000


@pytest.fixture
def no_switching() -> Iterator[None]:
    """No thread is asked to give up the GIL: another one runs only where it is released."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("what", ["encode", "decode"])
@pytest.mark.usefixtures("no_switching")
def test_another_thread_runs_meanwhile(what: str) -> None:
    columns = SpanColumns(
        trace_id=np.ones((ROWS, 16), np.uint8),
        span_id=np.ones((ROWS, 8), np.uint8),
        start=np.ones(ROWS, np.uint64),
        end=np.ones(ROWS, np.uint64),
        name="n",
    )
    request = bytes(encode_columns(columns)[0])
    work: dict[str, Callable[[], object]] = {
        "encode": lambda: encode_columns(columns),
        "decode": lambda: decode_columns(request),
    }
    counted, stop = [0], threading.Event()

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.0001)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        progress = 0
        for _ in range(50):  # on a busy machine the thread may not have its turn at once
            before = counted[0]
            work[what]()
            progress += counted[0] - before
    finally:
        stop.set()
        thread.join()
    assert progress > 0
