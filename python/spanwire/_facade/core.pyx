# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, embedsignature=True
"""The façade: what Python calls often, on the Rust core's table of functions."""

from cpython.pycapsule cimport PyCapsule_GetPointer

from spanwire._facade.capi cimport SPANWIRE_ABI, SpanwireApi

from spanwire import _native

include "abi.pxi"

cdef const SpanwireApi* api = core_table(_native)


def encode_spans(spans, *, bint w3c_flags=False):
    """Encode finished SDK spans as one serialized ``ExportTraceServiceRequest``.

    What cannot be encoded (an integer beyond 64 bits, a property that raises, an object that is no span) is left out,
    counted in ``spanwire.stats()["encode"]`` and logged once a minute; the rest of the span and the batch survive.

    :param spans: any iterable of ``opentelemetry.sdk.trace.ReadableSpan``; resources and scopes may be mixed.
    :param w3c_flags: also write the W3C trace flags of spans and links, and the links' trace state, which the
        official encoder leaves out (opentelemetry-python#4666).
    :returns: the bytes that the official encoder's ``encode_spans(spans).SerializeToString()`` gives
        (with ``w3c_flags=False``).
    :raises TypeError: if ``spans`` cannot be iterated.
    :raises RuntimeError: after an internal error, which is a defect of spanwire.
    """
    return api.encode_spans(spans, w3c_flags)
