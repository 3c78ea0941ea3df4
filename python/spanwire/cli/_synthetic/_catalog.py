"""The company whose traces are made up: services, what each can do, how long that takes and how it fails.

Attributes follow the semantic conventions of HTTP, databases, RPC and messaging.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TypeAlias

__all__ = ["INTERNAL", "Catalog", "Event", "Failure", "Number", "Operation", "Service", "Value", "Varying"]

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5  # as OTLP numbers kinds

_VARIANTS = 64  # different values of a path or an id in it
_WHERE = "Traceback (most recent call last):\n"


@dataclass(frozen=True, slots=True)
class Varying:
    """One of these, drawn for each span; for each trace, if ``shared``, so that a client and its server agree."""

    values: tuple[str | int | bool, ...]
    shared: bool = True


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from ``low`` to below ``high``, drawn for each span; of a trace, if ``shared``."""

    low: int
    high: int
    shared: bool = False


Value: TypeAlias = str | int | bool | Varying | Number
"""What an attribute of an operation is: always the same, or drawn."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event that a span may have."""

    name: str
    attributes: dict[str, str | int | bool]
    share: float = 1.0
    """Of the operation's spans that have it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How an operation fails: what is then different, and the exception."""

    message: str
    attributes: dict[str, str | int]
    exception: Event


@dataclass(frozen=True, slots=True)
class Operation:
    """What a span stands for."""

    service: int
    scope: str
    name: str
    kind: int
    attributes: dict[str, Value]
    median_ms: float
    """Of the time that it takes by itself, without what it calls."""
    sigma: float
    """Of that time's logarithm."""
    failure: Failure
    event: Event | None = None


@dataclass(slots=True)
class Service:
    """One program."""

    name: str
    resource: dict[str, str | int]
    endpoints: list[Operation] = field(default_factory=list)
    """What others call."""
    calls: list[list[Operation]] = field(default_factory=list)
    """For each endpoint of a service that it calls: our client's operation, and that endpoint."""
    leaves: list[Operation] = field(default_factory=list)
    """Databases and caches."""
    functions: list[Operation] = field(default_factory=list)
    """Work of its own."""
    messages: list[list[Operation]] = field(default_factory=list)
    """What it publishes, and what another service does with it."""


_SERVICES = (
    "gateway",
    "checkout",
    "catalog",
    "cart",
    "orders",
    "payment",
    "users",
    "search",
    "shipping",
    "inventory",
    "pricing",
    "reviews",
    "recommendations",
    "notifications",
    "fraud",
    "ledger",
    "tax",
    "media",
    "loyalty",
    "returns",
    "warehouse",
    "quotes",
    "audit",
    "reports",
)
_LANGUAGES = (
    ("python", "opentelemetry"),
    ("java", "opentelemetry"),
    ("go", "opentelemetry"),
    ("nodejs", "opentelemetry"),
)
_METHODS = ("GET", "GET", "GET", "POST", "PUT", "DELETE")
_VERBS = ("List", "Get", "Create", "Update", "Reserve", "Quote")
_TABLES = ("items", "customers", "prices", "events", "stock", "invoices")
_WORK = ("validate", "render", "authorize", "price", "serialize", "rank", "merge", "sign")
_STORES = ("postgresql", "postgresql", "mongodb", "redis")
_AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0", "okhttp/4.12.0", "curl/8.14.1", "shop-ios/5.2")
_SELECT = "SELECT id, state, payload FROM"
_PORTS = {"postgresql": 5432, "mongodb": 27017, "redis": 6379}


class Catalog:
    """``count`` services, drawn by ``choose``. The first takes the requests from outside; each calls only later ones."""

    def __init__(self, count: int, choose: random.Random) -> None:
        self._choose = choose
        self.services = [self._service(number, count) for number in range(count)]
        for number, service in enumerate(self.services):
            service.endpoints.extend(self._endpoints(number, service))
            service.leaves.extend(self._leaves(number, service))
            service.functions.extend(self._functions(number, service))
        for number, service in enumerate(self.services):
            later = self.services[number + 1 :]
            own = self.services[3 * number + 1 : 3 * number + 4]  # so that each is called, and none from very far
            near = [*own, *choose.sample(later[:6], min(2, len(later)))]
            service.calls.extend(
                [self._call(number, to, endpoint), endpoint]
                for to in {one.name: one for one in near}.values()
                for endpoint in to.endpoints
            )
            if later and (number == 0 or choose.random() < 0.4):
                service.messages.append(self._message(number, service, choose.choice(later)))

    def _service(self, number: int, count: int) -> Service:
        choose = self._choose
        turn, place = divmod(number, len(_SERVICES))
        name = _SERVICES[place] + (f"-{turn + 1}" if turn else "")
        language, sdk = choose.choice(_LANGUAGES)
        resource: dict[str, str | int] = {
            "service.name": name,
            "service.namespace": "shop",
            "service.version": f"{choose.randint(1, 9)}.{choose.randint(0, 30)}.{choose.randint(0, 9)}",
            "service.instance.id": f"{choose.getrandbits(64):016x}",
            "deployment.environment.name": "synthetic",
            "host.name": f"{name}-{choose.getrandbits(20):05x}",
            "process.pid": choose.randint(2, 32_000),
            "telemetry.sdk.language": language,
            "telemetry.sdk.name": sdk,
            "telemetry.sdk.version": "1.45.2",
        }
        return Service(name, resource)

    def _endpoints(self, number: int, service: Service) -> list[Operation]:
        over_http = number == 0 or self._choose.random() < 0.6
        make = self._http_endpoint if over_http else self._rpc_endpoint
        made = {operation.name: operation for operation in (make(number, service) for _ in range(4))}
        return list(made.values())

    def _http_endpoint(self, number: int, service: Service) -> Operation:
        choose = self._choose
        method = choose.choice(_METHODS)
        noun = choose.choice(_TABLES)
        by_id = method != "POST" and choose.random() < 0.7
        route = f"/{service.name}/{noun}" + ("/{id}" if by_id else "")
        path: Value = route
        if by_id:
            path = Varying(tuple(f"/{service.name}/{noun}/{choose.randint(1, 99_999)}" for _ in range(_VARIANTS)))
        attributes: dict[str, Value] = {
            "http.request.method": method,
            "url.path": path,
            "http.route": route,
            "http.response.status_code": 201 if method == "POST" else 200,
        }
        if number == 0:
            attributes["user_agent.original"] = Varying(_AGENTS)
            attributes["app.customer.id"] = Number(1_000, 900_000, shared=True)
        return Operation(
            service=number,
            scope="opentelemetry.instrumentation.fastapi",
            name=f"{method} {route}",
            kind=SERVER,
            attributes=attributes,
            median_ms=choose.uniform(0.4, 3),
            sigma=0.5,
            failure=_failure(
                "UpstreamError",
                f"{service.name} could not answer {method} {route}",
                {"http.response.status_code": 500, "error.type": "500"},
            ),
        )

    def _rpc_endpoint(self, number: int, service: Service) -> Operation:
        choose = self._choose
        method = choose.choice(_VERBS) + choose.choice(_TABLES).capitalize()
        full = f"shop.{service.name}.v1.{service.name.capitalize()}Service"
        return Operation(
            service=number,
            scope="opentelemetry.instrumentation.grpc",
            name=f"{full}/{method}",
            kind=SERVER,
            attributes={
                "rpc.system": "grpc",
                "rpc.service": full,
                "rpc.method": method,
                "rpc.grpc.status_code": 0,
                "server.address": service.name,
            },
            median_ms=choose.uniform(0.2, 2),
            sigma=0.5,
            failure=_failure(
                "RpcError",
                f"{method} of {service.name} is unavailable",
                {"rpc.grpc.status_code": 14, "error.type": "UNAVAILABLE"},
            ),
        )

    def _call(self, number: int, to: Service, endpoint: Operation) -> Operation:
        kept = ("http.request.method", "rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code")
        attributes: dict[str, Value] = {key: value for key, value in endpoint.attributes.items() if key in kept}
        attributes |= {"server.address": f"{to.name}.shop.internal", "server.port": 8080}
        over_http = "http.request.method" in attributes
        if over_http:
            path = endpoint.attributes["url.path"]
            paths = path.values if isinstance(path, Varying) else (path,)
            attributes["url.full"] = Varying(tuple(f"http://{to.name}.shop.internal:8080{one}" for one in paths))
            attributes["http.response.status_code"] = endpoint.attributes["http.response.status_code"]
        changed: dict[str, str | int] = (
            {"http.response.status_code": 500, "error.type": "500"}
            if over_http
            else {"rpc.grpc.status_code": 14, "error.type": "UNAVAILABLE"}
        )
        return replace(
            endpoint,
            service=number,
            scope="opentelemetry.instrumentation." + ("httpx" if over_http else "grpc"),
            name=str(attributes["http.request.method"]) if over_http else endpoint.name,
            kind=CLIENT,
            attributes=attributes,
            median_ms=self._choose.uniform(0.3, 1.5),  # the network
            sigma=0.6,
            failure=_failure("ConnectionError", f"{to.name} did not answer as it should", changed),
        )

    def _leaves(self, number: int, service: Service) -> list[Operation]:
        choose = self._choose
        system = choose.choice(_STORES)
        return [self._leaf(number, service, system) for _ in range(3)] + [self._leaf(number, service, "redis")]

    def _leaf(self, number: int, service: Service, system: str) -> Operation:
        choose = self._choose
        table = choose.choice(_TABLES)
        name, text = {
            "postgresql": (f"SELECT {table}", f"{_SELECT} {table} WHERE id = $1 AND tenant = $2"),
            "mongodb": (f"find {table}", f'{{"find": "{table}", "filter": {{"_id": "?"}}}}'),
            "redis": (f"GET {table}", f"GET {service.name}:{table}:?"),
        }[system]
        attributes: dict[str, Value] = {
            "db.system.name": system,
            "db.namespace": service.name,
            "db.operation.name": name.split()[0],
            "db.query.text": text,
            "server.address": f"{system}.shop.internal",
            "server.port": _PORTS[system],
        }
        if system != "redis":
            attributes["db.collection.name"] = table
            attributes["db.response.returned_rows"] = Number(0, 200)
        hit = Event("cache.miss", {"cache.key": f"{service.name}:{table}"}, share=0.2) if system == "redis" else None
        return Operation(
            service=number,
            scope={
                "postgresql": "opentelemetry.instrumentation.psycopg",
                "mongodb": "opentelemetry.instrumentation.pymongo",
            }.get(system, "opentelemetry.instrumentation.redis"),
            name=name,
            kind=CLIENT,
            attributes=attributes,
            median_ms=choose.uniform(0.1, 0.4) if system == "redis" else choose.uniform(0.5, 6),
            sigma=0.4 if system == "redis" else 0.9,
            failure=_failure("OperationalError", f"{system} closed the connection", {"error.type": "OperationalError"}),
            event=hit,
        )

    def _functions(self, number: int, service: Service) -> list[Operation]:
        choose = self._choose
        return [
            Operation(
                service=number,
                scope=f"shop.{service.name}",
                name=f"{service.name}.{word}",
                kind=INTERNAL,
                attributes={
                    "code.function.name": f"shop.{service.name}.{word}",
                    "app.cached": Varying((True, False), shared=False),
                },
                median_ms=choose.uniform(0.05, 1.5),
                sigma=0.7,
                failure=_failure("ValueError", f"{word} got what it cannot use", {"error.type": "ValueError"}),
            )
            for word in choose.sample(_WORK, 3)
        ]

    def _message(self, number: int, service: Service, to: Service) -> list[Operation]:
        topic = f"{service.name}.{self._choose.choice(_TABLES)}"
        publish = Operation(
            service=number,
            scope="opentelemetry.instrumentation.confluent_kafka",
            name=f"send {topic}",
            kind=PRODUCER,
            attributes={
                "messaging.system": "kafka",
                "messaging.destination.name": topic,
                "messaging.operation.type": "send",
                "messaging.message.body.size": Number(80, 4_000),
            },
            median_ms=0.3,
            sigma=0.5,
            failure=_failure("KafkaError", "the broker is not available", {"error.type": "KafkaError"}),
        )
        process = replace(
            publish,
            service=self.services.index(to),
            name=f"process {topic}",
            kind=CONSUMER,
            attributes=publish.attributes | {"messaging.operation.type": "process"},
            median_ms=2.0,
            sigma=0.8,
            failure=_failure("ValueError", f"a message of {topic} cannot be read", {"error.type": "ValueError"}),
        )
        return [publish, process]


def _failure(exception: str, message: str, attributes: dict[str, str | int]) -> Failure:
    trace = f'{_WHERE}  File "/app/service.py", line {len(message) * 7}, in handle\n    return await call()\n{exception}: {message}'
    return Failure(
        message=f"{exception}: {message}",
        attributes=attributes,
        exception=Event(
            "exception",
            {"exception.type": exception, "exception.message": message, "exception.stacktrace": trace},
        ),
    )
