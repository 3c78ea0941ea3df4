# Making a span current. The API's own ContextVar is set directly, if that is what the API uses; else its functions are
# called.
# gives: VAR, look_at_runtime_context, current_context, span_in, get_current_span
# uses: span (Span)

cdef object VAR = None  # the ContextVar; None: another runtime context is in use


cdef void look_at_runtime_context():
    """Whether the API's context is the stock one: OTEL_PYTHON_CONTEXT replaces it, and tests do so later."""
    global VAR
    cdef object runtime = context_api._RUNTIME_CONTEXT
    VAR = runtime._current_context if type(runtime) is ContextVarsRuntimeContext else None


cdef inline object current_context():
    """The API's current Context."""
    cdef PyObject *found = NULL
    if VAR is None:
        return context_api.get_current()
    PyContextVar_Get(VAR, NULL, &found)
    if found == NULL:
        return Context()
    context = <object>found
    Py_DECREF(found)
    return context


cdef inline object span_in(object context):
    """What is under the API's key for spans in a Context, or None."""
    cdef PyObject *found
    if PyDict_Check(context):
        found = PyDict_GetItemWithError(context, SPAN_KEY) if PyDict_Size(context) else NULL
        return None if found == NULL else <object>found
    return context.get(SPAN_KEY)


def get_current_span(context=None):
    """The current span, or that of ``context``, as ``opentelemetry.trace.get_current_span`` finds it."""
    if context is None:
        context = current_context()
    span = span_in(context)
    return span if type(span) is Span or isinstance(span, ApiSpan) else INVALID_SPAN


look_at_runtime_context()
