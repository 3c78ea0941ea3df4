"""Arrow data in and out, through the PyCapsule interface."""

from spanwire.columnar._columns import Column


def from_arrow_array(values: object, name: str) -> Column:
    """An Arrow array, or a chunked one, as a column; ``name`` is for errors."""
    raise NotImplementedError(name, values)
