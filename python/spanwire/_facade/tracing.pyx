# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, initializedcheck=False
# cython: embedsignature=True, auto_pickle=False, nonecheck=False
"""The native tracer: spans, scopes and tracers over the Rust core's records.

One extension of parts, so that calls between them are C calls. Reading order: abi (the core's table), values
(cleaning), ids, private (what spans keep), span, span_items (its events and links), context, scope, shelves (where
both wait), plan (what processors want), tracer, readable (reading back), frames (reading back later). Each part says
what it gives and which parts it uses; tests/unit/test_facade.py holds that.
"""

cimport cython
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset

from spanwire._facade.capi cimport (
    SPANWIRE_ABI,
    SPANWIRE_EMPTY_MESSAGE,
    SPANWIRE_EVICTED,
    SPANWIRE_ATTEND,
    SPANWIRE_LOSSY,
    SPANWIRE_NOW,
    SPANWIRE_PANIC,
    SPANWIRE_PARENT_STATE,
    SPANWIRE_FULL,
    SPANWIRE_SPENT,
    SPANWIRE_UNENCODABLE,
    SW_SLOW,
    SpanwireApi,
    SpanwireContext,
    SpanwireInfo,
    SpanwireQueue,
    SpanwireRecord,
    SpanwireRest,
    SpanwireText,
    SpanwireTracer,
    SwShelf,
    sw_api,
    sw_call_itself,
    sw_commit,
    sw_drop_context,
    sw_front_set_attribute,
    sw_front_start,
    sw_has_span_id,
    sw_is_clean,
    sw_is_kept,
    sw_make_context,
    sw_only_kind,
    sw_put,
    sw_refuse_new,
    sw_replace_dealloc,
    sw_set,
    sw_set_all,
    sw_span_context,
    sw_start_slowly,
    sw_take,
    sw_text,
    sw_track,
    sw_untrack,
)

import copy
import logging
import traceback
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from weakref import WeakSet

from opentelemetry import context as context_api
from opentelemetry import trace as trace_api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.sdk import trace as sdk_trace
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import (
    DEFAULT_TRACE_STATE,
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.trace.propagation import _SPAN_KEY

from spanwire import _native
from spanwire._telemetry import log as _log

include "abi.pxi"

memcpy(&sw_api, core_table(_native), sizeof(SpanwireApi))

cdef extern from "Python.h":
    int PyContextVar_Get(object var, PyObject *default, PyObject **value) except -1
    object PyContextVar_Set(object var, object value)
    int sw_reset "PyContextVar_Reset"(object var, object token) noexcept  # -1: raised
    int PyDict_CheckExact(object o)
    bint PyDict_Check(object o)
    Py_ssize_t PyDict_Size(object o) except -1
    PyObject *PyDict_GetItemWithError(object d, object k) except? NULL
    void Py_DECREF "Py_DECREF"(PyObject *o)
    void Py_INCREF_ "Py_INCREF"(PyObject *o)
    PyObject *Py_TYPE_ "(PyObject *)Py_TYPE"(PyObject *o)
    int Py_EnterRecursiveCall(const char *where) except *  # not zero, but not always -1: 1
    void Py_LeaveRecursiveCall()
    object PyUnicode_DecodeUTF8(const char *s, Py_ssize_t size, const char *errors)
    object PyUnicode_FromObject(object o)
    Py_ssize_t PY_SSIZE_T_MAX
    bint PyUnicode_CheckExact(object o)

# The SDK's loggers: people filter by these names.
cdef object sdk_logger = logging.getLogger("opentelemetry.sdk.trace")
cdef object attributes_logger = logging.getLogger("opentelemetry.attributes")

cdef object SPAN_KEY = _SPAN_KEY
cdef object CONTEXT = Context
cdef object SdkSpan = sdk_trace._Span
cdef object SdkReadableSpan = sdk_trace.ReadableSpan
cdef object ApiSpan = trace_api.Span
cdef object UNSET = StatusCode.UNSET
cdef object OK = StatusCode.OK
cdef object ERROR = StatusCode.ERROR
cdef tuple STATUS_CODES = (UNSET, OK, ERROR)
cdef object INTERNAL = SpanKind.INTERNAL
cdef object SERVER = SpanKind.SERVER
cdef object CLIENT = SpanKind.CLIENT
cdef object PRODUCER = SpanKind.PRODUCER
cdef object CONSUMER = SpanKind.CONSUMER
cdef tuple KINDS = (INTERNAL, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER)
cdef tuple FLAGS = tuple(TraceFlags(bits) for bits in range(256))
cdef uint8_t SAMPLED = TraceFlags.SAMPLED
# Older SDKs know no random flag, and then we set none.
cdef uint8_t RANDOM = getattr(TraceFlags, "RANDOM_TRACE_ID", 0)

include "values.pxi"
include "ids.pxi"
include "private.pxi"
include "span.pxi"
include "span_items.pxi"
include "prepare.pxi"
include "context.pxi"
include "scope.pxi"
include "shelves.pxi"
include "plan.pxi"
include "tracer.pxi"
include "readable.pxi"
include "frames.pxi"
