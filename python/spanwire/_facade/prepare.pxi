# What is done to the class Span once it is there.
# gives: put_private, set_attribute_text, prepare_span, _VirtualSpan
# uses: span (Span)

cdef int put_private(object span, str name, object value) except -1:
    return (<Span?>span).put(name, value)


cdef bytes set_attribute_text = Span.set_attribute.__doc__.encode()


cdef int prepare_span() except -1:
    """Finds out where the fields are that fast.h reads, and puts its set_attribute in front."""
    cdef Span span = Span.__new__(Span)
    cdef char *start = <char*><PyObject*>span
    return sw_front_set_attribute(
        Span,
        set_attribute_text,
        <char*>&span.record - start,
        <char*>&span.value_limit - start,
        <char*>&span.live - start,
    )


prepare_span()


class _VirtualSpan(ApiSpan):
    """Never instantiated. Registered on trace.Span itself, Span would never enter that class's cache."""


_VirtualSpan.register(Span)
