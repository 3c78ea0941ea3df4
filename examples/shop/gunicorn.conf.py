"""gunicorn's settings for orders and payment."""

from typing import Any

workers = 2
loglevel = "warning"
control_socket_disable = True


def worker_exit(server: Any, worker: Any) -> None:
    """A worker ends, because it is stopped or recycled: called in it. Here only to count; what waits is sent without it."""
    from examples.books import close_books

    close_books()
