"""memcached by pymemcache: values, counters, several keys at once, compare and swap, errors, a pool."""

import os
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace
from pymemcache import MemcacheClientError, MemcacheError
from pymemcache.client.base import Client, PooledClient

tracer = trace.get_tracer("cache")
WHERE = (os.environ["MEMCACHED_HOST"], int(os.environ["MEMCACHED_PORT"]))


def main() -> None:
    client = Client(WHERE)
    with tracer.start_as_current_span("values"):
        client.set("name", "anna", expire=60)
        print(client.get("name"), client.get("nothing", "default"))
        client.set_many({"a": "1", "b": "2"})
        print(sorted(client.get_many(["a", "b", "c"]).items()))
        client.add("a", "9")
        client.append("name", " maria")
        print(client.incr("a", 5), client.decr("a", 1), client.delete("b"), client.touch("a"))
    with tracer.start_as_current_span("compare and swap"):
        _, seen = client.gets("name")
        client.set("name", "bernd")
        print(client.cas("name", "zoe", seen))
    for wrong in ("a key with spaces", "größe", "x" * 300):
        try:
            with tracer.start_as_current_span("mistake"):
                client.get(wrong)
        except MemcacheError as error:
            print(type(error).__name__)
    try:
        client.incr("name", 1)
    except MemcacheClientError as error:
        print(type(error).__name__)
    try:
        Client((WHERE[0], 1), connect_timeout=2).get("a")
    except OSError as error:
        print(type(error).__name__)
    client.flush_all()
    client.quit()
    pool = PooledClient(WHERE, max_pool_size=4)
    with ThreadPoolExecutor(4) as threads:
        print(list(threads.map(lambda number: pool.set(f"key{number}", "x"), range(8))))
    pool.close()


if __name__ == "__main__":
    main()
