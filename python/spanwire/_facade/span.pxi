# The span. Hot: set_attribute, get_span_context, is_recording, end.
# gives: RECORD_EXCEPTION, SET_STATUS, INVALID_IDS, EMPTY_MESSAGE, REUSABLE, Span
# uses: ids (is_link, fill_ids), plan (Plan, attend_queue, submit_patiently), private (Origin, SharedContext, OwnState,
#   new_shared, Written, dropped), readable (ReadableSpan, span_info, span_name, span_kind, span_parent, span_start,
#   span_end, span_status, span_attributes, span_frozen_attributes, span_events, span_links, SpanAttributes), span_items
#   (record_event, record_link), tracer (Tracer), values (clean, as_key, as_name, as_time, log_eviction, log_status)

cdef enum:
    RECORD_EXCEPTION = 1
    SET_STATUS = 2
    INVALID_IDS = 4       # a generator gave ids that are none: no parent for anybody
    EMPTY_MESSAGE = 8     # the status has "" for a description, not None
    REUSABLE = 16         # the record is as small as any: the next span in this object takes it


@cython.final
@cython.no_gc
cdef class Span:
    """A span that is recorded as its OTLP bytes; made by a tracer. Unsampled ones have no record and do nothing.

    Same methods, properties, warnings and limits as ``opentelemetry.sdk.trace.Span``; differences are in
    docs/compatibility.md. Follows the OpenTelemetry specification, Trace SDK, "Additional Span interfaces".
    """

    cdef SpanwireRecord *record  # NULL: not recorded
    cdef SpanwireRecord *spare   # of the span that this object was before, if it was left to this one
    cdef SpanwireContext ids
    cdef Py_ssize_t value_limit
    cdef bint live               # recorded and not ended
    cdef uint8_t bits
    cdef Tracer tracer           # until the end: then `origin` is enough
    cdef Origin origin
    cdef object span_context     # SpanContext, made when asked for
    cdef SharedContext shared    # the same for children; None until the first one starts
    cdef SharedContext parent_shared  # of a native parent
    cdef object parent_context   # the parent's, unless it is what the record says and has no trace state
    cdef list link_contexts      # of the links that the record has, in their order
    cdef dict replaced           # what is read instead of the record, by the name of the SDK's private attribute
    cdef OwnState own            # of a span whose sampler was asked, or whose context was replaced
    cdef object __weakref__

    def __init__(self, *args, **kwargs):
        raise TypeError("Span must be instantiated via a tracer.")

    def __dealloc__(self):
        if self.record != NULL:
            sw_api.release(self.record)
        if self.spare != NULL:
            sw_api.release(self.spare)

    def set_attribute(self, key, value):
        """Set one attribute: a str, bool, int, float, bytes, None, or a sequence or mapping of these.

        Replaces one of the same key, which then comes last; at the limit the oldest goes, and is counted.
        """
        cdef int status
        if self.live:
            status = sw_set(self.record, key, value, self.value_limit)
            if status:
                self.set_slowly(key, value, status)
        elif self.is_reopened():
            self._attributes[key] = value
        elif self.record != NULL:
            sdk_logger.warning("Setting attribute on ended span.")

    def _log_set_status(self, int status, key):
        self.log_set_status(status, key)

    cdef int set_slowly(self, object key, object value, int status) except -1:
        """Set what is no plain value under a plain key; or only log a status."""
        if status == SW_SLOW:
            most = self.origin.max_attributes
            if most is not None and most == 0:
                sw_api.drop_attributes(self.record, 1)
                return 0
            if not key or not isinstance(key, str):
                attributes_logger.warning(
                    "invalid key `%s`. must be non-empty string. Dropping key from attributes.", key
                )
                self.drop(1)
                return 0
            self.commit(as_key(key), clean(value, self.value_limit))
            return 0
        self.log_set_status(status, key)
        return 0

    cdef int commit(self, object key, object value) except -1:
        """Sets a clean value, unless the span was ended while it was cleaned."""
        if not self.live:
            sdk_logger.warning("Setting attribute on ended span.")
            return 0
        self.log_set_status(sw_commit(self.record, key, value), key)
        return 0

    cdef void log_set_status(self, int status, object key):
        if status & SPANWIRE_EVICTED:
            log_eviction()
        if status & ~SPANWIRE_EVICTED:
            log_status(status, key)

    cdef void drop(self, Py_ssize_t count):
        if self.live and count > 0:
            sw_api.drop_attributes(self.record, <uint32_t>count)

    def set_attributes(self, attributes):
        """Set several attributes, from a mapping. All values are read before the first is set."""
        if self.live:
            self.set_all(attributes)
        elif self.is_reopened():
            self._attributes.update(attributes)
        elif self.record != NULL:
            sdk_logger.warning("Setting attribute on ended span.")

    cdef int set_all(self, object attributes) except -1:
        cdef int status, evicted = 0
        most = self.origin.max_attributes
        if most is not None and most == 0:
            self.drop(len(attributes))
            return 0
        if PyDict_CheckExact(attributes) and sw_is_clean(attributes, self.value_limit):
            status = sw_set_all(self.record, attributes, &evicted)
            for _ in range(evicted):
                log_eviction()
            if status & ~SPANWIRE_EVICTED:
                log_status(status, "attributes")
            return 0
        cleaned = clean(attributes, self.value_limit)
        self.drop(len(attributes) - len(cleaned))
        for key, value in cleaned.items():
            self.commit(as_key(key), value)
        return 0

    def add_event(self, name, attributes=None, timestamp=None):
        """Add an event. ``timestamp``: nanoseconds since 1970, default now."""
        if self.record != NULL:
            record_event(self, name, attributes, timestamp)

    def add_link(self, context, attributes=None):
        """Add a link to another span. An invalid context with neither attributes nor trace state is ignored."""
        if self.record != NULL and is_link(context, attributes):
            record_link(self, context, attributes)

    def update_name(self, name):
        """Rename the span. Sampling was decided with the old name."""
        if self.live:
            self.rename(name)
        elif self.record != NULL:
            self.log_ended("update_name")

    cdef int rename(self, object name) except -1:
        cdef SpanwireText text
        name = as_name(name, " span")
        sw_text(name, &text)
        if self.live:
            log_status(sw_api.set_name(self.record, text), name)
        return 0

    def set_status(self, status, description=None):
        """Set the status, a ``Status`` or a ``StatusCode`` with a description. OK is final; UNSET is ignored."""
        cdef SpanwireInfo info
        if not self.live:
            if self.record != NULL:
                self.log_ended("set_status")
            return
        sw_api.info(self.record, &info)
        if type(status) is not StatusCode and isinstance(status, Status):
            code = status.status_code
            if info.status_code == 1 or code is UNSET:
                return
            if description is not None:
                sdk_logger.warning(
                    "Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description
                )
            description = status.description
        elif isinstance(status, StatusCode):
            code = status
            if info.status_code == 1 or code is UNSET:
                return
            if description is not None and (code is not ERROR or type(description) is not str):
                description = Status(code, description).description  # which logs what it does not like
        else:
            return
        self.put_status(code, description)

    cdef int put_status(self, object code, object description) except -1:
        cdef SpanwireText text
        message = ""
        if description is not None:
            message = description if isinstance(description, str) else str(description)
        sw_text(message, &text)
        if not self.live:
            return 0
        self.bits &= ~EMPTY_MESSAGE
        if description is not None and not message:
            self.bits |= EMPTY_MESSAGE
        log_status(sw_api.set_status(self.record, 1 if code is OK else 2 if code is ERROR else 0, text), message)
        return 0

    def record_exception(self, exception, attributes=None, timestamp=None, escaped=False):
        """Add an ``exception`` event with type, message and stack trace; ``attributes`` override these."""
        if self.record == NULL:
            return
        stacktrace = "".join(traceback.format_exception(exception))
        kind = type(exception)
        module = kind.__module__
        qualified = kind.__qualname__
        event = {
            "exception.type": f"{module}.{qualified}" if module and module != "builtins" else qualified,
            "exception.message": str(exception),
            "exception.stacktrace": stacktrace,
            "exception.escaped": str(escaped),
        }
        if attributes:
            event.update(attributes)
        self.add_event("exception", event, timestamp)

    def is_recording(self):
        """Whether the span is recorded and not ended."""
        return self.live or self.is_reopened()

    cdef bint is_reopened(self):
        """Whether somebody took the end time from a span that has ended, to add attributes that it can be read with."""
        return self.replaced is not None and not self.live and self.replaced.get("_end_time", self) is None

    def end(self, end_time=None):
        """End the span and hand it to the processors. ``end_time``: nanoseconds since 1970, default now."""
        if self.live:
            self.finish(SPANWIRE_NOW if end_time is None else as_time(end_time, "end time"))
        elif self.record != NULL:
            sdk_logger.warning("Calling end() on an ended span.")

    cdef inline int finish(self, uint64_t time) except -1:
        cdef Plan plan
        cdef tuple ending
        cdef int status
        if not self.live:  # converting the time may have ended it
            return 0
        plan = self.tracer.plan
        self.live = False
        if plan.is_native and self.replaced is None and self.own is None:
            status = sw_api.end(self.record, time, plan.queue)
            self.tracer = None
            if not status & SPANWIRE_SPENT:
                self.bits |= REUSABLE
            if status & ~SPANWIRE_SPENT:
                # Keeps the queue: others may change the plan while this waits.
                ending = plan.on_end[0] if plan.on_end else (None,)
                if status & SPANWIRE_FULL:
                    status |= submit_patiently(self.record, plan.queue)
                attend_queue(status, ending[0])
            return 0
        tracer = self.tracer
        self.tracer = None
        if not sw_api.end(self.record, time, NULL) & SPANWIRE_SPENT:
            self.bits |= REUSABLE
        if self.own is not None and self.own.on_end is not None:
            ended, self.own.on_end = self.own.on_end, None
            ended()
        plan.end(self)
        return 0

    def get_span_context(self):
        """The span's ids, flags and trace state, which do not change."""
        if self.span_context is None:
            self.span_context = self.first_span_context()
        return self.span_context

    cdef object first_span_context(self):
        if self.shared is None:
            return self.make_span_context()
        if self.shared.context is None:
            self.shared.context = self.make_span_context()
        return self.shared.context

    cdef SharedContext share(self):
        """Where children find the span's context."""
        if self.shared is None:
            self.shared = new_shared(self.span_context)
        return self.shared

    cdef object make_span_context(self):
        return sw_span_context(
            SpanContext, &self.ids, False, FLAGS[self.ids.flags], self.trace_state(), not self.bits & INVALID_IDS
        )

    cdef object trace_state(self):
        """The span's own; DEFAULT_TRACE_STATE if it has none."""
        if self.own is not None and self.own.trace_state is not None:
            return self.own.trace_state
        return DEFAULT_TRACE_STATE if self.parent_context is None else self.parent_context.trace_state

    cdef void log_ended(self, str what):
        sdk_logger.warning("Tried calling %s on an ended span.", what)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        """Record what was raised (``BaseException`` too), and end the span."""
        if exc_val is not None and self.live:
            if self.bits & RECORD_EXCEPTION:
                self.record_exception(exc_val, escaped=True)
            if self.bits & SET_STATUS:
                self.set_status(Status(ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        self.end()

    def start(self, start_time=None, parent_context=None):
        """Only warns: a tracer starts its spans."""
        if self.record != NULL:
            sdk_logger.warning("Calling start() on a started span.")

    def __repr__(self):
        if self.record == NULL:
            return f"NonRecordingSpan({self.get_span_context()!r})"
        return f'_Span(name="{self.name}", context={self.get_span_context()})'

    def __copy__(self):
        return NonRecordingSpan(self.get_span_context()) if self.record == NULL else self.readable()

    def __reduce_ex__(self, protocol):
        if self.record == NULL:
            return NonRecordingSpan, (self.get_span_context(),)
        raise TypeError("cannot pickle a span: it belongs to its process")

    @property
    def __class__(self):
        """What isinstance() goes by beside the type: the class that the SDK would have used."""
        return NonRecordingSpan if self.record == NULL else SdkSpan

    # --- reading back: decoded when asked for; an unsampled span has none of these ---

    cdef int need_record(self, str name) except -1:
        if self.record == NULL:
            raise AttributeError(f"'NonRecordingSpan' object has no attribute '{name}'")
        return 0

    cdef bint has(self, str name):
        """Whether a private field was put in the place of what is recorded."""
        return self.replaced is not None and name in self.replaced

    cdef int put(self, str name, object value) except -1:
        """Such a field: the span reads so from now on, and is sent so."""
        self.need_record(name)
        if self.replaced is None:
            self.replaced = {}
        self.replaced[name] = value
        return 0

    cdef ReadableSpan readable(self):
        self.need_record("_readable_span")
        cdef ReadableSpan view = ReadableSpan.__new__(ReadableSpan)
        view.source = self
        if self.replaced:
            view.changed = dict(self.replaced)
        return view

    def _readable_span(self):
        return self.readable()

    @property
    def context(self):
        self.need_record("context")
        return self.get_span_context()

    @property
    def _context(self):
        return self.get_span_context()

    @_context.setter
    def _context(self, value):
        self.put("_context", value)
        self.span_context = value
        self.shared = None  # children that have started keep the context of their start
        if isinstance(value, SpanContext):  # what children and exporters go by
            fill_ids(&self.ids, value)
            self.bits = self.bits & ~INVALID_IDS | (0 if value.is_valid else INVALID_IDS)
            self.own = OwnState.__new__(OwnState) if self.own is None else self.own
            self.own.trace_state = value.trace_state

    @property
    def name(self):
        """The span's name."""
        self.need_record("name")
        return span_name(self)

    @property
    def kind(self):
        """The span's ``SpanKind``."""
        self.need_record("kind")
        return self.replaced["_kind"] if self.has("_kind") else span_kind(self)

    @property
    def parent(self):
        """The parent's ``SpanContext``, or None."""
        self.need_record("parent")
        return self.replaced["_parent"] if self.has("_parent") else span_parent(self)

    @property
    def start_time(self):
        """Nanoseconds since 1970."""
        self.need_record("start_time")
        return self.replaced["_start_time"] if self.has("_start_time") else span_start(self)

    @property
    def end_time(self):
        """Nanoseconds since 1970; None until the span has ended."""
        self.need_record("end_time")
        return self.replaced["_end_time"] if self.has("_end_time") else span_end(self)

    @property
    def status(self):
        """The span's ``Status``."""
        self.need_record("status")
        return span_status(self)

    @property
    def attributes(self):
        """A read-only mapping, live while the span has attributes."""
        self.need_record("attributes")
        if self.has("_attributes"):
            return MappingProxyType(self.replaced["_attributes"] or {})
        return span_attributes(self)

    @property
    def events(self):
        """A tuple of ``Event``."""
        self.need_record("events")
        return tuple(self._events)

    @property
    def links(self):
        """A tuple of ``Link``."""
        self.need_record("links")
        return tuple(self._links)

    @property
    def dropped_attributes(self):
        self.need_record("dropped_attributes")
        return dropped(self._attributes) if self.has("_attributes") else span_info(self).dropped_attributes

    @property
    def dropped_events(self):
        self.need_record("dropped_events")
        return dropped(self._events) if self.has("_events") else span_info(self).dropped_events

    @property
    def dropped_links(self):
        self.need_record("dropped_links")
        return dropped(self._links) if self.has("_links") else span_info(self).dropped_links

    @property
    def resource(self):
        self.need_record("resource")
        return self.replaced["_resource"] if self.has("_resource") else self.origin.resource

    @property
    def instrumentation_scope(self):
        self.need_record("instrumentation_scope")
        if self.has("_instrumentation_scope"):
            return self.replaced["_instrumentation_scope"]
        return self.origin.scope

    @property
    def instrumentation_info(self):
        self.need_record("instrumentation_info")
        return SdkReadableSpan.instrumentation_info.fget(self)

    def to_json(self, indent=4):
        """The span as JSON text, as the SDK writes it."""
        self.need_record("to_json")
        return SdkReadableSpan.to_json(self, indent)

    # --- private names of the SDK's that libraries touch ---

    _kind = Written("kind")
    _parent = Written("parent")
    _start_time = Written("start_time")
    _resource = Written("resource")
    _instrumentation_scope = Written("instrumentation_scope")

    @property
    def _name(self):
        return self.name

    @_name.setter
    def _name(self, value):
        self.need_record("_name")
        if self.live:
            self.rename(value)

    @property
    def _end_time(self):
        return self.end_time

    @_end_time.setter
    def _end_time(self, value):
        if self.live:
            raise AttributeError("_end_time of a running span cannot be set: end(end_time=...) does it")
        self.put("_end_time", value)

    @property
    def _status(self):
        return self.status

    @_status.setter
    def _status(self, value):
        self.need_record("_status")
        if self.live:
            self.put_status(value.status_code, value.description)

    @property
    def _attributes(self):
        self.need_record("_attributes")
        if self.live:
            return SpanAttributes(self)
        if not self.has("_attributes"):  # handed out, it can be changed in place
            self.put("_attributes", span_frozen_attributes(self))
        return self.replaced["_attributes"]

    @_attributes.setter
    def _attributes(self, value):
        if not self.live:
            self.put("_attributes", value)
            return
        attributes = SpanAttributes(self)
        value = dict(value or {})  # before the old ones go: it may be made of them
        attributes.clear()
        attributes._set_items(value)

    @property
    def _events(self):
        self.need_record("_events")
        return self.replaced["_events"] if self.has("_events") else span_events(self)

    @_events.setter
    def _events(self, value):
        self.put("_events", value)

    @property
    def _links(self):
        self.need_record("_links")
        return self.replaced["_links"] if self.has("_links") else span_links(self)

    @_links.setter
    def _links(self, value):
        self.put("_links", value)

    @property
    def _instrumentation_info(self):
        self.need_record("_instrumentation_info")
        return self.origin.info

    @property
    def _limits(self):
        self.need_record("_limits")
        return self.origin.limits

    @property
    def _sampler(self):
        self.need_record("_sampler")
        return self.origin.sampler

    @property
    def _span_processor(self):
        self.need_record("_span_processor")
        return None if self.tracer is None else self.tracer.span_processor

    _format_context = SdkReadableSpan.__dict__["_format_context"]
    _format_attributes = SdkReadableSpan.__dict__["_format_attributes"]
    _format_events = SdkReadableSpan.__dict__["_format_events"]
    _format_links = SdkReadableSpan.__dict__["_format_links"]
