"""What decoding takes beside the request: bounded by it, for hostile requests too."""

import os
import subprocess
import sys

import pytest

# Of this process alone: getrusage() begins with what the one had that started it, which is more than all that is measured here.
PEAK = r"""
def peak():
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith("VmHWM:")]
    return int(line.split()[1])
"""

# A thousand keys, each on the first and the last of many small spans: a column for each would take 13 GB.
PROGRAM = (
    PEAK
    + r"""
from spanwire.columnar import decode_columns

def length(size):
    return bytes([size]) if size < 128 else bytes([size & 127 | 128]) + length(size >> 7)

def message(tag, content):
    return bytes([tag]) + length(len(content)) + content

def attribute(key, value):
    return message(0x4A, message(0x0A, key) + message(0x12, value))

text = message(0x0A, b"x")
keys = b"".join(attribute(b"%d" % number, text) for number in range(1000))
spans = [message(0x12, b"\x30\x02"), message(0x12, keys)]
request = message(0x0A, message(0x12, spans[1] + spans[0] * ROWS + spans[1]))
decode_columns(request[:0])  # what is loaded late is loaded now
before = peak()
columns = decode_columns(request)
assert len(columns) == ROWS + 2 and columns.attribute("999")[::ROWS + 1] == ["x", "x"]
after = peak()
print(len(request), (after - before) * 1024)
"""
)
ROWS = 1_000_000


@pytest.mark.skipif("SPANWIRE_ASAN" in os.environ, reason="not applicable: AddressSanitizer keeps what is freed")
@pytest.mark.skipif(sys.platform != "linux", reason="not applicable: no /proc")
def test_keys_that_few_spans_have_take_no_column_each() -> None:
    program = PROGRAM.replace("ROWS", str(ROWS))
    # `columns.attribute` is asked for once, in the same process: a list of all rows.
    lists = 16 * ROWS
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=100)
    request, taken = map(int, done.stdout.split())
    assert taken < 120 * ROWS + 6 * request + lists, f"{taken} bytes for a request of {request}"


# A resource of 100 kB with a thousand scopes: a copy for each group would take 100 MB.
SCOPES = (
    PEAK
    + r"""
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from spanwire.columnar import decode_columns, encode_columns

request = TracesData()
spans = request.resource_spans.add()
spans.resource.attributes.add(key="k").value.string_value = "x" * 100_000
for number in range(1000):
    scope = spans.scope_spans.add()
    scope.scope.name = str(number)
    scope.spans.add()
request = request.SerializeToString()
decode_columns(request[:0])
before = peak()
columns = decode_columns(request)
assert len(columns.groups) == 1000 and len({group.resource_attributes["k"] for group in columns.groups[::500]}) == 1
assert len(encode_columns(columns)[0]) < 200_000
after = peak()
print((after - before) * 1024)
"""
)


@pytest.mark.skipif("SPANWIRE_ASAN" in os.environ, reason="not applicable: AddressSanitizer keeps what is freed")
@pytest.mark.skipif(sys.platform != "linux", reason="not applicable: no /proc")
def test_the_groups_of_a_large_resource_share_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCOPES], check=True, capture_output=True, text=True, timeout=100)
    assert int(done.stdout) < 20 << 20
