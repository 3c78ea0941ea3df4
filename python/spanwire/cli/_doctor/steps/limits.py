"""How large a request may be, if that is asked for: as large as ours become by default, and larger."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from spanwire.cli._doctor.steps.http import words

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check", "padded"]

# A request of the batch processor by default.
OWN_BYTES = 400_000
_SMALL = (256_000, 128_000, 64_000)
_LARGE = (1 << 20, 4 << 20, 16 << 20)


def check(context: Context, step: Step) -> None:
    """Send requests without spans that are as long as those with them."""
    if not context.limits:
        step.skip("not asked for (--limits)")
        return
    if context.exporter is None or not context.answered:
        step.skip("no receiver has answered")
        return
    message = _refused(context, OWN_BYTES)
    if message is None:
        _search(context, step, _LARGE, OWN_BYTES, None)
    else:
        _search(context, step, _SMALL, 0, message)


def _search(context: Context, step: Step, sizes: tuple[int, ...], taken: int, message: str | None) -> None:
    """Of sizes that grow, until one is refused; of ones that shrink, until one is taken."""
    refused = 0 if message is None else OWN_BYTES
    is_growing = message is None
    for size in sizes:
        said = _refused(context, size)
        if said is None:
            taken = max(taken, size)
        else:
            refused, message = size, said
        if (said is None) != is_growing:
            break
    step.details.update(taken_bytes=taken, refused_bytes=refused, message=context.mask.hide(message or ""))
    if not refused:
        step.ok("large", f"requests of up to {_size(taken)} are taken")
    elif taken >= OWN_BYTES:
        step.ok(
            "limit",
            f"requests of {_size(taken)} are taken, of {_size(refused)} not ({context.mask.hide(message or '')}); ours are at most "
            f"{_size(OWN_BYTES)} unless a batch size is set",
        )
    else:
        largest = f", of {_size(taken)} are taken" if taken else ", nor are shorter ones"
        step.warn(
            "too_small",
            f"requests of {_size(refused)} are refused{largest}: {context.mask.hide(message or '')}",
            "let the receiver, and the proxy in front of it, take 4 MiB; or set OTEL_BSP_MAX_EXPORT_BATCH_SIZE to so many spans that "
            "a request stays below",
        )


def _refused(context: Context, size: int) -> str | None:
    """What is said to a request of that size; None: it is taken."""
    assert context.exporter is not None
    outcome = context.exporter._client.export_encoded(padded(size), 1)
    return None if outcome.lost is None else (words(outcome.message) or outcome.lost)


def padded(size: int) -> bytes:
    """An ExportTraceServiceRequest of that many bytes without spans: its one resource has an attribute of no use."""
    text = base64.b64encode(os.urandom(size * 3 // 4 + 3))  # as hard to compress as real spans are, or harder
    overhead = len(_request(text[:size])) - size
    return _request(text[: max(0, size - overhead)])


def _request(text: bytes) -> bytes:
    value = _field(1, text)  # AnyValue.string_value
    attribute = _field(1, b"spanwire.doctor.padding") + _field(2, value)  # KeyValue
    return _field(1, _field(1, _field(1, attribute)))  # resource_spans, resource, attributes


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _size(count: int) -> str:
    return f"{count / (1 << 20):g} MiB" if count % (1 << 20) == 0 else f"{count / 1000:.0f} KB"
