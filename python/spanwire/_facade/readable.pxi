# Reading back: what was recorded, decoded when asked for.

@cython.final
@cython.freelist(32)
cdef class ReadableSpan:
    """A finished span for processors and exporters: what the SDK's ``ReadableSpan`` has, decoded when read.

    Private fields (``_attributes``, ``_name`` …) can be replaced, or changed in place, by processors that redact:
    whoever comes after sees and sends what they left.
    """

    cdef Span span
    cdef dict changed         # private fields that were handed out or set; None: all is as recorded
    cdef object attributes_   # decoded
    cdef object __weakref__

    def __init__(self, *args, **kwargs):
        raise TypeError("made by a span: use opentelemetry.sdk.trace.ReadableSpan to make one by hand")

    @property
    def __class__(self):
        """What isinstance() goes by beside the type."""
        return SdkReadableSpan

    def __getattr__(self, name):
        """Private fields, and whatever else the SDK's class has."""
        if self.changed is not None and name in self.changed:
            return self.changed[name]
        read = _FIELDS.get(name)
        if read is not None:
            value = read(self.span)
            if name in _KEPT:
                self.change(name, value)
            return value
        for kind in SdkReadableSpan.__mro__:
            if kind is not object and name in kind.__dict__ and not name.startswith("__"):
                return kind.__dict__[name].__get__(self, SdkReadableSpan)
        raise AttributeError(f"'ReadableSpan' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        if name in _PUBLIC:
            raise AttributeError(f"property '{name}' of 'ReadableSpan' object has no setter")
        self.change(name, value)

    def __delattr__(self, name):
        if self.changed is None or name not in self.changed:
            raise AttributeError(name)
        del self.changed[name]

    cdef int change(self, str name, object value) except -1:
        if self.changed is None:
            self.changed = {}
        self.changed[name] = value
        return 0

    cdef bint has(self, str name):
        return self.changed is not None and name in self.changed

    def __copy__(self):
        cdef ReadableSpan other = ReadableSpan.__new__(ReadableSpan)
        other.span = self.span
        other.changed = None if self.changed is None else dict(self.changed)
        return other

    def __reduce_ex__(self, protocol):
        raise TypeError("cannot pickle a span: use to_json() or spanwire.encode_spans([span])")

    def __deepcopy__(self, memo):
        """A span of the SDK's own class: the copy has nothing native to share."""
        fields = {name[1:]: copy.deepcopy(getattr(self, name), memo) for name in _FIELDS if name != "_resource"}
        return SdkReadableSpan(resource=self.resource, **fields)

    def get_span_context(self):
        return self.changed["_context"] if self.has("_context") else self.span.get_span_context()

    @property
    def context(self):
        return self.get_span_context()

    @property
    def name(self):
        return self.changed["_name"] if self.has("_name") else span_name(self.span)

    @property
    def kind(self):
        return self.changed["_kind"] if self.has("_kind") else span_kind(self.span)

    @property
    def parent(self):
        return self.changed["_parent"] if self.has("_parent") else span_parent(self.span)

    @property
    def start_time(self):
        return self.changed["_start_time"] if self.has("_start_time") else span_start(self.span)

    @property
    def end_time(self):
        return self.changed["_end_time"] if self.has("_end_time") else span_end(self.span)

    @property
    def status(self):
        return self.changed["_status"] if self.has("_status") else span_status(self.span)

    @property
    def attributes(self):
        if self.has("_attributes"):
            return MappingProxyType(self.changed["_attributes"] or {})
        if self.attributes_ is None:
            self.attributes_ = MappingProxyType(sw_api.attributes(self.span.record))
        return self.attributes_

    @property
    def events(self):
        # What is handed out can be changed in place, so it is what will be sent.
        return tuple(self._events)

    @property
    def links(self):
        return tuple(self._links)

    @property
    def dropped_attributes(self):
        if self.has("_attributes"):
            return SdkReadableSpan.dropped_attributes.fget(self)
        return span_info(self.span).dropped_attributes

    @property
    def dropped_events(self):
        if self.has("_events"):
            return SdkReadableSpan.dropped_events.fget(self)
        return span_info(self.span).dropped_events

    @property
    def dropped_links(self):
        if self.has("_links"):
            return SdkReadableSpan.dropped_links.fget(self)
        return span_info(self.span).dropped_links

    @property
    def resource(self):
        return self.changed["_resource"] if self.has("_resource") else self.span.origin.resource

    @property
    def instrumentation_scope(self):
        if self.has("_instrumentation_scope"):
            return self.changed["_instrumentation_scope"]
        return self.span.origin.scope

    @property
    def instrumentation_info(self):
        return SdkReadableSpan.instrumentation_info.fget(self)

    def to_json(self, indent=4):
        """The span as JSON text."""
        return SdkReadableSpan.to_json(self, indent)


sw_refuse_new(ReadableSpan)


cdef SpanwireInfo span_info(Span span):
    cdef SpanwireInfo info
    sw_api.info(span.record, &info)
    return info


cdef object span_name(Span span):
    cdef SpanwireInfo info = span_info(span)
    return PyUnicode_DecodeUTF8(info.name, info.name_length, b"replace")


cdef object span_kind(Span span):
    cdef SpanwireInfo info = span_info(span)
    return KINDS[info.kind] if info.kind < 6 else INTERNAL


cdef object span_parent(Span span):
    cdef SpanwireInfo info
    if span.parent_context is not None:
        return span.parent_context
    info = span_info(span)
    if not info.has_parent:
        return None
    return sw_span_context(
        SpanContext, &info.parent, bool(info.parent.is_remote), FLAGS[info.parent.flags], DEFAULT_TRACE_STATE, True
    )


cdef object span_start(Span span):
    return span_info(span).start


cdef object span_end(Span span):
    cdef SpanwireInfo info = span_info(span)
    return info.end if info.ended else None


cdef object span_status(Span span):
    cdef SpanwireInfo info = span_info(span)
    message = None
    if info.status_message_length:
        message = PyUnicode_DecodeUTF8(info.status_message, info.status_message_length, b"replace")
    elif span.bits & EMPTY_MESSAGE:
        message = ""
    return Status(STATUS_CODES[info.status_code], message)


cdef object span_attributes(Span span):
    """As the SDK: a live view if there are any, else a detached empty one."""
    if not span_info(span).attributes:
        return MappingProxyType({})
    if span.live:
        return MappingProxyType(SpanAttributes(span))
    return MappingProxyType(sw_api.attributes(span.record))


cdef object bounded_attributes(object most, Py_ssize_t limit, dict entries, uint32_t dropped, bint immutable):
    attributes = BoundedAttributes(most, None, immutable, None if limit == PY_SSIZE_T_MAX else limit)
    attributes._dict = entries
    attributes.dropped = dropped
    return attributes


cdef object span_frozen_attributes(Span span):
    """All attributes as the SDK keeps them in an ended span."""
    cdef SpanwireInfo info = span_info(span)
    return bounded_attributes(
        span.origin.max_attributes,
        span.origin.value_limit,
        sw_api.attributes(span.record),
        info.dropped_attributes,
        info.ended,
    )


cdef object span_events(Span span):
    cdef Origin origin = span.origin
    events = BoundedList(origin.limits.max_events)
    for name, time, entries, dropped in sw_api.events(span.record):
        attributes = bounded_attributes(origin.max_event_attributes, origin.nested_limit, entries, dropped, True)
        events.append(sdk_trace.Event(name, attributes, time))
    events.dropped = span_info(span).dropped_events
    return events


cdef object span_links(Span span):
    cdef Origin origin = span.origin
    links = BoundedList(origin.limits.max_links)
    for trace_id, span_id, flags, is_remote, header, entries, dropped in sw_api.links(span.record):
        state = TraceState.from_header([header]) if header else DEFAULT_TRACE_STATE
        context = SpanContext(trace_id, span_id, is_remote, FLAGS[flags & 0xFF], state)
        links.append(
            Link(context, bounded_attributes(origin.max_link_attributes, origin.nested_limit, entries, dropped, True))
        )
    links.dropped = span_info(span).dropped_links
    return links


cdef Span recorded(object span):
    """The span of a Python caller, who may have given anything."""
    cdef Span found = <Span?>span
    found.need_record("_attributes")
    return found


class SpanAttributes(BoundedAttributes):
    """A live span's attributes, under the SDK's private name. What is recorded is read; writes go through the span."""

    def __init__(self, span):
        self._span = recorded(span)

    @property
    def _dict(self):
        return sw_api.attributes(recorded(self._span).record)

    @property
    def maxlen(self):
        return recorded(self._span).origin.max_attributes

    @property
    def max_value_len(self):
        return recorded(self._span).origin.limits.max_span_attribute_length

    @property
    def dropped(self):
        return span_info(recorded(self._span)).dropped_attributes

    @property
    def _immutable(self):
        return not recorded(self._span).live

    def _raise_if_immutable(self):  # which older SDKs do not have
        if self._immutable:
            raise TypeError("Cannot mutate immutable BoundedAttributes")

    def __setitem__(self, key, value):
        self._raise_if_immutable()
        self._span.set_attribute(key, value)

    def _set_items(self, attributes):
        self._raise_if_immutable()
        self._span.set_attributes(attributes)

    def __delitem__(self, key):
        cdef SpanwireText text
        cdef Span span = recorded(self._span)
        self._raise_if_immutable()
        if key not in self._dict:
            raise KeyError(key)
        self._raise_if_immutable()  # comparing the key may have ended the span
        key = as_key(key)  # kept as long as `text`
        sw_text(key, &text)
        sw_api.remove(span.record, text, <uint64_t>hash(key))

    def __iter__(self):
        return iter(self._dict)

    def __deepcopy__(self, memo):
        return copy.deepcopy(span_frozen_attributes(recorded(self._span)), memo)


_FIELDS = {
    "_name": lambda span: span_name(recorded(span)),
    "_context": lambda span: span.get_span_context(),
    "_kind": lambda span: span_kind(recorded(span)),
    "_parent": lambda span: span_parent(recorded(span)),
    "_start_time": lambda span: span_start(recorded(span)),
    "_end_time": lambda span: span_end(recorded(span)),
    "_status": lambda span: span_status(recorded(span)),
    "_attributes": lambda span: span_frozen_attributes(recorded(span)),
    "_events": lambda span: span_events(recorded(span)),
    "_links": lambda span: span_links(recorded(span)),
    "_resource": lambda span: recorded(span).origin.resource,
    "_instrumentation_scope": lambda span: recorded(span).origin.scope,
    "_instrumentation_info": lambda span: recorded(span).origin.info,
}
# Handed out, these can be changed in place.
_KEPT = {"_attributes", "_events", "_links"}
_PUBLIC = {
    "attributes", "context", "dropped_attributes", "dropped_events", "dropped_links", "end_time", "events",
    "instrumentation_info", "instrumentation_scope", "kind", "links", "name", "parent", "resource", "start_time",
    "status",
}
