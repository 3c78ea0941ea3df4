"""How messages are compressed."""

import enum

__all__ = ["Compression"]


class Compression(enum.IntEnum):
    """The names and numbers of ``grpc.Compression``, and one more; its own members and plain strings are taken as well."""

    NoCompression = 0
    Deflate = 1
    Gzip = 2
    Zstd = 3
