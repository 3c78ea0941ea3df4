# Frames that Python reads: finished spans as their bytes, of which an exporter in Python gets views.
# gives: Frame, state_in, view_of, take_frames, keep, detached, request_of, native_span, queue_of, keep_ended, is_plain,
#   is_plain_context, beside
# uses: ids (can_be_sent, header_of), plan (FrameQueue), private (Origin, SharedContext), readable (ReadableSpan,
#   shared_parent), span (EMPTY_MESSAGE, Span)

@cython.final
@cython.freelist(64)
@cython.no_gc  # a tracer's resource and scope do not lead back to it
cdef class Frame:
    """A finished span's frame, and what it is read with. A ``ReadableSpan`` reads from it as from a ``Span``."""

    cdef bytes message          # its own copy: it holds neither a record nor a queue
    cdef Origin origin          # the tracer's, without its native part
    cdef bint is_read           # `info` and `rest` are filled
    cdef SpanwireInfo info
    cdef SpanwireRest rest
    cdef object span_context, parent
    cdef SharedContext shared, parent_shared  # of a span that was detached
    cdef list link_contexts                   # likewise

    cdef int look(self) except -1:
        """Reads it, once."""
        if not self.is_read:
            if sw_api.frame_info(self.start(), len(self.message), &self.info, &self.rest):
                raise RuntimeError("spanwire: a finished span's bytes cannot be read: please report")
            self.is_read = True
        return 0

    cdef inline const uint8_t *start(self):
        return <const uint8_t*><const char*>self.message

    cdef dict attributes(self):
        return sw_api.frame_attributes(self.start(), len(self.message))

    cdef list events(self):
        return sw_api.frame_events(self.start(), len(self.message))

    cdef list links(self):
        return sw_api.frame_links(self.start(), len(self.message))

    def get_span_context(self):
        cdef SpanwireContext *ids = &self.rest.ids
        if self.span_context is None and self.shared is not None:
            self.span_context = self.shared.context
        if self.span_context is None:
            self.look()
            state = state_in(self.rest.trace_state, self.rest.trace_state_length)
            is_valid = any(ids.trace_id[:16]) and any(ids.span_id[:8])
            self.span_context = sw_span_context(SpanContext, ids, False, FLAGS[ids.flags], state, is_valid)
            if self.shared is not None:
                self.shared.context = self.span_context
        return self.span_context

    cdef object parent_context(self):
        cdef SpanwireContext *ids = &self.info.parent
        self.look()
        if self.parent is None and self.parent_shared is not None:
            self.parent = shared_parent(self.parent_shared, self.info)
        if self.parent is None and self.info.has_parent:
            state = state_in(self.rest.parent_state, self.rest.parent_state_length)
            self.parent = sw_span_context(SpanContext, ids, bool(ids.is_remote), FLAGS[ids.flags], state, True)
        return self.parent


sw_refuse_new(Frame)


cdef object state_in(const char *header, size_t length):
    """The trace state that a frame has."""
    if not length:
        return DEFAULT_TRACE_STATE
    return TraceState.from_header([PyUnicode_DecodeUTF8(header, length, b"replace")])


cdef ReadableSpan view_of(bytes message, Origin origin):
    cdef Frame frame = Frame.__new__(Frame)
    cdef ReadableSpan view = ReadableSpan.__new__(ReadableSpan)
    frame.message = message
    frame.origin = origin
    view.source = frame
    return view


def take_frames(queue, max_spans):
    """The oldest spans of a ``_native.FrameQueue`` that ``keep`` feeds, as a list of at most so many."""
    cdef list spans = [], taken = sw_api.take_frames(queue_of(queue), max_spans)
    cdef Py_ssize_t index
    for index in range(0, len(taken), 2):
        if taken[index + 1] is None:
            spans.append(taken[index])
        else:
            spans.append(view_of(taken[index + 1], taken[index]))
    return spans


def keep(queue, span):
    """Append a finished span as it is: whoever else has it may still change it, as a processor that redacts does.

    :returns: whether somebody must attend to the queue.
    """
    return bool(sw_api.keep_object(queue_of(queue), span) & SPANWIRE_ATTEND)


def detached(span):
    """A view of the same span that does not hold its record; or the span itself, if it has none."""
    cdef ReadableSpan view, other
    cdef SpanwireText state
    cdef Frame kept
    cdef Span source
    cdef uint8_t bits
    if type(span) is not ReadableSpan or type((<ReadableSpan>span).source) is not Span:
        return span
    view = <ReadableSpan>span
    source = <Span>view.source
    if source.live or not is_plain(source):
        return span
    header = beside(source, &bits)  # kept as long as `state`
    sw_text(header, &state)
    other = view_of(sw_api.kept_frame(source.record, bits, state), source.origin.unbound)
    other.changed = view.changed
    kept = <Frame>other.source
    kept.shared, kept.parent, kept.parent_shared = source.share(), source.parent_context, source.parent_shared
    kept.link_contexts = source.link_contexts
    return other


def request_of(queue, span):
    """A ``_native.Request`` of a sampled native span that nobody changed, by way of an empty queue; else None."""
    cdef Span source = native_span(span)
    if source is None or not source.ids.flags & SAMPLED:
        return None
    # Nobody else can take it: no Python code runs in between.
    sw_api.submit(source.record, queue_of(queue))
    return queue.take_request(1, PY_SSIZE_T_MAX)


cdef Span native_span(object view):
    """The finished span behind a view that nobody changed, or None."""
    if type(view) is not ReadableSpan or (<ReadableSpan>view).changed is not None:
        return None
    source = (<ReadableSpan>view).source
    return <Span>source if type(source) is Span and not (<Span>source).live else None


cdef SpanwireQueue *queue_of(object queue) except NULL:
    if type(queue) is not FrameQueue:
        raise TypeError(f"a FrameQueue is needed, not {shown(queue)}")
    return <SpanwireQueue*><uintptr_t>queue.address


cdef int keep_ended(SpanwireQueue *queue, Span span, ReadableSpan view) except -1:
    """The table's status. A span is kept as its bytes, unless its view was changed or it has what no frame can say."""
    cdef SpanwireText state
    cdef uint8_t bits
    cdef uint64_t waited = 0
    cdef int status
    if not span.ids.flags & SAMPLED if view is None else not view.get_span_context().trace_flags.sampled:
        return 0
    if (view is None or view.changed is None) and is_plain(span):
        header = beside(span, &bits)  # kept as long as `state`
        sw_text(header, &state)
        status = sw_api.keep(span.record, queue, bits, state)
        while status & SPANWIRE_FULL:
            status = sw_api.wait_room(queue, &waited)
            if status:
                break
            status = sw_api.keep(span.record, queue, bits, state)
        return status
    return sw_api.keep_object(queue, span.readable() if view is None else view)


cdef bint is_plain(Span span) except -1:
    """Whether a frame can say all that a view of the span does."""
    cdef object parent = span.parent_context, state = span.trace_state()
    if span.replaced:
        return False
    if type(state) is not TraceState:
        return False
    if span.link_contexts is not None:
        for context in span.link_contexts:
            if not (is_plain_context(context) and can_be_sent(context)):
                return False
    return parent is None or is_plain_context(parent)


cdef bint is_plain_context(object context) except -1:
    """Whether all parts of a SpanContext but its ids are of the types that frames are read as."""
    cdef object flags
    if type(context) is not SpanContext:
        return False
    flags = context.trace_flags
    return (
        type(context.trace_state) is TraceState
        and type(context.is_remote) is bool
        and type(flags) is TraceFlags
        and 0 <= <int>flags < 256
    )


cdef object beside(Span span, uint8_t *bits):
    """What a plain span's frame says beside OTLP's fields: `bits`, and the parent's trace state."""
    cdef object header = ""
    bits[0] = SPANWIRE_EMPTY_MESSAGE if span.bits & EMPTY_MESSAGE else 0
    if span.parent_context is not None:
        header = header_of(span.parent_context.trace_state)
        if header != header_of(span.trace_state()):
            bits[0] |= SPANWIRE_PARENT_STATE
    return header
