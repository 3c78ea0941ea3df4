# What a provider's processors want to hear. Base-class hooks do nothing, so they are not called; with none left, and at
# most one queue to be fed natively, no Python object is made for a span but Span and Scope.
# gives: base_hook, overrides, FrameQueue, native_queue, Several, neighbours_share, Plan, attend_queue,
#   submit_patiently, submit_changed
# uses: frames (keep_ended), readable (ReadableSpan), span (Span), values (log_status)

cdef object base_hook(str name):
    return getattr(sdk_trace.SpanProcessor, name, None)


cdef bint overrides(object processor, str name) except -1:
    """Whether calling the hook can do anything."""
    if name in getattr(processor, "__dict__", ()):
        return True
    hook = getattr(type(processor), name, None)
    return hook is not base_hook(name) and (hook is not None or hasattr(processor, name))


cdef object FrameQueue = getattr(_native, "FrameQueue", None)


cdef object native_queue(object processor):
    """The _native.FrameQueue of a processor that takes finished frames, or None."""
    queue = getattr(processor, "_queue", None)
    if type(queue) is not FrameQueue or not getattr(type(processor).on_end, "_takes_frames", False):
        return None
    return None if "on_end" in getattr(processor, "__dict__", ()) else queue


class Several:
    """Batch processors with neighbouring places, whose spans wait in one queue."""

    def __init__(self, processors):
        self.processors = processors

    def _attend(self):
        for processor in self.processors:
            processor._attend()


cdef list neighbours_share(list ends):
    """What is called at a span's end, with one queue for those next to each other that only want its bytes.

    They must keep them at the same place: in memory, or by the same settings on the disk.
    """
    cdef list folded = [], run = []
    for processor, queue in [*ends, (None, None)]:
        if queue is not None and queue.may_share and (not run or queue.shares_with(run[0][1])):
            run.append((processor, queue))
            continue
        if len(run) > 1:
            shared = _native.SharedQueue([queue for _, queue in run])
            folded.append((Several([processor for processor, _ in run]), shared))
        else:
            folded += run
        run = []
        if queue is not None and queue.may_share:
            run.append((processor, queue))
        elif processor is not None:
            folded.append((processor, queue))
    return folded


@cython.final
cdef class Plan:
    """Which processors are called at a span's start, ending and end, in order."""

    cdef bint starts              # somebody wants on_start
    cdef bint is_native           # at the end, at most `queue` wants anything
    cdef SpanwireQueue *queue
    cdef tuple processors, on_start, on_ending
    cdef tuple on_end             # (processor or Several, its _native queue or None, how many before it have none)
    cdef tuple reading            # (processor, _native.FrameQueue of which Python reads, its address, on_end before it)
    cdef object __weakref__

    def __cinit__(self):
        self.set_processors(())

    def set_processors(self, processors):
        """:param processors: ``SpanProcessor`` objects in the order in which they are called."""
        cdef list ends = [], reading = []
        processors = tuple(processors)
        for processor in processors:
            plans = getattr(processor, "_plans", None)
            if type(plans) is WeakSet:  # it says when its hooks were replaced: until then we go by those that it has
                plans.add(self)
            queue = native_queue(processor)
            if queue is not None and getattr(processor, "_reads_frames", False):
                reading.append((processor, queue, queue.address, sum([before is None for _, before in ends])))
            elif queue is not None or overrides(processor, "on_end"):
                ends.append((processor, queue))
        ends = neighbours_share(ends)
        # The old ones go at the very end: what they run when freed may end spans, by this plan.
        before = (self.processors, self.on_start, self.on_ending, self.on_end, self.reading)
        self.processors = processors
        self.on_start = tuple([processor for processor in processors if overrides(processor, "on_start")])
        self.on_ending = tuple([processor for processor in processors if overrides(processor, "_on_ending")])
        self.on_end = tuple([
            (processor, queue, sum([before is None for _, before in ends[:index]]))
            for index, (processor, queue) in enumerate(ends)
        ])
        self.reading = tuple(reading)
        self.starts = len(self.on_start) > 0
        self.is_native = (
            not self.on_ending and not reading and (not ends or (len(ends) == 1 and ends[0][1] is not None))
        )
        self.queue = NULL
        if self.is_native and ends:
            self.queue = <SpanwireQueue*><uintptr_t>ends[0][1].address
        before = None

    @property
    def span_processors(self):
        return self.processors

    cdef int start(self, Span span, object context) except -1:
        for processor in self.on_start:
            processor.on_start(span, parent_context=context)
        return 0

    cdef int end(self, Span span) except -1:
        """After the end time was set: call all processors in order, with the same view.

        Queues are fed last: with the SDK the exporter is given the very object, later, and sees what any processor has
        left of it, also one that was added after the exporter's, as to a provider that opentelemetry-instrument made.
        """
        cdef ReadableSpan view = None
        cdef Py_ssize_t called = 0
        for processor in self.on_ending:
            processor._on_ending(span)
        try:
            for processor, queue, _ in self.on_end:
                if queue is None:
                    if view is None:
                        view = span.readable()
                        view.waiting = []
                    processor.on_end(view)
                    called += 1
        finally:
            # One that raises keeps the span from all after it.
            if view is not None:
                view.release()
            elif span.replaced:
                view = span.readable()
            for processor, queue, before in self.on_end:
                if queue is None or before > called:
                    continue
                if view is not None and view.changed is not None:
                    submit_changed(span, view, processor, queue)
                elif span.ids.flags & SAMPLED:
                    attend_queue(submit_patiently(span.record, <SpanwireQueue*><uintptr_t>queue.address), processor)
            for processor, _, address, before in self.reading:
                if before <= called:
                    attend_queue(keep_ended(<SpanwireQueue*><uintptr_t>address, span, view), processor)
        return 0


cdef int attend_queue(int status, object processor) except -1:
    """Attend to the queue of `processor` as the table's answer to an appended span asks."""
    if status & SPANWIRE_ATTEND:
        processor._attend()
    if status & SPANWIRE_PANIC:
        log_status(SPANWIRE_PANIC, "end")
    return 0


cdef int submit_patiently(SpanwireRecord *record, SpanwireQueue *queue) noexcept:
    """Appends the record's frame; where the queue blocks it waits for room, without the GIL.

    The record has ended, the caller keeps its span, and nobody writes to it.
    """
    cdef uint64_t waited = 0
    cdef int status = sw_api.submit(record, queue)
    while status & SPANWIRE_FULL:
        status = sw_api.wait_room(queue, &waited)
        if status:
            return status
        status = sw_api.submit(record, queue)
    return status


cdef int submit_changed(Span span, ReadableSpan view, object processor, object queue) except -1:
    """A processor took out or replaced private fields, to redact them: what is sent is what it left."""
    cdef bytes frame
    cdef SpanwireQueue *into
    cdef uint64_t waited = 0
    cdef int status
    if not view.get_span_context().trace_flags.sampled:
        return 0
    if view.has("_resource") or view.has("_instrumentation_scope"):  # the queue's frames have those of the tracer
        for one in processor.processors if type(processor) is Several else (processor,):
            one.on_end(view)
        return 0
    frame = _native.encode_span(view)
    if frame is None:
        return 0
    into = <SpanwireQueue*><uintptr_t>queue.address
    status = sw_api.submit_bytes(span.origin.native, <const uint8_t*><const char*>frame, len(frame), into)
    while status & SPANWIRE_FULL:
        status = sw_api.wait_room(into, &waited)
        if status:
            break
        status = sw_api.submit_bytes(span.origin.native, <const uint8_t*><const char*>frame, len(frame), into)
    attend_queue(status, processor)
    return 0
