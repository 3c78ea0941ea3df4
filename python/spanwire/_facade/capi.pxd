"""The table of spanwire_api.h for Cython; that file says what each function does. Every one needs the GIL."""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from cpython.object cimport PyObject

cdef extern from "spanwire_api.h":
    uint32_t SPANWIRE_ABI
    uint64_t SPANWIRE_NOW

    enum:
        SPANWIRE_EVICTED
        SPANWIRE_UNENCODABLE
        SPANWIRE_PANIC
        SPANWIRE_LOSSY
        SPANWIRE_ATTEND
        SPANWIRE_SPENT
        SPANWIRE_FULL

    enum:
        SPANWIRE_UTF8
        SPANWIRE_LATIN1
        SPANWIRE_UCS2
        SPANWIRE_UCS4

    ctypedef struct SpanwireText:
        const void *data
        size_t length

    ctypedef struct SpanwireContext:
        uint8_t trace_id[16]
        uint8_t span_id[8]
        uint8_t flags
        uint8_t is_remote
        uint8_t unused[6]

    ctypedef struct SpanwireRecord:
        pass
    ctypedef struct SpanwireTracer:
        pass
    ctypedef struct SpanwireQueue:
        pass

    ctypedef struct SpanwireInfo:
        uint64_t start
        uint64_t end
        const char *name
        size_t name_length
        const char *status_message
        size_t status_message_length
        uint32_t attributes
        uint32_t dropped_attributes
        uint32_t events
        uint32_t dropped_events
        uint32_t links
        uint32_t dropped_links
        uint8_t kind
        uint8_t status_code
        uint8_t ended
        uint8_t has_parent
        SpanwireContext parent

    enum:
        SPANWIRE_EMPTY_MESSAGE
        SPANWIRE_PARENT_STATE

    ctypedef struct SpanwireRest:
        SpanwireContext ids
        const char *trace_state
        size_t trace_state_length
        const char *parent_state
        size_t parent_state_length
        uint8_t has_empty_message

    ctypedef struct SpanwireApi:
        uint32_t abi
        uint32_t size
        object (*encode_spans)(object spans, int w3c_flags)

        SpanwireRecord *(*begin)(SpanwireTracer *tracer, const SpanwireContext *parent, SpanwireContext *out,
                                 SpanwireText name, int kind, uint64_t start, SpanwireRecord *spare) noexcept
        SpanwireRecord *(*begin_as)(SpanwireTracer *tracer, const SpanwireContext *parent, const SpanwireContext *ids,
                                    SpanwireText name, int kind, uint64_t start, SpanwireRecord *spare) noexcept
        void (*new_ids)(SpanwireContext *out, int root) noexcept

        int (*set_str)(SpanwireRecord *record, SpanwireText key, uint64_t hash, SpanwireText value) noexcept
        int (*set_int)(SpanwireRecord *record, SpanwireText key, uint64_t hash, int64_t value) noexcept
        int (*set_float)(SpanwireRecord *record, SpanwireText key, uint64_t hash, double value) noexcept
        int (*set_bool)(SpanwireRecord *record, SpanwireText key, uint64_t hash, int value) noexcept
        int (*set_value)(SpanwireRecord *record, SpanwireText key, uint64_t hash, object value) noexcept
        int (*remove)(SpanwireRecord *record, SpanwireText key, uint64_t hash) noexcept
        void (*drop_attributes)(SpanwireRecord *record, uint32_t count) noexcept

        # `attributes` may be NULL.
        int (*add_event)(SpanwireRecord *record, SpanwireText name, uint64_t time, PyObject *attributes,
                         uint32_t dropped) noexcept
        int (*add_link)(SpanwireRecord *record, const SpanwireContext *context, SpanwireText trace_state,
                        PyObject *attributes, uint32_t dropped) noexcept
        int (*set_name)(SpanwireRecord *record, SpanwireText name) noexcept
        int (*set_status)(SpanwireRecord *record, int code, SpanwireText message) noexcept
        int (*set_trace_state)(SpanwireRecord *record, SpanwireText header) noexcept

        int (*end)(SpanwireRecord *record, uint64_t end, SpanwireQueue *queue) noexcept
        int (*submit)(SpanwireRecord *record, SpanwireQueue *queue) noexcept
        int (*submit_bytes)(SpanwireTracer *tracer, const uint8_t *frame, size_t length, SpanwireQueue *queue) noexcept
        void (*release)(SpanwireRecord *record) noexcept

        void (*info)(const SpanwireRecord *record, SpanwireInfo *out) noexcept
        object (*attributes)(const SpanwireRecord *record)
        object (*events)(const SpanwireRecord *record)
        object (*links)(const SpanwireRecord *record)
        object (*frame)(const SpanwireRecord *record)

        int (*keep)(SpanwireRecord *record, SpanwireQueue *queue, uint8_t bits, SpanwireText parent_state) noexcept
        int (*keep_object)(SpanwireQueue *queue, object span) noexcept
        object (*kept_frame)(const SpanwireRecord *record, uint8_t bits, SpanwireText parent_state)
        object (*take_frames)(SpanwireQueue *queue, size_t max_spans)
        int (*frame_info)(const uint8_t *frame, size_t length, SpanwireInfo *info, SpanwireRest *rest) noexcept
        object (*frame_attributes)(const uint8_t *frame, size_t length)
        object (*frame_events)(const uint8_t *frame, size_t length)
        object (*frame_links)(const uint8_t *frame, size_t length)

        int (*wait_room)(SpanwireQueue *queue, uint64_t *waited) noexcept


cdef extern from "fast.h":
    int SW_SLOW
    SpanwireApi sw_api
    int sw_text(object text, SpanwireText *out) except -1
    int sw_set(SpanwireRecord *record, object key, object value, Py_ssize_t limit) noexcept
    int sw_commit(SpanwireRecord *record, object key, object value) noexcept
    bint sw_is_clean(object attributes, Py_ssize_t limit) noexcept
    bint sw_has_span_id(const SpanwireContext *ids) noexcept
    int sw_set_all(SpanwireRecord *record, object attributes, int *evicted) noexcept
    object sw_make_context(object type, PyObject *previous, object key, object span)
    void sw_drop_context(PyObject *context, object key) noexcept
    object sw_span_context(object type, const SpanwireContext *ids, object remote, object flags, object state,
                           object valid)
    int sw_call_itself(object type, Py_ssize_t offset) except -1
    int sw_front_set_attribute(object type, const char *text, Py_ssize_t record, Py_ssize_t limit,
                               Py_ssize_t live) except -1
    int sw_front_start(object type, const char *text, void *method) except -1
    bint sw_only_kind(PyObject *names) noexcept
    void sw_refuse_new(object type)
    ctypedef struct SwShelf:
        int count
    object sw_take(SwShelf *shelf)
    bint sw_is_kept(const SwShelf *shelf, PyObject *gone) noexcept
    void sw_put(SwShelf *shelf, PyObject *gone) noexcept
    void sw_track(object tracked) noexcept
    void sw_untrack(PyObject *gone) noexcept
    void sw_replace_dealloc(SwShelf *shelf, object type, void *dealloc) noexcept
    object sw_start_slowly(PyObject *self, PyObject **arguments, Py_ssize_t count, PyObject *names)
