from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan

def encode_spans(spans: Sequence[ReadableSpan], *, w3c_flags: bool = False) -> bytes: ...
