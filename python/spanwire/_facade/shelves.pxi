# Spans and scopes that are done with wait on shelves for their next use, a span with its record: what allocator,
# collector and constructor would do for each is done once. On a shelf an object is as its constructor leaves it, but
# for a span's spare record, ids and limit; nothing refers to it, and the collector does not see it.
# gives: span_shelf, scope_shelf, new_span, dealloc_span, new_scope, dealloc_scope, prepare_shelves
# uses: scope (Scope), span (REUSABLE, Span)

cdef SwShelf span_shelf, scope_shelf


cdef inline Span new_span():
    return <Span>sw_take(&span_shelf) if span_shelf.count else Span.__new__(Span)


cdef void dealloc_span(PyObject *gone) noexcept:
    """tp_dealloc. No reference is taken to what has none: it would be freed when that one goes."""
    if sw_is_kept(&span_shelf, gone):
        if (<Span>gone).record != NULL:
            if (<Span>gone).bits & REUSABLE:
                (<Span>gone).spare = (<Span>gone).record
            else:
                sw_api.release((<Span>gone).record)
            (<Span>gone).record = NULL
        (<Span>gone).live = False
        (<Span>gone).bits = 0
        # Python code may run from here on, and fill the shelf. What is None already is left alone: None's count is the
        # one word that all of this, and the interpreter, waits for.
        (<Span>gone).origin = None
        if (<Span>gone).tracer is not None:
            (<Span>gone).tracer = None
        if (<Span>gone).span_context is not None:
            (<Span>gone).span_context = None
        if (<Span>gone).parent_context is not None:
            (<Span>gone).parent_context = None
        if (<Span>gone).shared is not None:
            (<Span>gone).shared = None
        if (<Span>gone).parent_shared is not None:
            (<Span>gone).parent_shared = None
        if (<Span>gone).link_contexts is not None:
            (<Span>gone).link_contexts = None
        if (<Span>gone).replaced is not None:
            (<Span>gone).replaced = None
        if (<Span>gone).own is not None:
            (<Span>gone).own = None
    sw_put(&span_shelf, gone)


cdef inline Scope new_scope(uint8_t bits):
    cdef Scope scope
    if scope_shelf.count:
        scope = <Scope>sw_take(&scope_shelf)
        sw_track(scope)
    else:
        scope = Scope.__new__(Scope)
    scope.vectorcall = <void*>scope_vectorcall  # whoever calls Scope() shelves one without
    scope.bits = bits
    return scope


cdef void dealloc_scope(PyObject *gone) noexcept:
    """tp_dealloc, as dealloc_span."""
    sw_untrack(gone)
    if sw_is_kept(&scope_shelf, gone):
        (<Scope>gone).bits = 0
        (<Scope>gone).tracer = None
        (<Scope>gone).span = None
        (<Scope>gone).name = None
        if (<Scope>gone).token is not None:
            (<Scope>gone).token = None
        if (<Scope>gone).made is not None:
            (<Scope>gone).made = None
        if (<Scope>gone).extra is not None:
            (<Scope>gone).extra = None
    sw_put(&scope_shelf, gone)


cdef int prepare_shelves() except -1:
    sw_replace_dealloc(&span_shelf, Span, <void*>dealloc_span)
    sw_replace_dealloc(&scope_shelf, Scope, <void*>dealloc_scope)
    return 0


prepare_shelves()
