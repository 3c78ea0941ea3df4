# The table of the core's functions, which must be of the same build as this extension. Included in each of them.
# gives: core_table
# uses: no other part

cdef const SpanwireApi *core_table(object native) except NULL:
    cdef const SpanwireApi *table = <const SpanwireApi*>PyCapsule_GetPointer(native._C_API, b"spanwire._native._C_API")
    if table.abi != SPANWIRE_ABI or table.size < sizeof(SpanwireApi):
        raise ImportError(
            f"spanwire._native has interface {table.abi} ({table.size} bytes) but spanwire._facade was built for "
            f"{SPANWIRE_ABI} ({sizeof(SpanwireApi)} bytes): the two come from different builds; reinstall spanwire"
        )
    return table
