"""What a program of ``programs/`` is: a file that is run as its users would run it, and how."""

from dataclasses import dataclass, field

__all__ = ["Program"]


@dataclass(frozen=True, slots=True)
class Program:
    """An unmodified use of a library with its official instrumentation.

    :param name: its file's name without ``.py``; with ``case``, what is different about this run of it.
    :param libraries: packages whose versions the table shows.
    :param instrumentations: names of entry points (``opentelemetry_instrumentor``) that are active; no other is. None: all are.
    :param spans: at least so many come.
    :param variables: of the environment, beside those of the side.
    :param ours: which of ``running.SIDES`` is held against the SDK.
    :param servers: fixtures, each a function from a side's name to the variables that lead to its server.
    :param in_turn: one side after the other, since they would disturb each other.
    :param arguments: of its command line.
    :param ordered: the order of what it prints and logs is its own, not that of threads.
    :param timeout: seconds for each side.
    """

    name: str
    libraries: tuple[str, ...]
    instrumentations: tuple[str, ...] | None
    spans: int
    case: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    ours: str = "spanwire"
    servers: tuple[str, ...] = ()
    in_turn: bool = False
    arguments: tuple[str, ...] = ()
    ordered: bool = False
    timeout: float = 120

    def __str__(self) -> str:
        return f"{self.name} ({self.case})" if self.case else self.name
