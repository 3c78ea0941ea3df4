# Cleaning: what the SDK makes of attribute values before it keeps them (opentelemetry.attributes). User code may run
# here: __str__, __len__, __iter__ and so on of whatever was given.
# gives: as_limit, has_text, shown, clean, clean_sequence, clean_mapping, bounded, as_key, as_name, as_time,
#   log_eviction, log_status
# uses: no other part

cdef Py_ssize_t as_limit(object limit):
    """A limit of length as a number; None is no limit."""
    return PY_SSIZE_T_MAX if limit is None else <Py_ssize_t>limit


cdef bint has_text(object value):
    """Whether str(value) says more than object's own text."""
    cdef object kind = type(value)
    return kind.__str__ is not object.__str__ or kind.__repr__ is not object.__repr__


cdef object shown(object value):
    """A value of the application's for a line of ours: no whole page of it, and it may not know its own text."""
    try:
        text = repr(value[:201] if isinstance(value, str) else value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 200 else text[:200] + "…"


cdef object clean(object value, Py_ssize_t limit):
    """A value of str, bool, int, float, bytes, None (or subclasses), or of tuples and dicts of them."""
    cdef object kind = type(value)
    if kind is str:
        if len(<str>value) <= limit:
            return value
    elif value is None or kind is int or kind is float or kind is bool or kind is bytes:
        return value
    elif kind is list or kind is tuple:
        return clean_sequence(value, limit)
    elif kind is dict:
        return clean_mapping(value, limit)
    elif isinstance(value, (bool, int, float, bytes)):
        return value
    if isinstance(value, str):
        if limit != PY_SSIZE_T_MAX and len(value) > limit:
            attributes_logger.warning("String attribute value exceeds max length of %d, truncating.", limit)
            value = value[:limit]
        return value
    if isinstance(value, Sequence):
        return clean_sequence(value, limit)
    if isinstance(value, Mapping):
        return clean_mapping(value, limit)
    attributes_logger.warning(
        "Invalid type `%s` for attribute value. Expected one of bool, str, None, bytes, int, float or a "
        "Mapping or Sequence of those types. Value's __str__ method will be called if it exists, otherwise the value "
        "will be replaced with None.",
        kind,
    )
    return str(value) if has_text(value) else None


cdef object clean_sequence(object value, Py_ssize_t limit):
    cdef list items = []
    Py_EnterRecursiveCall(b" while cleaning an attribute value")
    try:
        for item in value:
            items.append(clean(item, limit))
    finally:
        Py_LeaveRecursiveCall()
    return tuple(items)


cdef object clean_mapping(object value, Py_ssize_t limit):
    cdef dict entries = {}
    Py_EnterRecursiveCall(b" while cleaning an attribute value")
    try:
        for key, item in value.items():
            if not key:
                attributes_logger.warning(
                    "invalid attribute key `%s`. must be non-empty string. Dropping key from attributes.", key
                )
                continue
            if not isinstance(key, str):
                attributes_logger.warning(
                    "Invalid type `%s` for attribute key `%s`, must be a str. Key's `__str__/__repr__` method will be "
                    "called if it exists, otherwise the key/value pair will be dropped.",
                    type(key),
                    key,
                )
                if not has_text(key):
                    continue
                key = str(key)
            entries[as_key(key)] = clean(item, limit)
    finally:
        Py_LeaveRecursiveCall()
    return entries


cdef object bounded(object attributes, object most, Py_ssize_t limit, uint32_t *dropped):
    """What an event or link keeps of its attributes: None, or an exact dict of at most ``most`` entries."""
    dropped[0] = 0
    if not attributes:
        return None
    if most is not None and most == 0:
        dropped[0] = <uint32_t>len(attributes)
        return None
    if PyDict_CheckExact(attributes) and sw_is_clean(attributes, limit):
        cleaned = attributes
    else:
        cleaned = clean(attributes, limit)
        dropped[0] = <uint32_t>max(0, len(attributes) - len(cleaned))
        cleaned = dict(cleaned.items())
    cdef Py_ssize_t excess = 0 if most is None else len(cleaned) - most
    if excess > 0:
        for _ in range(excess):
            log_eviction()
        dropped[0] += <uint32_t>excess
        cleaned = dict(list(cleaned.items())[excess:])
    return cleaned


cdef object as_key(object key):
    """The key as an exact str."""
    return key if PyUnicode_CheckExact(key) else PyUnicode_FromObject(key)


cdef object as_name(object name, str what):
    """A span's or event's name as an exact str; the SDK keeps other types and then cannot export the whole batch."""
    if PyUnicode_CheckExact(name):
        return name
    if isinstance(name, str):
        return PyUnicode_FromObject(name)
    try:
        text = str(name)
    except Exception:
        text = f"<{type(name).__name__}>"
    kind = type(name).__name__
    _log.warn(f"trace.name.{what}", "The name of a%s should be a str, not %s; taken as %s", what, kind, shown(text))
    return PyUnicode_FromObject(text)


cdef uint64_t as_time(object time, str what):
    """Nanoseconds since 1970; now for None and for what is no such time, which the SDK cannot export."""
    if time is None:
        return SPANWIRE_NOW
    try:
        return <uint64_t>time if type(time) is int else <uint64_t>int(time)
    except Exception:  # whatever its __int__ raises
        _log.warn(
            f"trace.time.{what}",
            "The %s of a span should be nanoseconds since 1970, not %s; the present is taken",
            what,
            shown(time),
        )
        return SPANWIRE_NOW


cdef void log_eviction():
    attributes_logger.warning(
        "Attributes dict is full. Dropping the oldest key-value pair from attributes to make space for the new "
        "key-value pair."
    )


cdef void log_status(int status, object what):
    """Log what a call on a record's table reported; off the hot path. `log_eviction` logs evictions of attributes."""
    if status & SPANWIRE_UNENCODABLE:
        _log.warn(
            "trace.unencodable",
            "A value of %s cannot be sent by OTLP (an integer beyond 64 bits, a lone surrogate, or nested too deeply) "
            "and is left out",
            shown(what),
        )
    if status & SPANWIRE_LOSSY:
        _log.warn("trace.lossy", "%s has lone surrogates, which are no characters; U+FFFD is sent", shown(what))
    if status & SPANWIRE_PANIC:
        _log.warn(
            "trace.panic", "Internal error of spanwire while recording %s: the span is lost; please report", shown(what)
        )
