/* The table behind the capsule spanwire._native._C_API. The other half is native/bindings/src/api.rs:
   a new function goes to the end of both; a changed one also raises SPANWIRE_ABI in both. */
#ifndef SPANWIRE_API_H
#define SPANWIRE_API_H

#include <Python.h>
#include <stdint.h>

#define SPANWIRE_ABI 1

typedef struct {
    uint32_t abi;  /* SPANWIRE_ABI of the Rust half */
    uint32_t size; /* sizeof(SpanwireApi) of the Rust half */
    /* New reference to bytes, or NULL with an exception set. Needs the GIL. */
    PyObject *(*encode_spans)(PyObject *spans, int w3c_flags);
} SpanwireApi;

#endif
