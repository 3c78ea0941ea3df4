# What start_as_current_span and use_span return: a context manager and decorator. Hot: entering and leaving.
# gives: END_ON_EXIT, ENTERED, DIRECT, Scope, raised, log_detach_failure, scope_vectorcall, prepare_scope, decorate,
#   use_span
# uses: context (VAR, current_context), shelves (new_scope), span (RECORD_EXCEPTION, SET_STATUS, Span), tracer (Tracer),
#   values (as_time)

cdef enum:
    END_ON_EXIT = 4       # beside RECORD_EXCEPTION and SET_STATUS
    ENTERED = 8
    DIRECT = 16           # the ContextVar was set, not the API called


@cython.final
cdef class Scope:
    """Makes a span current between ``__enter__`` and ``__exit__``, once; or around each call of a decorated function.

    The span starts at ``__enter__``. As with the SDK, a generator function that is decorated is covered while it makes
    its generator, a coroutine function until its coroutine is done.
    """

    cdef Tracer tracer
    cdef object span
    cdef object name
    cdef object token
    cdef object made      # the Context that was made current
    cdef tuple extra      # (context, attributes, links, start_time), if one of them was given
    cdef void *vectorcall
    cdef int kind
    cdef uint8_t bits

    def __init__(self, *args, **kwargs):
        raise TypeError("Scopes are made by start_as_current_span() and use_span().")

    def __enter__(self):
        return self.enter()

    def __exit__(self, exc_type, exc_val, exc_tb):
        return self.leave(exc_type, exc_val)

    def __call__(self, *args, **kwargs):
        """Decorate a function: each call of it gets a span of its own."""
        (function,) = args
        return decorate(self, function)

    def _recreate_cm(self):
        """A fresh scope of the same arguments."""
        return self.again()

    cdef Scope again(self):
        if self.bits & ENTERED:
            raise AttributeError("this context manager was entered already: it can be used once")
        cdef Scope scope = new_scope(self.bits)
        scope.tracer = self.tracer
        scope.span = self.span
        scope.name = self.name
        scope.extra = self.extra
        scope.kind = self.kind
        return scope

    cdef inline object enter(self):
        cdef Span span
        if self.bits & ENTERED:
            raise AttributeError("this context manager was entered already: it can be used once")
        self.bits |= ENTERED
        previous = current_context()
        if self.tracer is not None:
            if self.tracer.is_native:
                if self.extra is None:
                    made = self.tracer.start_plainly(self.name, self.kind, previous, self.bits)
                else:
                    made = self.tracer.start(
                        self.name, self.kind, self.extra[0], previous, self.extra[1], self.extra[2],
                        as_time(self.extra[3], "start time"), self.bits,
                    )
            else:
                made = self.start_asking(previous)
            if self.tracer.plan.starts:
                previous = current_context()  # a processor may have changed it
            self.span = made
            self.attach(made, previous)
            return made
        try:
            self.attach(self.span, previous)
        except BaseException as error:
            self.fail(type(error), error)
            raise
        return self.span

    cdef object start_asking(self, object previous):
        if self.extra is None:  # the tracer was changed since
            return self.tracer.start_asking(
                self.name, KINDS[self.kind], None, previous, None, (), None, self.bits
            )
        context, attributes, links, start_time, kind = self.extra
        return self.tracer.start_asking(self.name, kind, context, previous, attributes, links, start_time, self.bits)

    cdef inline int attach(self, object span, object previous) except -1:
        if VAR is not None and PyDict_Check(previous):
            context = sw_make_context(CONTEXT, <PyObject*>previous, SPAN_KEY, span)
            self.token = PyContextVar_Set(VAR, context)
            self.made = context
            self.bits |= DIRECT
        else:
            self.token = context_api.attach(context_api.set_value(SPAN_KEY, span))
        return 0

    cdef inline int detach(self) except -1:
        cdef PyObject *made
        token = self.token
        self.token = None
        if not self.bits & DIRECT or VAR is None:
            context_api.detach(token)
            return 0
        if sw_reset(VAR, token) < 0:
            log_detach_failure()
        token = None
        made = <PyObject*>self.made
        Py_INCREF_(made)
        self.made = None
        sw_drop_context(made, SPAN_KEY)
        return 0

    cdef inline object leave(self, object exc_type, object exc_val):
        cdef Span span
        if self.token is None:
            return self.leave_again(exc_type)
        self.detach()
        if exc_type is not None:
            self.fail(exc_type, exc_val)
        elif self.bits & END_ON_EXIT:
            if type(self.span) is Span:
                span = <Span>self.span
                if span.live:
                    span.finish(SPANWIRE_NOW)
                elif span.record != NULL:
                    span.end()
            else:
                self.span.end()
        return False

    cdef object leave_again(self, object exc_type):
        """Leaves what is not entered: contextlib's managers of generators raise, unless they were left before."""
        if exc_type is None and not self.bits & ENTERED:
            raise RuntimeError("this context manager was not entered")
        return False

    cdef int fail(self, object exc_type, object exc_val) except -1:
        """The body raised: exceptions (not other BaseExceptions) are recorded, and the span ends."""
        span = self.span
        try:
            if issubclass(exc_type, Exception) and isinstance(span, ApiSpan) and span.is_recording():
                if self.bits & RECORD_EXCEPTION:
                    span.record_exception(exc_val)
                if self.bits & SET_STATUS:
                    span.set_status(Status(ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        finally:
            if self.bits & END_ON_EXIT:
                span.end()
        return 0


cdef int raised() except -1:
    """For what was raised by a call that Cython did not look at."""
    return -1


cdef int log_detach_failure() except -1:
    """As the API: another context than the one it was made current in is left, by a generator for example."""
    try:
        raised()
    except Exception:
        context_api.logger.exception("Failed to detach context")
    return 0


cdef object scope_vectorcall(PyObject *scope, PyObject **arguments, size_t flagged, PyObject *names):
    """By number of arguments: __enter__, __exit__, or a decoration."""
    cdef size_t count = flagged & ~(<size_t>1 << (8 * sizeof(size_t) - 1))
    if names == NULL:
        if count == 0:
            return (<Scope>scope).enter()
        if count == 3:
            return (<Scope>scope).leave(<object>arguments[0], <object>arguments[1])
        if count == 1:
            return decorate(<Scope>scope, <object>arguments[0])
    raise TypeError("a scope is used by `with`, or as a decorator of one function")


cdef int prepare_scope() except -1:
    cdef Scope scope = Scope.__new__(Scope)
    sw_call_itself(Scope, <char*>&scope.vectorcall - <char*><PyObject*>scope)
    return 0


prepare_scope()


cdef object decorate(Scope scope, object function):
    from spanwire.trace._decorator import decorate as with_scope

    return with_scope(scope, function)


def use_span(span, end_on_exit=False, record_exception=True, set_status_on_exception=True):
    """Make a span current: as ``opentelemetry.trace.use_span``, natively.

    :param end_on_exit: whether leaving ends the span.
    :param record_exception: whether an ``Exception`` that leaves is added as an event.
    :param set_status_on_exception: whether it sets the status to ERROR.
    """
    cdef Scope scope = new_scope(
        (RECORD_EXCEPTION if record_exception else 0)
        | (SET_STATUS if set_status_on_exception else 0)
        | (END_ON_EXIT if end_on_exit else 0)
    )
    scope.span = span
    return scope
