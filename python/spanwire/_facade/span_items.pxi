# Events and links of a span.
# gives: record_event, record_link, keep_link_context, record_links
# uses: ids (is_link, fill_ids, header_of), readable (bounded_attributes), span (Span), values (bounded, as_name,
#   as_time, log_status)

cdef int record_event(Span span, object name, object attributes, object timestamp) except -1:
    cdef uint32_t dropped
    cdef uint64_t time
    kept = bounded(attributes, span.origin.max_event_attributes, span.origin.nested_limit, &dropped)
    name = as_name(name, "n event")
    time = as_time(timestamp, "timestamp of an event")
    if not span.live:
        span.log_ended("_add_event")
        return 0
    if span.replaced is not None and "_events" in span.replaced:
        entries = bounded_attributes(
            span.origin.max_event_attributes, span.origin.nested_limit, dict(kept or {}), dropped, True
        )
        span.replaced["_events"].append(sdk_trace.Event(name, entries, None if time == SPANWIRE_NOW else time))
        return 0
    cdef SpanwireText text
    sw_text(name, &text)
    cdef int status = sw_api.add_event(span.record, text, time, NULL if kept is None else <PyObject*>kept, dropped)
    if status & ~SPANWIRE_EVICTED:
        log_status(status, name)
    return 0


cdef int record_link(Span span, object context, object attributes) except -1:
    cdef uint32_t dropped
    kept = bounded(attributes, span.origin.max_link_attributes, span.origin.nested_limit, &dropped)
    if not span.live:
        span.log_ended("_add_link")
        return 0
    if span.replaced is not None and "_links" in span.replaced:
        entries = bounded_attributes(
            span.origin.max_link_attributes, span.origin.nested_limit, dict(kept or {}), dropped, True
        )
        span.replaced["_links"].append(Link(context, entries))
        return 0
    cdef SpanwireContext ids
    cdef SpanwireText text
    fill_ids(&ids, context)
    header = header_of(getattr(context, "trace_state", None))
    if not span.live:  # reading the context may have run anything
        return 0
    sw_text(header, &text)
    cdef int status = sw_api.add_link(span.record, &ids, text, NULL if kept is None else <PyObject*>kept, dropped)
    keep_link_context(span, context, status)
    if status & ~SPANWIRE_EVICTED:
        log_status(status, "a link")
    return 0


cdef int keep_link_context(Span span, object context, int status) except -1:
    """Keeps the object of a link's context, which is read back as it was given. One for each link of the record."""
    cdef SpanwireInfo info
    if span.link_contexts is None:
        span.link_contexts = []
    if status & SPANWIRE_EVICTED:
        span.link_contexts = span.link_contexts[1:]
    span.link_contexts.append(context)
    sw_api.info(span.record, &info)
    if info.links < len(span.link_contexts):  # the record has no room for it, or the limit is 0
        span.link_contexts.pop()
    return 0


cdef int record_links(Span span, object links) except -1:
    """Links given at the start."""
    for link in links:
        if link and is_link(link.context, link.attributes):
            record_link(span, link.context, link.attributes)
    return 0
