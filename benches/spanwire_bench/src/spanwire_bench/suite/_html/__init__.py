"""The report of a run: one file of HTML that needs nothing else."""

from __future__ import annotations

from spanwire_bench.suite._html._page import page
from spanwire_bench.suite._model import Document

__all__ = ["render"]


def render(document: Document, old: Document | None = None) -> str:
    """The whole file, to be written as UTF-8 with its ends of line as they are; with ``old``, its figures beside the new ones.

    It fetches nothing, is complete without JavaScript, and shows whatever text the document has as text.
    """
    return page(document, old)
