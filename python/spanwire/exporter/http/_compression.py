"""How request bodies are compressed."""

import enum

__all__ = ["Compression"]


class Compression(enum.Enum):
    """The names of the official exporter, and one more; its own members and plain strings are taken as well."""

    NoCompression = "none"
    Deflate = "deflate"
    Gzip = "gzip"
    Zstd = "zstd"
