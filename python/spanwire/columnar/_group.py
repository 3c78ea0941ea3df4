"""``Group``: the resource and the scope that spans have in common."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import Self

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from spanwire._native import ReceivedSpan

__all__ = ["Group", "Heads", "groups_of"]

Heads: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""The resource message, its schema URL, the scope message and its schema URL; messages with tag and length."""


class Group:
    """The resource and the scope that spans have in common.

    :param resource: an SDK ``Resource``, a mapping of its attributes, or None for an empty one.
    :param scope: an ``InstrumentationScope``, its name, or None.
    :raises TypeError: for anything else.
    """

    __slots__ = ("_heads",)

    def __init__(
        self,
        resource: "Resource | Mapping[str, Any] | None" = None,
        scope: "InstrumentationScope | str | None" = None,
    ) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        from spanwire import _native

        if resource is None or isinstance(resource, Mapping):
            resource = Resource(resource or {})
        if isinstance(scope, str):
            scope = InstrumentationScope(scope)
        # What is neither would be logged and left out.
        if not isinstance(getattr(resource, "attributes", None), Mapping):
            raise TypeError(
                f"resource must be a Resource or a mapping of its attributes, not {type(resource).__name__}"
            )
        if scope is not None and not hasattr(scope, "name"):
            raise TypeError(f"scope must be an InstrumentationScope or its name, not {type(scope).__name__}")
        self._heads = _native.encode_heads(resource, scope)

    @classmethod
    def _encoded(cls, heads: "Heads") -> Self:
        """From the resource message, its schema URL, the scope message and its schema URL; messages with tag and length."""
        group = cls.__new__(cls)
        group._heads = heads  # noqa: SLF001  # its own
        return group

    @property
    def heads(self) -> "Heads":
        """The resource message, its schema URL, the scope message and its schema URL; messages with tag and length."""
        return self._heads

    @property
    def resource_attributes(self) -> dict[str, Any]:
        """The resource's attributes."""
        return self._decoded().resource_attributes

    @property
    def resource_schema_url(self) -> str:
        """The resource's schema URL, or nothing."""
        return self._heads[1].decode()

    @property
    def scope_name(self) -> str:
        """The scope's name."""
        return self._decoded().scope_name

    @property
    def scope_version(self) -> str:
        """The scope's version."""
        return self._decoded().scope_version

    @property
    def scope_attributes(self) -> dict[str, Any]:
        """The scope's attributes."""
        return self._decoded().scope_attributes

    @property
    def scope_schema_url(self) -> str:
        """The scope's schema URL, or nothing."""
        return self._heads[3].decode()

    def _decoded(self) -> "ReceivedSpan":
        from spanwire import _native

        return _native.decode_heads(*self._heads)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Group) and self._heads == other._heads

    def __hash__(self) -> int:
        return hash(self._heads)

    def __repr__(self) -> str:
        return f"<Group of {self.resource_attributes.get('service.name', 'no service')!r}, scope {self.scope_name!r}>"


def groups_of(groups: Any) -> tuple[Group, ...]:
    """What is given as groups, if it is some."""
    if not isinstance(groups, Iterable):
        raise TypeError(f"groups must be a sequence of Group, not {type(groups).__name__}")
    made = tuple(groups)
    for at, group in enumerate(made):
        if not isinstance(group, Group):
            raise TypeError(f"groups[{at}] must be a Group, not {type(group).__name__}")
    return made
