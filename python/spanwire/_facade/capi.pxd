from libc.stdint cimport uint32_t

cdef extern from "spanwire_api.h":
    uint32_t SPANWIRE_ABI

    ctypedef struct SpanwireApi:
        uint32_t abi
        uint32_t size
        object (*encode_spans)(object spans, int w3c_flags)
