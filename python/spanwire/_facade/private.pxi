# What spans keep of their tracer, and what is put in the place of what they recorded.
# gives: Origin, SharedContext, OwnState, new_shared, Written, dropped
# uses: prepare (put_private)

@cython.final
cdef class Origin:
    """What a span keeps of its tracer: nothing here refers to spans, so a span that is kept makes no cycle."""

    cdef SpanwireTracer *native
    cdef object owner          # the _native.NativeTracer behind `native`
    cdef object resource, scope, info, limits, sampler
    cdef Py_ssize_t value_limit, nested_limit  # lengths of the span's, and of events' and links' strings
    cdef object max_attributes, max_event_attributes, max_link_attributes
    cdef Origin unbound        # the same without `native` and `owner`, which refers to it; in that one, None


@cython.final
@cython.freelist(64)
@cython.no_gc
cdef class SharedContext:
    """The one SpanContext object of a span, for the span and its children: whichever is asked first makes it.

    A child refers to this, not to its parent: a chain of spans does not keep its ancestors alive.
    """

    cdef object context  # None until it is asked for


@cython.final
@cython.no_gc
cdef class OwnState:
    """What few spans have: their own trace state, where it is not their parent's, and what is called at the end."""

    cdef object trace_state  # None: the parent's
    cdef object on_end       # of metrics that count live spans


cdef inline SharedContext new_shared(object context):
    cdef SharedContext shared = SharedContext.__new__(SharedContext)
    if context is not None:
        shared.context = context
    return shared


class Written:
    """A private field of the SDK's span that libraries write; the property without the underscore reads it."""

    def __init__(self, name):
        self.name = name

    def __get__(self, span, kind=None):
        return self if span is None else getattr(span, self.name)

    def __set__(self, span, value):
        put_private(span, f"_{self.name}", value)


cdef object dropped(object written):
    """What the SDK takes for the count of what was dropped from attributes, events or links."""
    return written.dropped if isinstance(written, (BoundedAttributes, BoundedList)) else 0
