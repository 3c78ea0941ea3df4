"""Programs that use databases, queues, logs and threads."""

from tests.instrumentations.program import Program

POSTGRESQL = ("postgresql",)

STORES: tuple[Program, ...] = (
    Program(
        "sqlite3_app",
        libraries=("opentelemetry-instrumentation-sqlite3",),
        instrumentations=("sqlite3",),
        spans=30,
        ordered=True,
    ),
    Program(
        "dbapi_app",
        libraries=("opentelemetry-instrumentation-dbapi",),
        instrumentations=(),
        spans=20,
        ordered=True,
    ),
    Program(
        "sqlalchemy_app",
        case="SQLite",
        libraries=("SQLAlchemy",),
        instrumentations=("sqlalchemy",),
        spans=30,
        ordered=True,
        arguments=("sqlite",),
    ),
    Program(
        "sqlalchemy_app",
        case="PostgreSQL",
        libraries=("SQLAlchemy", "psycopg", "psycopg2-binary"),
        instrumentations=("sqlalchemy",),
        spans=60,
        ordered=True,
        arguments=("postgresql",),
        servers=POSTGRESQL,
    ),
    Program(
        "sqlalchemy_app",
        case="PostgreSQL, sqlcommenter",
        libraries=("SQLAlchemy", "psycopg", "psycopg2-binary"),
        instrumentations=("sqlalchemy",),
        spans=60,
        ordered=True,
        arguments=("postgresql", "sqlcommenter"),
        servers=POSTGRESQL,
    ),
    Program(
        "psycopg_app", libraries=("psycopg",), instrumentations=("psycopg",), spans=30, ordered=True, servers=POSTGRESQL
    ),
    Program(
        "psycopg2_app",
        libraries=("psycopg2-binary",),
        instrumentations=("psycopg2",),
        spans=15,
        ordered=True,
        servers=POSTGRESQL,
    ),
    Program(
        "psycopg2_app",
        case="sqlcommenter",
        libraries=("psycopg2-binary",),
        instrumentations=("psycopg2",),
        spans=12,
        ordered=True,
        arguments=("sqlcommenter",),
        servers=POSTGRESQL,
    ),
    Program("asyncpg_app", libraries=("asyncpg",), instrumentations=("asyncpg",), spans=25, servers=POSTGRESQL),
    Program(
        "pymysql_app",
        libraries=("PyMySQL",),
        instrumentations=("pymysql",),
        spans=8,
        ordered=True,
        servers=("mariadb",),
    ),
    Program("redis_app", libraries=("redis",), instrumentations=("redis",), spans=40, ordered=True, servers=("redis",)),
    Program(
        "pymemcache_app",
        libraries=("pymemcache",),
        instrumentations=("pymemcache",),
        spans=25,
        ordered=True,
        servers=("memcached",),
    ),
    Program(
        "celery_app",
        libraries=("celery", "redis"),
        instrumentations=("celery",),
        spans=50,
        servers=("redis",),
        timeout=250,  # its worker is a second program, which has to start first
    ),
    Program(
        "logging_app",
        libraries=("opentelemetry-instrumentation-logging",),
        instrumentations=("logging",),
        spans=10,
        variables={"OTEL_PYTHON_LOG_CORRELATION": "true"},
    ),
    Program(
        "threading_app",
        libraries=("opentelemetry-instrumentation-threading",),
        instrumentations=("threading",),
        spans=25,
    ),
    Program(
        "asyncio_app",
        libraries=("opentelemetry-instrumentation-asyncio",),
        instrumentations=("asyncio",),
        spans=20,
        variables={
            "OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE": "fetch,slow",
            "OTEL_PYTHON_ASYNCIO_FUTURE_TRACE_ENABLED": "true",
            "OTEL_PYTHON_ASYNCIO_TO_THREAD_FUNCTION_NAMES_TO_TRACE": "compute",
        },
    ),
    # What others do with spans beyond the API.
    Program(
        "beyond/exporters",
        libraries=(
            "opentelemetry-exporter-zipkin-json",
            "azure-monitor-opentelemetry-exporter",
            "opentelemetry-exporter-gcp-trace",
        ),
        instrumentations=(),
        spans=5,
        ordered=True,
    ),
    Program(
        "beyond/processors",
        libraries=("opentelemetry-processor-baggage", "sentry-sdk", "logfire-sdk"),
        instrumentations=(),
        spans=4,
        ordered=True,
    ),
    Program(
        "beyond/llm",
        libraries=("langfuse", "openinference-instrumentation"),
        instrumentations=(),
        spans=6,
        ordered=True,
    ),
)
