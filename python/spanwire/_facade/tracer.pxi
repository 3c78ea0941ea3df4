# The tracer. Hot: start.
# gives: kind_of, new_origin, Tracer, start_quickly, start_text, _VirtualTracer
# uses: context (look_at_runtime_context, current_context, span_in), ids (fill_ids, can_be_sent, header_of), plan
#   (Plan), private (Origin, OwnState, new_shared), scope (END_ON_EXIT, Scope), shelves (new_span, new_scope), span
#   (RECORD_EXCEPTION, SET_STATUS, INVALID_IDS, Span), span_items (record_links), values (as_limit, shown, as_key,
#   as_name, as_time)

cdef inline int kind_of(object kind) except -1:
    """OTLP's number of a SpanKind."""
    if kind is INTERNAL:
        return 1
    if kind is SERVER:
        return 2
    if kind is CLIENT:
        return 3
    if kind is PRODUCER:
        return 4
    if kind is CONSUMER:
        return 5
    _log.warn("trace.kind", "kind should be a SpanKind, not %s; INTERNAL is taken", shown(kind))
    return 1


cdef Origin new_origin(object sdk):
    """What spans are read with."""
    cdef Origin origin = Origin()
    limits = sdk._span_limits
    origin.resource = sdk.resource
    origin.scope = sdk._instrumentation_scope
    origin.info = sdk.instrumentation_info
    origin.limits = limits
    origin.value_limit = as_limit(limits.max_span_attribute_length)
    origin.nested_limit = as_limit(limits.max_attribute_length)
    origin.max_attributes = limits.max_span_attributes
    origin.max_event_attributes = limits.max_event_attributes
    origin.max_link_attributes = limits.max_link_attributes
    return origin


@cython.final
cdef class Tracer:
    """Starts spans; made by ``TracerProvider.get_tracer``.

    Wraps the SDK's tracer of the same scope, whose sampler, resource, limits and generator it follows. Stock samplers
    and the stock ``RandomIdGenerator`` are replaced by native ones that decide alike; others are asked.
    """

    cdef Origin origin
    cdef Plan plan
    cdef object sdk           # the SDK's tracer
    cdef bint is_native       # sampler and ids are native, and nothing else wants to know
    cdef bint enabled
    cdef bint native_ids
    cdef bint native_sampler
    cdef object metrics       # what counts started and live spans, or None
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        # Never None: they are read without a check.
        self.origin = Origin()
        self.plan = Plan()

    def __init__(self, sdk_tracer, Plan plan not None):
        """
        :param sdk_tracer: the ``opentelemetry.sdk.trace.Tracer`` to be replaced.
        :param plan: of the processors.
        """
        self.sdk = sdk_tracer
        self.plan = plan
        self.refresh()

    def refresh(self):
        """Look again at the SDK's tracer: its resource, sampler or configuration was changed."""
        from spanwire.trace._sampling import spec

        cdef Origin origin, unbound
        sdk = self.sdk
        limits = sdk._span_limits
        generator = sdk.id_generator
        random = getattr(generator, "is_trace_id_random", None)
        sampler = spec(sdk.sampler)
        unbound = new_origin(sdk)
        origin = new_origin(sdk)
        origin.unbound = unbound
        origin.sampler = sdk.sampler
        origin.owner = _native.NativeTracer(
            resource=sdk.resource,
            scope=sdk._instrumentation_scope,
            sampler=sampler,
            limits=(limits.max_span_attributes, limits.max_events, limits.max_links),
            random=RANDOM != 0 and random is not None,
            attached=unbound,
        )
        origin.native = <SpanwireTracer*><uintptr_t>origin.owner.address
        self.origin = origin
        metrics = getattr(sdk, "_tracer_metrics", None)
        self.metrics = None if type(metrics).__name__ == "NoOpTracerMetrics" else metrics
        self.native_ids = type(generator) is sdk_trace.RandomIdGenerator
        self.native_sampler = sampler is not None
        self.enabled = sdk._is_enabled() if hasattr(sdk, "_is_enabled") else True
        self.is_native = self.native_ids and self.native_sampler and self.enabled and self.metrics is None
        look_at_runtime_context()

    def start_as_current_span(
        self,
        name,
        context=None,
        kind=INTERNAL,
        attributes=None,
        links=(),
        start_time=None,
        record_exception=True,
        set_status_on_exception=True,
        end_on_exit=True,
    ):
        """A context manager (and decorator) that starts a span, makes it current, and ends it on leaving.

        :param name: of the span.
        :param context: where the parent is looked for; default: the current context.
        :param kind: a ``SpanKind``.
        :param attributes: visible to the sampler.
        :param links: ``Link`` objects.
        :param start_time: nanoseconds since 1970; default now.
        :param record_exception: whether an ``Exception`` that leaves is added as an event.
        :param set_status_on_exception: whether it sets the status to ERROR.
        :param end_on_exit: whether leaving ends the span.
        """
        cdef uint8_t bits = 0
        # `is True` first: asking for the truth of an object costs a call.
        if record_exception is True or record_exception:
            bits |= RECORD_EXCEPTION
        if set_status_on_exception is True or set_status_on_exception:
            bits |= SET_STATUS
        if end_on_exit is True or end_on_exit:
            bits |= END_ON_EXIT
        cdef Scope scope = new_scope(bits)
        scope.tracer = self
        scope.name = name
        if not self.is_native:
            scope.extra = (context, attributes, links, start_time, kind)
        elif context is not None or attributes is not None or start_time is not None or links:
            scope.extra = (context, attributes, links, start_time, kind)
            scope.kind = kind_of(kind)
        else:
            scope.kind = kind_of(kind)
        return scope

    def start_span(
        self,
        name,
        context=None,
        kind=INTERNAL,
        attributes=None,
        links=(),
        start_time=None,
        record_exception=True,
        set_status_on_exception=True,
    ):
        """Start a span, which does not become current. Arguments as of :meth:`start_as_current_span`."""
        cdef uint8_t bits = 0
        if record_exception is True or record_exception:
            bits |= RECORD_EXCEPTION
        if set_status_on_exception is True or set_status_on_exception:
            bits |= SET_STATUS
        cdef object previous = current_context() if context is None else None
        if not self.is_native:
            return self.start_asking(name, kind, context, previous, attributes, links, start_time, bits)
        return self.start(
            name, kind_of(kind), context, previous, attributes, links, as_time(start_time, "start time"), bits
        )

    cdef object start(
        self,
        object name,
        int kind,
        object context,
        object previous,
        object attributes,
        object links,
        uint64_t start_time,
        uint8_t bits,
    ):
        """A span of native sampler and ids. ``previous``: the current context, looked at if ``context`` is None."""
        cdef Span span = new_span()
        self.begin(span, name, kind, previous if context is None else context, start_time, bits)
        if span.record == NULL:
            return span
        if attributes is not None and not PyDict_CheckExact(attributes):
            attributes = MappingProxyType(attributes)
        return self.begun(span, attributes, links, context)

    cdef inline object start_plainly(self, object name, int kind, object previous, uint8_t bits):
        """The same with nothing but a name and a kind."""
        cdef Span span = new_span()
        self.begin(span, name, kind, previous, SPANWIRE_NOW, bits)
        if span.record != NULL:
            span.live = True
            span.tracer = self
            if self.plan.starts:
                self.plan.start(span, None)
        return span

    cdef int begin(self, Span span, object name, int kind, object context, uint64_t start_time, uint8_t bits) except -1:
        """Parent, ids, decision and, unless that is to drop the span, its record."""
        cdef SpanwireText text
        cdef SpanwireContext remote
        cdef const SpanwireContext *parent = NULL
        cdef Origin origin = self.origin
        span.origin = origin
        span.bits = bits & (RECORD_EXCEPTION | SET_STATUS)
        span.value_limit = origin.value_limit
        found = span_in(context)
        if found is not None:
            if type(found) is Span:
                if not (<Span>found).bits & INVALID_IDS:
                    parent = &(<Span>found).ids
                    if (<Span>found).shared is None:
                        (<Span>found).shared = new_shared((<Span>found).span_context)
                    span.parent_shared = (<Span>found).shared
                    if (<Span>found).parent_context is not None or (<Span>found).own is not None:
                        self.inherit(span, <Span>found)
            elif isinstance(found, ApiSpan):
                parent_context = found.get_span_context()
                if parent_context is not None:
                    if not isinstance(parent_context, SpanContext):
                        raise TypeError("parent_span_context must be a SpanContext or None.")
                    if parent_context.is_valid:
                        fill_ids(&remote, parent_context)
                        parent = &remote
                        span.parent_context = parent_context
        if not PyUnicode_CheckExact(name):
            name = as_name(name, " span")
        sw_text(name, &text)
        span.record = sw_api.begin(origin.native, parent, &span.ids, text, kind, start_time, span.spare)
        if span.record == NULL:
            if not sw_has_span_id(&span.ids):  # it panicked
                span.bits |= INVALID_IDS
            return 0
        span.spare = NULL
        if span.parent_context is not None:
            self.write_trace_state(span)
        return 0

    cdef inline object begun(self, Span span, object attributes, object links, object context):
        """A span that has its record."""
        span.live = True
        span.tracer = self
        if attributes is not None and attributes:
            span.set_all(attributes)
        if links:
            record_links(span, links)
        if self.plan.starts:
            self.plan.start(span, context)
        return span

    cdef int inherit(self, Span span, Span parent) except -1:
        """A native parent that may have a trace state."""
        state = parent.trace_state()
        if state is not DEFAULT_TRACE_STATE and state:
            span.parent_context = parent.get_span_context()
        return 0

    cdef int write_trace_state(self, Span span) except -1:
        cdef SpanwireText text
        header = header_of(span.trace_state())
        if header:
            sw_text(as_key(header), &text)
            sw_api.set_trace_state(span.record, text)
        return 0

    cdef object start_asking(
        self,
        object name,
        object kind,
        object context,
        object previous,
        object attributes,
        object links,
        object start_time,
        uint8_t bits,
    ):
        """As the SDK starts a span, asking sampler and generator."""
        cdef SpanwireText text
        cdef SpanwireContext ids, parent_ids
        cdef Origin origin = self.origin
        cdef const SpanwireContext *parent = NULL
        sdk = self.sdk
        links = links or ()
        found = span_in(previous if context is None else context)
        if found is None or not (type(found) is Span or isinstance(found, ApiSpan)):
            found = INVALID_SPAN
        parent_context = found.get_span_context()
        if parent_context is not None and not isinstance(parent_context, SpanContext):
            raise TypeError("parent_span_context must be a SpanContext or None.")
        if not self.enabled:
            return NonRecordingSpan(context=parent_context)
        generator = sdk.id_generator
        memset(&ids, 0, sizeof(ids))
        if parent_context is None or not parent_context.is_valid:
            parent_context = None
            if self.native_ids:
                sw_api.new_ids(&ids, 1)
                trace_id = int.from_bytes(ids.trace_id[:16], "big")
            else:
                trace_id = generator.generate_trace_id()
        else:
            trace_id = parent_context.trace_id
        result = sdk.sampler.should_sample(context, trace_id, name, kind, attributes, links)
        decision = result.decision
        flags = SAMPLED if decision.is_sampled() else 0
        if RANDOM:
            if parent_context is not None:
                is_random = parent_context.trace_flags.random_trace_id
            else:
                is_random = generator.is_trace_id_random()
            if is_random:
                flags |= RANDOM
        if self.native_ids:
            sw_api.new_ids(&ids, 0)
            span_id = int.from_bytes(ids.span_id[:8], "big")
        else:
            span_id = generator.generate_span_id()
        span_context = SpanContext(
            trace_id, span_id, is_remote=False, trace_flags=FLAGS[flags], trace_state=result.trace_state
        )
        ended = None if self.metrics is None else self.metrics.start_span(parent_context, decision)
        fill_ids(&ids, span_context)
        cdef Span span = new_span()
        span.origin = origin
        span.value_limit = origin.value_limit
        span.ids = ids
        span.bits = bits & (RECORD_EXCEPTION | SET_STATUS)
        if not span_context.is_valid:
            span.bits |= INVALID_IDS
        span.span_context = span_context
        span.parent_context = parent_context
        if ended is not None or (result.trace_state is not None and result.trace_state) or (
            parent_context is not None and parent_context.trace_state
        ):
            span.own = OwnState.__new__(OwnState)
            span.own.trace_state = span_context.trace_state
            span.own.on_end = ended
        if not decision.is_recording():
            return span
        if not can_be_sent(span_context):  # whoever sends it reads the view, and leaves it out
            span.replaced = {"_context": span_context}
        if parent_context is not None:
            fill_ids(&parent_ids, parent_context)
            parent = &parent_ids
        name = as_name(name, " span")
        sw_text(name, &text)
        cdef uint64_t time = as_time(start_time, "start time")
        span.record = sw_api.begin_as(origin.native, parent, &ids, text, kind_of(kind), time, span.spare)
        if span.record == NULL:
            return span
        span.spare = NULL
        self.write_trace_state(span)
        return self.begun(span, result.attributes, links, context)

    @property
    def __class__(self):
        """What isinstance() goes by beside the type, and where OpenInference looks for ``start_span``."""
        return _VirtualTracer

    def __repr__(self):
        return f"<spanwire.trace.Tracer of {self.origin.scope!r}>"

    # --- as the SDK's tracer has them ---

    @property
    def sampler(self):
        return self.sdk.sampler

    @sampler.setter
    def sampler(self, value):
        self.sdk.sampler = value
        self.refresh()

    @property
    def resource(self):
        return self.sdk.resource

    @resource.setter
    def resource(self, value):
        self.sdk.resource = value
        self.refresh()

    @property
    def span_processor(self):
        return self.sdk.span_processor

    @property
    def id_generator(self):
        return self.sdk.id_generator

    @id_generator.setter
    def id_generator(self, value):
        self.sdk.id_generator = value
        self.refresh()

    @property
    def instrumentation_info(self):
        return self.sdk.instrumentation_info

    @property
    def _span_limits(self):
        return self.sdk._span_limits

    @property
    def _instrumentation_scope(self):
        return self.sdk._instrumentation_scope

    @property
    def _tracer_config(self):
        return self.sdk._tracer_config

    def _is_enabled(self):
        return self.enabled

    def _set_tracer_config(self, tracer_config):
        self.sdk._set_tracer_config(tracer_config)
        self.refresh()

    def _set_resource(self, resource):
        self.sdk._set_resource(resource)
        self.refresh()


cdef object start_quickly(PyObject *tracer, PyObject **arguments, Py_ssize_t count, PyObject *names):
    """start_as_current_span(name) and start_as_current_span(name, kind=…)."""
    cdef Scope scope
    if count == 1 and (<Tracer>tracer).is_native and (names == NULL or sw_only_kind(names)):
        scope = new_scope(RECORD_EXCEPTION | SET_STATUS | END_ON_EXIT)
        scope.tracer = <Tracer>tracer
        scope.name = <object>arguments[0]
        scope.kind = 1 if names == NULL else kind_of(<object>arguments[1])
        return scope
    return sw_start_slowly(tracer, arguments, count, names)


cdef bytes start_text = Tracer.start_as_current_span.__doc__.encode()
sw_front_start(Tracer, start_text, <void*>start_quickly)


class _VirtualTracer(sdk_trace.Tracer):
    """Never instantiated: Tracer is registered here, for isinstance() of the SDK's class and the API's."""

    def start_span(self, *args, **kwargs):
        """Of the class, so that a proxy can be given for ``self``: spans are started by the tracer behind it."""
        while type(self) is not Tracer:
            self = self.__wrapped__
        return (<Tracer>self).start_span(*args, **kwargs)

    def start_as_current_span(self, *args, **kwargs):
        while type(self) is not Tracer:
            self = self.__wrapped__
        return (<Tracer>self).start_as_current_span(*args, **kwargs)


_VirtualTracer.register(Tracer)
