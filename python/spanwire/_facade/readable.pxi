# Reading back: what was recorded, decoded when asked for.
# gives: ReadableSpan, when_all_have_seen, span_info, span_origin, span_values, span_name, span_kind, span_parent,
#   shared_parent, span_start, span_end, span_status, span_attributes, bounded_attributes, span_frozen_attributes,
#   span_event_parts, span_link_parts, span_events, span_links, recorded, readable_source, SpanAttributes, _FIELDS,
#   _KEPT, _PUBLIC
# uses: frames (Frame), private (Origin, SharedContext, dropped), span (EMPTY_MESSAGE, Span), values (as_key)

@cython.final
@cython.freelist(32)
cdef class ReadableSpan:
    """A finished span for processors and exporters: what the SDK's ``ReadableSpan`` has, decoded when read.

    Private fields (``_attributes``, ``_name`` …) can be replaced, or changed in place, by processors that redact:
    whoever comes after sees and sends what they left.
    """

    cdef object source        # a Span, or the Frame of one
    cdef dict changed         # private fields that were handed out or set; None: all is as recorded
    cdef object attributes_   # decoded
    cdef list waiting         # what to call once every processor has seen it; None: they all have
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
            value = read(self.source)
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

    cdef int release(self) except -1:
        cdef list waiting
        waiting, self.waiting = self.waiting, None
        for call in waiting:
            call(self)
        return 0

    cdef bint has(self, str name):
        return self.changed is not None and name in self.changed

    def __copy__(self):
        cdef ReadableSpan other = ReadableSpan.__new__(ReadableSpan)
        other.source = self.source
        other.changed = None if self.changed is None else dict(self.changed)
        return other

    def __reduce_ex__(self, protocol):
        raise TypeError("cannot pickle a span: use to_json() or spanwire.encode_spans([span])")

    def __deepcopy__(self, memo):
        """A span of the SDK's own class: the copy has nothing native to share."""
        fields = {name[1:]: copy.deepcopy(getattr(self, name), memo) for name in _FIELDS if name != "_resource"}
        return SdkReadableSpan(resource=self.resource, **fields)

    def get_span_context(self):
        return self.changed["_context"] if self.has("_context") else self.source.get_span_context()

    @property
    def context(self):
        return self.get_span_context()

    @property
    def name(self):
        return self.changed["_name"] if self.has("_name") else span_name(self.source)

    @property
    def kind(self):
        return self.changed["_kind"] if self.has("_kind") else span_kind(self.source)

    @property
    def parent(self):
        return self.changed["_parent"] if self.has("_parent") else span_parent(self.source)

    @property
    def start_time(self):
        return self.changed["_start_time"] if self.has("_start_time") else span_start(self.source)

    @property
    def end_time(self):
        return self.changed["_end_time"] if self.has("_end_time") else span_end(self.source)

    @property
    def status(self):
        return self.changed["_status"] if self.has("_status") else span_status(self.source)

    @property
    def attributes(self):
        if self.has("_attributes"):
            return MappingProxyType(self.changed["_attributes"] or {})
        if self.attributes_ is None:
            self.attributes_ = MappingProxyType(span_values(self.source))
        return self.attributes_

    @property
    def events(self):
        if not self.has("_events") and not span_info(self.source).events:
            return ()
        # What is handed out can be changed in place, so it is what will be sent.
        return tuple(self._events)

    @property
    def links(self):
        if not self.has("_links") and not span_info(self.source).links:
            return ()
        return tuple(self._links)

    @property
    def dropped_attributes(self):
        if self.has("_attributes"):
            return SdkReadableSpan.dropped_attributes.fget(self)
        return span_info(self.source).dropped_attributes

    @property
    def dropped_events(self):
        if self.has("_events"):
            return SdkReadableSpan.dropped_events.fget(self)
        return span_info(self.source).dropped_events

    @property
    def dropped_links(self):
        if self.has("_links"):
            return SdkReadableSpan.dropped_links.fget(self)
        return span_info(self.source).dropped_links

    @property
    def resource(self):
        return self.changed["_resource"] if self.has("_resource") else span_origin(self.source).resource

    @property
    def instrumentation_scope(self):
        if self.has("_instrumentation_scope"):
            return self.changed["_instrumentation_scope"]
        return span_origin(self.source).scope

    @property
    def instrumentation_info(self):
        return SdkReadableSpan.instrumentation_info.fget(self)

    def to_json(self, indent=4):
        """The span as JSON text."""
        return SdkReadableSpan.to_json(self, indent)


sw_refuse_new(ReadableSpan)


def when_all_have_seen(span, call):
    """Calls `call` with the span: a view of ours after the last processor's `on_end`, if that of one runs; or else now.

    With the SDK a queue keeps the very object: what a processor behind it redacts, or one beside it in a concurrent
    processor, is not sent.
    """
    cdef list waiting = (<ReadableSpan>span).waiting if type(span) is ReadableSpan else None
    if waiting is None:
        call(span)
    else:
        waiting.append(call)


# What a span's record and a finished span's frame are read by. `source`: a Span that has a record, or a Frame.

cdef SpanwireInfo span_info(object source):
    cdef SpanwireInfo info
    if type(source) is Frame:
        (<Frame>source).look()
        return (<Frame>source).info
    sw_api.info((<Span>source).record, &info)
    return info


cdef Origin span_origin(object source):
    return (<Frame>source).origin if type(source) is Frame else (<Span>source).origin


cdef dict span_values(object source):
    """The attributes, decoded."""
    return (<Frame>source).attributes() if type(source) is Frame else sw_api.attributes((<Span>source).record)


cdef object span_name(object source):
    cdef SpanwireInfo info = span_info(source)
    return PyUnicode_DecodeUTF8(info.name, info.name_length, b"replace")


cdef object span_kind(object source):
    cdef SpanwireInfo info = span_info(source)
    return KINDS[info.kind] if info.kind < 6 else INTERNAL


cdef object span_parent(object source):
    cdef SpanwireInfo info
    if type(source) is Frame:
        return (<Frame>source).parent_context()
    if (<Span>source).parent_context is not None:
        return (<Span>source).parent_context
    if (<Span>source).parent_shared is None:
        return None
    return shared_parent((<Span>source).parent_shared, span_info(source))


cdef object shared_parent(SharedContext shared, SpanwireInfo info):
    """The context of a native parent without a trace state; made from what its child has recorded, if need be."""
    if shared.context is None:
        shared.context = sw_span_context(
            SpanContext, &info.parent, bool(info.parent.is_remote), FLAGS[info.parent.flags], DEFAULT_TRACE_STATE, True
        )
    return shared.context


cdef object span_start(object source):
    return span_info(source).start


cdef object span_end(object source):
    cdef SpanwireInfo info = span_info(source)
    return info.end if info.ended else None


cdef object span_status(object source):
    cdef SpanwireInfo info = span_info(source)
    message = None
    if info.status_message_length:
        message = PyUnicode_DecodeUTF8(info.status_message, info.status_message_length, b"replace")
    elif (<Frame>source).rest.has_empty_message if type(source) is Frame else (<Span>source).bits & EMPTY_MESSAGE:
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


cdef object span_frozen_attributes(object source):
    """All attributes as the SDK keeps them in an ended span."""
    cdef Origin origin = span_origin(source)
    cdef SpanwireInfo info = span_info(source)
    return bounded_attributes(
        origin.max_attributes,
        origin.value_limit,
        span_values(source),
        info.dropped_attributes,
        info.ended,
    )


cdef list span_event_parts(object source):
    return (<Frame>source).events() if type(source) is Frame else sw_api.events((<Span>source).record)


cdef list span_link_parts(object source):
    return (<Frame>source).links() if type(source) is Frame else sw_api.links((<Span>source).record)


cdef object span_events(object source):
    cdef Origin origin = span_origin(source)
    events = BoundedList(origin.limits.max_events)
    for name, time, entries, dropped in span_event_parts(source):
        attributes = bounded_attributes(origin.max_event_attributes, origin.nested_limit, entries, dropped, True)
        events.append(sdk_trace.Event(name, attributes, time))
    events.dropped = span_info(source).dropped_events
    return events


cdef object span_links(object source):
    cdef Origin origin = span_origin(source)
    cdef list contexts = (<Frame>source).link_contexts if type(source) is Frame else (<Span>source).link_contexts
    links = BoundedList(origin.limits.max_links)
    for index, (trace_id, span_id, flags, is_remote, header, entries, dropped) in enumerate(span_link_parts(source)):
        if contexts is not None:
            context = contexts[index]
        else:
            state = TraceState.from_header([header]) if header else DEFAULT_TRACE_STATE
            context = SpanContext(trace_id, span_id, is_remote, FLAGS[flags & 0xFF], state)
        links.append(
            Link(context, bounded_attributes(origin.max_link_attributes, origin.nested_limit, entries, dropped, True))
        )
    links.dropped = span_info(source).dropped_links
    return links


cdef Span recorded(object span):
    """The span of a Python caller, who may have given anything."""
    cdef Span found = <Span?>span
    found.need_record("_attributes")
    return found


cdef object readable_source(object source):
    """The same of a frame too."""
    return source if type(source) is Frame else recorded(source)


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
    "_name": lambda source: span_name(readable_source(source)),
    "_context": lambda source: source.get_span_context(),
    "_kind": lambda source: span_kind(readable_source(source)),
    "_parent": lambda source: span_parent(readable_source(source)),
    "_start_time": lambda source: span_start(readable_source(source)),
    "_end_time": lambda source: span_end(readable_source(source)),
    "_status": lambda source: span_status(readable_source(source)),
    "_attributes": lambda source: span_frozen_attributes(readable_source(source)),
    "_events": lambda source: span_events(readable_source(source)),
    "_links": lambda source: span_links(readable_source(source)),
    "_resource": lambda source: span_origin(readable_source(source)).resource,
    "_instrumentation_scope": lambda source: span_origin(readable_source(source)).scope,
    "_instrumentation_info": lambda source: span_origin(readable_source(source)).info,
}
# Handed out, these can be changed in place.
_KEPT = {"_attributes", "_events", "_links"}
_PUBLIC = {
    "attributes", "context", "dropped_attributes", "dropped_events", "dropped_links", "end_time", "events",
    "instrumentation_info", "instrumentation_scope", "kind", "links", "name", "parent", "resource", "start_time",
    "status",
}
