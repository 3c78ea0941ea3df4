/* The table behind the capsule spanwire._native._C_API. The other half is native/bindings/src/api.rs:
   a new function goes to the end of both; a changed one also raises SPANWIRE_ABI in both.

   Every function needs the GIL, catches panics (status SPANWIRE_PANIC, or a null pointer), and, unless it says otherwise,
   runs no Python code, allocates no Python object and keeps no reference. */
#ifndef SPANWIRE_API_H
#define SPANWIRE_API_H

#include <Python.h>
#include <stdint.h>

#define SPANWIRE_ABI 3

/* A time that is read from the clock by the function that takes it. */
#define SPANWIRE_NOW UINT64_MAX

/* Status bits of the functions that return int. */
#define SPANWIRE_EVICTED 1     /* the oldest attribute, event or link went to make room */
#define SPANWIRE_UNENCODABLE 2 /* a value that OTLP cannot hold was left out (of an event or link: one of its attributes) */
#define SPANWIRE_PANIC 4       /* a defect: counted; the record records no more */
#define SPANWIRE_LOSSY 8       /* lone surrogates of a name or message became U+FFFD */
#define SPANWIRE_ATTEND 16     /* of end, submit and submit_bytes: call the processor's _attend() */
#define SPANWIRE_SPENT 32      /* of end: the record is not worth keeping for another span; release it */
#define SPANWIRE_FULL 64       /* of end, submit, submit_bytes and keep: nothing was appended, there is no room; call wait_room */

/* How the characters of a SpanwireText are laid out; shifted into its low two bits. */
#define SPANWIRE_UTF8 0
#define SPANWIRE_LATIN1 1
#define SPANWIRE_UCS2 2
#define SPANWIRE_UCS4 3

/* Borrowed characters: how many (not bytes) is length >> 2, and length & 3 says of what kind. */
typedef struct {
    const void *data;
    size_t length;
} SpanwireText;

/* The ids of a span, in wire order (big end first), and what a child needs to know of it. */
typedef struct {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;     /* W3C trace flags: 1 sampled, 2 random */
    uint8_t is_remote; /* of a parent or a link's target: in another process */
    uint8_t unused[6];
} SpanwireContext;

/* What is being recorded of one span. Owned by its Span, from begin to release. */
typedef struct SpanwireRecord SpanwireRecord;
/* Sampler, limits, random flag, resource and scope of a tracer: _native.NativeTracer.address. Outlives its records. */
typedef struct SpanwireTracer SpanwireTracer;
/* Where finished frames wait to be sent: _native.FrameQueue.address. */
typedef struct SpanwireQueue SpanwireQueue;

/* What is recorded, for reading back; texts are UTF-8 and valid until the record is next written to or released. */
typedef struct {
    uint64_t start;
    uint64_t end; /* 0 until ended */
    const char *name;
    size_t name_length;
    const char *status_message;
    size_t status_message_length;
    uint32_t attributes, dropped_attributes; /* how many */
    uint32_t events, dropped_events;
    uint32_t links, dropped_links;
    uint8_t kind;        /* OTLP's SpanKind: 1 internal … 5 consumer */
    uint8_t status_code; /* OTLP's StatusCode: 0 unset, 1 ok, 2 error */
    uint8_t ended;
    uint8_t has_parent;
    SpanwireContext parent; /* flags and is_remote included */
} SpanwireInfo;

/* What is particular about a frame that Python reads. */
#define SPANWIRE_EMPTY_MESSAGE 1 /* the status has an empty message and not none */
#define SPANWIRE_PARENT_STATE 2  /* the parent's trace state is not the span's own */

/* What such a frame says beside SpanwireInfo; texts are UTF-8 and lie in the frame. */
typedef struct {
    SpanwireContext ids; /* the span's own */
    const char *trace_state;
    size_t trace_state_length;
    const char *parent_state;
    size_t parent_state_length;
    uint8_t has_empty_message;
} SpanwireRest;

typedef struct {
    uint32_t abi;  /* SPANWIRE_ABI of the Rust half */
    uint32_t size; /* sizeof(SpanwireApi) of the Rust half */
    /* New reference to bytes, or NULL with an exception set. Runs Python code. */
    PyObject *(*encode_spans)(PyObject *spans, int w3c_flags);

    /* A new span: makes its ids (those of a child from `parent`, which is NULL for a root), lets the native sampler decide, and
       writes ids and flags to `out`. NULL if it is not recorded; after a panic the ids are zero too. `kind` is OTLP's. `spare`,
       unless it is NULL, is a record that has ended and of which nobody will read any more: it is what is answered, if
       anything is, and else stays the caller's. */
    SpanwireRecord *(*begin)(SpanwireTracer *tracer, const SpanwireContext *parent, SpanwireContext *out, SpanwireText name,
                             int kind, uint64_t start, SpanwireRecord *spare);
    /* The same with ids and flags given in `ids`, decided elsewhere. */
    SpanwireRecord *(*begin_as)(SpanwireTracer *tracer, const SpanwireContext *parent, const SpanwireContext *ids,
                                SpanwireText name, int kind, uint64_t start, SpanwireRecord *spare);
    /* Random ids that are not zero; the trace id only if `root`. */
    void (*new_ids)(SpanwireContext *out, int root);

    /* One attribute: an existing one of this key goes and the new one comes last; at the limit the oldest goes
       (SPANWIRE_EVICTED). `hash` is Python's hash of the key. The key is not empty. No limit of length is applied here. A value
       that cannot be encoded removes an existing attribute of the key all the same. */
    int (*set_str)(SpanwireRecord *record, SpanwireText key, uint64_t hash, SpanwireText value);
    int (*set_int)(SpanwireRecord *record, SpanwireText key, uint64_t hash, int64_t value);
    int (*set_float)(SpanwireRecord *record, SpanwireText key, uint64_t hash, double value);
    int (*set_bool)(SpanwireRecord *record, SpanwireText key, uint64_t hash, int value);
    /* Any clean value: None, bool, str, int, float, bytes (or subclasses of them), or tuples, lists and dicts (exact types, keys
       are strs) of clean values. */
    int (*set_value)(SpanwireRecord *record, SpanwireText key, uint64_t hash, PyObject *value);
    /* Removes an attribute, if it is there. */
    int (*remove)(SpanwireRecord *record, SpanwireText key, uint64_t hash);
    /* Adds to the count of dropped attributes. */
    void (*drop_attributes)(SpanwireRecord *record, uint32_t count);

    /* `attributes` is NULL or an exact dict of clean values under non-empty strs; `dropped` were left out of it. */
    int (*add_event)(SpanwireRecord *record, SpanwireText name, uint64_t time, PyObject *attributes, uint32_t dropped);
    int (*add_link)(SpanwireRecord *record, const SpanwireContext *context, SpanwireText trace_state, PyObject *attributes,
                    uint32_t dropped);
    int (*set_name)(SpanwireRecord *record, SpanwireText name);
    int (*set_status)(SpanwireRecord *record, int code, SpanwireText message);
    /* The span's own trace state, as the W3C header. */
    int (*set_trace_state)(SpanwireRecord *record, SpanwireText header);

    /* Sets the end time (once) and, if `queue` is not NULL and the span is sampled, appends its frame there. */
    int (*end)(SpanwireRecord *record, uint64_t end, SpanwireQueue *queue);
    /* Appends the frame of an ended record to a queue. */
    int (*submit)(SpanwireRecord *record, SpanwireQueue *queue);
    /* Appends a span that was encoded elsewhere (a whole Span message), under the tracer's resource and scope. */
    int (*submit_bytes)(SpanwireTracer *tracer, const uint8_t *frame, size_t length, SpanwireQueue *queue);
    /* Gives the record back. */
    void (*release)(SpanwireRecord *record);

    /* Reading back. New references or NULL with an exception set; these allocate. */
    void (*info)(const SpanwireRecord *record, SpanwireInfo *out);
    PyObject *(*attributes)(const SpanwireRecord *record); /* dict in order: str, bool, int, float, bytes, None, tuple, dict */
    PyObject *(*events)(const SpanwireRecord *record); /* list of (name, time, attributes, dropped) */
    /* list of (trace_id, span_id, flags, is_remote, trace_state or None, attributes, dropped), ids as ints */
    PyObject *(*links)(const SpanwireRecord *record);
    PyObject *(*frame)(const SpanwireRecord *record); /* bytes: the Span message as it would be sent */

    /* Frames that Python reads. */

    /* Appends the frame of an ended record to a queue of which take_frames takes, with what OTLP has no place for: `bits` are those
       above, and `parent_state` is looked at if they say so. */
    int (*keep)(SpanwireRecord *record, SpanwireQueue *queue, uint8_t bits, SpanwireText parent_state);
    /* Appends any finished span as it is: take_frames answers a reference to it. */
    int (*keep_object)(SpanwireQueue *queue, PyObject *span);
    /* bytes: the frame that keep would append. */
    PyObject *(*kept_frame)(const SpanwireRecord *record, uint8_t bits, SpanwireText parent_state);
    /* Takes the oldest spans, at most so many: a list with two entries for each, what the tracer has attached and the frame as
       bytes; or the span that keep_object was given, and None. Runs Python code. */
    PyObject *(*take_frames)(SpanwireQueue *queue, size_t max_spans);
    /* Reads a frame, which must stay as long as what is found. */
    int (*frame_info)(const uint8_t *frame, size_t length, SpanwireInfo *info, SpanwireRest *rest);
    PyObject *(*frame_attributes)(const uint8_t *frame, size_t length); /* as those of a record */
    PyObject *(*frame_events)(const uint8_t *frame, size_t length);
    PyObject *(*frame_links)(const uint8_t *frame, size_t length);

    /* After SPANWIRE_FULL, at once: waits without the GIL until there may be room. 0: append the same again. SPANWIRE_FULL: it has waited
       long enough, and goes. `waited` is 0 at first, and kept between the calls for one span: the nanoseconds that it has waited. */
    int (*wait_room)(SpanwireQueue *queue, uint64_t *waited);
} SpanwireApi;

#endif
