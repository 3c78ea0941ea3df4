# Span contexts and trace states as the core has them.
# gives: is_link, fill_ids, can_be_sent, last_state, last_header, header_of
# uses: values (shown)

cdef bint is_link(object context, object attributes) except -1:
    """Whether the SDK keeps such a link."""
    return bool(context and (context.is_valid or (attributes or context.trace_state)))


cdef int fill_ids(SpanwireContext *ids, object context) except -1:
    """Ids and flags of a SpanContext in wire order; what does not fit (an invalid context) as far as it does.

    An id that OTLP cannot hold becomes zero, which is none: its lower bits would be another span's.
    """
    memset(ids, 0, sizeof(SpanwireContext))
    cdef object trace_id = 0, span_id = 0, flags = 0
    cdef uint64_t low = 0, high = 0, span = 0
    cdef int index
    try:
        trace_id = int(context.trace_id)
        span_id = int(context.span_id)
        ids.is_remote = 1 if context.is_remote else 0
        flags = int(context.trace_flags)
    except Exception:
        _log.warn("trace.context", "A span context should have ints as ids and flags, not %s", shown(context))
    try:
        high = trace_id >> 64  # raises unless 0 <= trace_id < 2**128
        low = trace_id & 0xFFFFFFFFFFFFFFFF
    except OverflowError:
        _log.warn("trace.context", "The trace id of %s cannot be sent by OTLP; zero is", shown(context))
    try:
        span = span_id
    except OverflowError:
        _log.warn("trace.context", "The span id of %s cannot be sent by OTLP; zero is", shown(context))
    for index in range(8):
        ids.trace_id[index] = <uint8_t>(high >> (56 - 8 * index))
        ids.trace_id[8 + index] = <uint8_t>(low >> (56 - 8 * index))
        ids.span_id[index] = <uint8_t>(span >> (56 - 8 * index))
    ids.flags = <uint8_t>(flags & 0xFF)
    return 0


cdef bint can_be_sent(object context) except -1:
    """Whether OTLP can hold the ids of a SpanContext, which may be anything that a generator gave."""
    trace_id, span_id = context.trace_id, context.span_id
    return (
        isinstance(trace_id, int)
        and isinstance(span_id, int)
        and 0 <= trace_id < (1 << 128)
        and 0 <= span_id < (1 << 64)
    )


cdef object last_state = None
cdef object last_header = ""


cdef object header_of(object state):
    """A trace state as the text that OTLP has for it; the last one is remembered, since a trace's spans share it."""
    global last_state, last_header
    if state is DEFAULT_TRACE_STATE or not state:
        return ""
    if state is not last_state:
        try:
            header = ",".join([f"{key}={value}" for key, value in state.items()])
        except Exception:
            _log.warn("trace.state", "A trace state should be a TraceState, not %s; it is not sent", shown(state))
            return ""
        if type(state) is not TraceState:
            return header  # which may change
        last_header = header
        last_state = state
    return last_header
