"""Made-up traces that look like a company's: services that call each other, databases, queues, slow tails and failures.

``_catalog`` is the company: which services and operations there are. ``_trees`` has templates of traces over it, ``_blocks``
thousands of instances of them as columns, and ``_stream`` cuts those into what is sent. A seed decides everything.
"""

from spanwire.cli._synthetic._stream import Shape, Stream

__all__ = ["Shape", "Stream"]
