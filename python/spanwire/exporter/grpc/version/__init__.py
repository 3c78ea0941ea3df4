"""The version, under the name it has in the official exporter."""

from spanwire._native import __version__

__all__ = ["__version__"]
