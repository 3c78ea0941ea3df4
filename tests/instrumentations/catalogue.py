"""The programs."""

from tests.instrumentations.stores import STORES
from tests.instrumentations.web import WEB

__all__ = ["PROGRAMS"]

PROGRAMS = (*WEB, *STORES)
