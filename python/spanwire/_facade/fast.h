/* What the hot path does between Python's objects and the table: no call back into Python, nothing kept, nothing allocated. */
#ifndef SPANWIRE_FAST_H
#define SPANWIRE_FAST_H

#include <string.h>

#include "spanwire_api.h"

/* What is read here of the interpreter's structures was looked up for each version up to 3.14. */
#if PY_VERSION_HEX >= 0x030F0000 && !defined(SPANWIRE_ANY_PYTHON)
#error "spanwire supports CPython 3.10 to 3.14; SPANWIRE_BUILD_ANY_PYTHON=1 tries what nobody has tested"
#endif

#define SW_LIKELY(x) __builtin_expect(!!(x), 1)
#define SW_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Beyond the table's status bits: the value or key is not of a kind that is written in place. */
#define SW_SLOW 0x100

/* The module's own copy of the table: one load less a call. */
static SpanwireApi sw_api;

/* The characters of a str (or subclass), in place. -1 with an exception set if there is no memory for a legacy str. */
static __attribute__((noinline)) int sw_text_slow(PyObject *str, SpanwireText *out) {
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(str) < 0) return -1;
#endif
    size_t length = (size_t)PyUnicode_GET_LENGTH(str) << 2;
    out->data = PyUnicode_DATA(str);
    switch (PyUnicode_KIND(str)) {
    case PyUnicode_1BYTE_KIND: out->length = length | (PyUnicode_IS_ASCII(str) ? SPANWIRE_UTF8 : SPANWIRE_LATIN1); break;
    case PyUnicode_2BYTE_KIND: out->length = length | SPANWIRE_UCS2; break;
    default: out->length = length | SPANWIRE_UCS4;
    }
    return 0;
}

/* Those of a compact ASCII str. */
static inline SpanwireText sw_ascii(PyObject *str) {
    SpanwireText text = {(const char *)str + sizeof(PyASCIIObject), (size_t)((PyASCIIObject *)str)->length << 2};
    return text;
}

static inline int sw_text(PyObject *str, SpanwireText *out) {
    if (SW_LIKELY(PyUnicode_IS_COMPACT_ASCII(str))) {
        *out = sw_ascii(str);
        return 0;
    }
    return sw_text_slow(str, out);
}

/* Whether an exact int has one digit: then *out is its value. */
static inline int sw_small_int(PyObject *value, int64_t *out) {
#if PY_VERSION_HEX >= 0x030C0000
    if (PyUnstable_Long_IsCompact((const PyLongObject *)value)) {
        *out = PyUnstable_Long_CompactValue((const PyLongObject *)value);
        return 1;
    }
#else
    Py_ssize_t size = Py_SIZE(value);
    if (size >= -1 && size <= 1) {
        *out = size * (int64_t)((PyLongObject *)value)->ob_digit[0];
        return 1;
    }
#endif
    return 0;
}

/* Whether a value is a scalar of exact type that is clean as it is. */
static inline int sw_is_scalar(PyObject *value, Py_ssize_t limit) {
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type) return PyUnicode_GET_LENGTH(value) <= limit;
    return type == &PyLong_Type || type == &PyBool_Type || type == &PyFloat_Type || type == &PyBytes_Type || value == Py_None;
}

/* Whether a list or tuple, exactly, has only items of exact types that are clean as they are. */
static int sw_is_plain(PyObject *value, PyTypeObject *type, Py_ssize_t limit) {
    if (type != &PyList_Type && type != &PyTuple_Type) return 0;
    PyObject **items = PySequence_Fast_ITEMS(value);
    for (Py_ssize_t at = 0, count = PySequence_Fast_GET_SIZE(value); at < count; at++)
        if (!sw_is_scalar(items[at], limit)) return 0;
    return 1;
}

/* Sets one attribute of exact types; `limit` is how many characters a str may have. SW_SLOW: it is none that can be set so. */
static __attribute__((noinline)) int sw_set_rarely(SpanwireRecord *record, PyObject *key, PyObject *value, Py_ssize_t limit) {
    SpanwireText name, text;
    if (SW_UNLIKELY(!PyUnicode_CheckExact(key))) return SW_SLOW;
    if (SW_UNLIKELY(sw_text(key, &name) < 0)) { PyErr_Clear(); return SW_SLOW; }
    if (SW_UNLIKELY(name.length < 4)) return SW_SLOW;
    Py_hash_t hash = ((PyASCIIObject *)key)->hash;
    if (SW_UNLIKELY(hash == -1)) hash = PyObject_Hash(key);
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type) {
        if (SW_UNLIKELY(PyUnicode_GET_LENGTH(value) > limit)) return SW_SLOW;
        if (SW_UNLIKELY(sw_text(value, &text) < 0)) { PyErr_Clear(); return SW_SLOW; }
        return sw_api.set_str(record, name, (uint64_t)hash, text);
    }
    if (type == &PyLong_Type) {
        int64_t number;
        if (SW_UNLIKELY(!sw_small_int(value, &number))) {
            int overflow;
            number = PyLong_AsLongLongAndOverflow(value, &overflow);
            if (overflow) return sw_api.set_value(record, name, (uint64_t)hash, value);
        }
        return sw_api.set_int(record, name, (uint64_t)hash, number);
    }
    if (type == &PyBool_Type) return sw_api.set_bool(record, name, (uint64_t)hash, value == Py_True);
    if (type == &PyFloat_Type) return sw_api.set_float(record, name, (uint64_t)hash, PyFloat_AS_DOUBLE(value));
    if (type == &PyBytes_Type || value == Py_None || sw_is_plain(value, type, limit)) return sw_api.set_value(record, name, (uint64_t)hash, value);
    return SW_SLOW;
}

/* The same; what most calls have is written without a detour. */
static inline int sw_set(SpanwireRecord *record, PyObject *key, PyObject *value, Py_ssize_t limit) {
    if (SW_LIKELY(PyUnicode_CheckExact(key) && PyUnicode_IS_COMPACT_ASCII(key))) {
        SpanwireText name = sw_ascii(key);
        uint64_t hash = (uint64_t)((PyASCIIObject *)key)->hash;
        PyTypeObject *type = Py_TYPE(value);
        int64_t number;
        if (SW_LIKELY(name.length > 0 && hash != UINT64_MAX)) {
            if (type == &PyUnicode_Type) {
                if (SW_LIKELY(PyUnicode_IS_COMPACT_ASCII(value) && ((PyASCIIObject *)value)->length <= limit))
                    return sw_api.set_str(record, name, hash, sw_ascii(value));
            } else if (type == &PyLong_Type) {
                if (SW_LIKELY(sw_small_int(value, &number))) return sw_api.set_int(record, name, hash, number);
            } else if (type == &PyFloat_Type) {
                return sw_api.set_float(record, name, hash, PyFloat_AS_DOUBLE(value));
            } else if (type == &PyBool_Type)
                return sw_api.set_bool(record, name, hash, value == Py_True);
        }
    }
    return sw_set_rarely(record, key, value, limit);
}

/* Any clean value under an exact str that is not empty. */
static inline int sw_commit(SpanwireRecord *record, PyObject *key, PyObject *value) {
    int status = sw_set(record, key, value, PY_SSIZE_T_MAX);
    if (status != SW_SLOW) return status;
    SpanwireText name;
    if (sw_text(key, &name) < 0) { PyErr_Clear(); return SPANWIRE_UNENCODABLE; }
    return sw_api.set_value(record, name, (uint64_t)PyObject_Hash(key), value);
}

/* Whether a dict has only exact strs as keys, none empty, and values of exact types that are clean as they are. */
static int sw_is_clean(PyObject *dict, Py_ssize_t limit) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value)) {
        if (!PyUnicode_CheckExact(key) || PyUnicode_GET_LENGTH(key) == 0 || !sw_is_scalar(value, limit)) return 0;
    }
    return 1;
}

/* Sets all attributes of such a dict: no Python code runs, so it stays as it is. */
static int sw_set_all(SpanwireRecord *record, PyObject *dict, int *evicted) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int status = 0;
    while (PyDict_Next(dict, &at, &key, &value)) {
        int one = sw_commit(record, key, value);
        *evicted += (one & SPANWIRE_EVICTED) != 0;
        status |= one;
    }
    return status;
}

/* --- methods called for every span ------------------------------------------------------------------------------------ */

/* Cython's own argument parsing costs as much as the work of these; usual calls go past it, others to the original method. */

typedef PyObject *(*sw_method)(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

/* Calls the method that was replaced. */
static PyObject *sw_call_original(PyObject *original, PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                                  PyObject *names) {
    PyObject *stack[16];
    Py_ssize_t total = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    if (total > 15) return PyErr_Format(PyExc_TypeError, "%R takes fewer than %zd arguments", original, total);
    stack[0] = self;
    for (Py_ssize_t at = 0; at < total; at++) stack[at + 1] = arguments[at];
    return PyObject_Vectorcall(original, stack, (size_t)count + 1, names);
}

/* Puts a method in front of one that a type has; answers the original, a new reference. `definition` is static. */
static PyObject *sw_put_in_front(PyObject *type_object, PyMethodDef *definition) {
    PyTypeObject *type = (PyTypeObject *)type_object;
    PyObject *original = PyDict_GetItemString(type->tp_dict, definition->ml_name), *method;
    if (original == NULL || (method = PyDescr_NewMethod(type, definition)) == NULL) return NULL;
    Py_INCREF(original);
    int failed = PyDict_SetItemString(type->tp_dict, definition->ml_name, method);
    Py_DECREF(method);
    if (failed) {
        Py_DECREF(original);
        return NULL;
    }
    PyType_Modified(type);
    return original;
}

/* Where a Span has its record, its limit of length and whether it is live. */
static Py_ssize_t sw_record_at, sw_limit_at, sw_live_at;
static PyObject *sw_original_set_attribute;

/* What has to be logged or cleaned. */
static __attribute__((noinline)) PyObject *sw_set_attribute_slowly(PyObject *self, PyObject *const *arguments, int status) {
    if (status != SW_SLOW) return PyObject_CallMethod(self, "_log_set_status", "iO", status, arguments[0]); /* it is set */
    return sw_call_original(sw_original_set_attribute, self, arguments, 2, NULL);
}

static PyObject *sw_set_attribute(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    char *span = (char *)self;
    int status = SW_SLOW;
    if (SW_UNLIKELY(count != 2 || names != NULL))
        return sw_call_original(sw_original_set_attribute, self, arguments, count, names);
    if (SW_LIKELY(*(int *)(span + sw_live_at))) {
        status = sw_set(*(SpanwireRecord **)(span + sw_record_at), arguments[0], arguments[1],
                        *(Py_ssize_t *)(span + sw_limit_at));
        if (SW_LIKELY(status == 0)) Py_RETURN_NONE;
    } else if (*(SpanwireRecord **)(span + sw_record_at) == NULL)
        Py_RETURN_NONE; /* not sampled */
    return sw_set_attribute_slowly(self, arguments, status);
}

static PyMethodDef sw_set_attribute_definition = {
    "set_attribute", (PyCFunction)(void (*)(void))sw_set_attribute, METH_FASTCALL | METH_KEYWORDS, NULL};

static int sw_front_set_attribute(PyObject *type, const char *text, Py_ssize_t record, Py_ssize_t limit, Py_ssize_t live) {
    sw_record_at = record;
    sw_limit_at = limit;
    sw_live_at = live;
    sw_set_attribute_definition.ml_doc = text;
    sw_original_set_attribute = sw_put_in_front(type, &sw_set_attribute_definition);
    return sw_original_set_attribute == NULL ? -1 : 0;
}

static PyObject *sw_original_start, *sw_kind_name;

static PyMethodDef sw_start_definition = {"start_as_current_span", NULL, METH_FASTCALL | METH_KEYWORDS, NULL};

static int sw_front_start(PyObject *type, const char *text, void *method) {
    sw_kind_name = PyUnicode_InternFromString("kind");
    if (sw_kind_name == NULL) return -1;
    sw_start_definition.ml_doc = text;
    sw_start_definition.ml_meth = (PyCFunction)method;
    sw_original_start = sw_put_in_front(type, &sw_start_definition);
    return sw_original_start == NULL ? -1 : 0;
}

/* Whether the only keyword of a call is `kind`. */
static inline int sw_only_kind(PyObject *names) {
    return PyTuple_GET_SIZE(names) == 1 && PyTuple_GET_ITEM(names, 0) == sw_kind_name;
}

static PyObject *sw_start_slowly(PyObject *self, PyObject **arguments, Py_ssize_t count, PyObject *names) {
    return sw_call_original(sw_original_start, self, arguments, count, names);
}

/* In the place of tp_new: without a span there is nothing to read. */
static PyObject *sw_refuse(PyTypeObject *type, PyObject *arguments, PyObject *names) {
    (void)arguments, (void)names;
    return PyErr_Format(PyExc_TypeError, "%s is made by a span: use opentelemetry.sdk.trace.ReadableSpan to make one by hand",
                        type->tp_name);
}

static void sw_refuse_new(PyObject *type) {
    ((PyTypeObject *)type)->tp_new = sw_refuse;
    PyType_Modified((PyTypeObject *)type);
}

/* --- contexts --------------------------------------------------------------------------------------------------------- */

#define SW_POOLED 16
static PyObject *sw_pool[SW_POOLED];
static int sw_pooled;

/* An empty opentelemetry.context.Context, without running dict's __init__. */
static inline PyObject *sw_new_context(PyObject *type) {
    static PyObject *empty;
    if (SW_UNLIKELY(empty == NULL) && (empty = PyTuple_New(0)) == NULL) return NULL;
    return PyDict_Type.tp_new((PyTypeObject *)type, empty, NULL);
}

/* A Context with the entries of `previous` and `span` under `key`: from the pool if there are no other entries. */
static inline PyObject *sw_make_context(PyObject *type, PyObject *previous, PyObject *key, PyObject *span) {
    Py_ssize_t size = previous == NULL ? 0 : PyDict_GET_SIZE(previous);
    int foreign = size > 1 || (size == 1 && PyDict_GetItemWithError(previous, key) == NULL);
    PyObject *made;
    if (SW_LIKELY(!foreign && sw_pooled > 0))
        made = sw_pool[--sw_pooled];
    else {
        made = sw_new_context(type);
        if (made == NULL) return NULL;
        if (foreign && PyDict_Update(made, previous) < 0) goto failed;
    }
    if (SW_UNLIKELY(PyDict_SetItem(made, key, span) < 0)) goto failed;
    return made;
failed:
    Py_DECREF(made);
    return NULL;
}

/* Takes our reference to a context that is no longer current: back to the pool if nobody else has seen it. */
static inline void sw_drop_context(PyObject *context, PyObject *key) {
    /* The span goes first: a weakref's callback may run then, and start spans. */
    if (SW_LIKELY(Py_REFCNT(context) == 1 && PyDict_GET_SIZE(context) == 1 && PyDict_SetItem(context, key, Py_None) == 0 &&
                  Py_REFCNT(context) == 1 && sw_pooled < SW_POOLED))
        sw_pool[sw_pooled++] = context;
    else
        Py_DECREF(context);
}

/* --- shelves ---------------------------------------------------------------------------------------------------------- */

/* Objects of one type that wait for their next use, with a reference count of 0. */
#define SW_SHELF 64
typedef struct {
    PyObject *waiting[SW_SHELF];
    int count;
    destructor dealloc; /* the type's own: frees */
} SwShelf;

/* The object that came last; there is one. */
static inline PyObject *sw_take(SwShelf *shelf) {
    PyObject *taken = shelf->waiting[--shelf->count];
#ifdef Py_TRACE_REFS
    _Py_NewReference(taken); /* such a build lists living objects */
#else
    Py_INCREF(taken);
#endif
    return taken;
}

/* Whether an object without references can go to the shelf: not one that weak references must be told of. */
static inline int sw_is_kept(const SwShelf *shelf, PyObject *gone) {
    Py_ssize_t weak = Py_TYPE(gone)->tp_weaklistoffset;
    return SW_LIKELY(shelf->count < SW_SHELF && (weak == 0 || *(PyObject **)((char *)gone + weak) == NULL));
}

/* Puts it there; frees it if there is no room, as there may be none since sw_is_kept() if Python code has run. */
static inline void sw_put(SwShelf *shelf, PyObject *gone) {
    if (SW_LIKELY(sw_is_kept(shelf, gone)))
        shelf->waiting[shelf->count++] = gone;
    else
        shelf->dealloc(gone);
}

static inline void sw_track(PyObject *object) { PyObject_GC_Track(object); }
static inline void sw_untrack(PyObject *object) { PyObject_GC_UnTrack(object); }

static void sw_replace_dealloc(SwShelf *shelf, PyObject *type, void *dealloc) {
    shelf->dealloc = ((PyTypeObject *)type)->tp_dealloc;
    ((PyTypeObject *)type)->tp_dealloc = (destructor)dealloc;
}

/* --- SpanContext ------------------------------------------------------------------------------------------------------ */

static inline PyObject *sw_int(const uint8_t *bytes, size_t length) {
#if PY_VERSION_HEX >= 0x030D0000
    return PyLong_FromUnsignedNativeBytes(bytes, length, Py_ASNATIVEBYTES_BIG_ENDIAN);
#else
    return _PyLong_FromByteArray(bytes, length, 0, 0);
#endif
}

static inline int sw_has_span_id(const SpanwireContext *ids) {
    uint64_t span_id;
    memcpy(&span_id, ids->span_id, sizeof(span_id));
    return span_id != 0;
}

/* A SpanContext by tuple's own constructor. */
static inline PyObject *sw_span_context(PyObject *type, const SpanwireContext *ids, PyObject *remote, PyObject *flags,
                                        PyObject *state, PyObject *valid) {
    PyObject *result = NULL, *trace = sw_int(ids->trace_id, 16), *span = sw_int(ids->span_id, 8), *items, *arguments;
    if (trace != NULL && span != NULL && (items = PyTuple_Pack(6, trace, span, remote, flags, state, valid)) != NULL) {
        if ((arguments = PyTuple_Pack(1, items)) != NULL) {
            result = PyTuple_Type.tp_new((PyTypeObject *)type, arguments, NULL);
            Py_DECREF(arguments);
        }
        Py_DECREF(items);
    }
    Py_XDECREF(trace);
    Py_XDECREF(span);
    return result;
}

/* --- `with` on a scope ------------------------------------------------------------------------------------------------ */

/* Up to 3.13 `with` looks __enter__ and __exit__ up and calls what it finds: a descriptor that answers the scope itself, called
   by vectorcall, saves two bound methods. From 3.14 on there is nothing to save. */
typedef struct {
    PyObject_HEAD
    PyObject *original;
} sw_itself;

static PyObject *sw_itself_get(PyObject *self, PyObject *object, PyObject *type) {
    (void)type;
    PyObject *found = object != NULL ? object : ((sw_itself *)self)->original;
    Py_INCREF(found);
    return found;
}

static PyTypeObject sw_itself_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "spanwire._facade.core._itself",
    .tp_basicsize = sizeof(sw_itself),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_descr_get = sw_itself_get,
};

static int sw_call_itself(PyObject *type_object, Py_ssize_t offset) {
    PyTypeObject *type = (PyTypeObject *)type_object;
    const char *names[] = {"__enter__", "__exit__"};
    type->tp_vectorcall_offset = offset;
    type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
    type->tp_call = PyVectorcall_Call;
#if PY_VERSION_HEX < 0x030E0000
    if (PyType_Ready(&sw_itself_type) < 0) return -1;
    for (int i = 0; i < 2; i++) {
        PyObject *original = PyDict_GetItemString(type->tp_dict, names[i]);
        sw_itself *descriptor = PyObject_New(sw_itself, &sw_itself_type);
        if (original == NULL || descriptor == NULL) return -1;
        Py_INCREF(original);
        descriptor->original = original;
        int failed = PyDict_SetItemString(type->tp_dict, names[i], (PyObject *)descriptor);
        Py_DECREF(descriptor);
        if (failed) return -1;
    }
#else
    (void)names;
#endif
    PyType_Modified(type);
    return 0;
}

#endif
