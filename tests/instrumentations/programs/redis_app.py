"""Redis, synchronous and asynchronous: commands, pipelines, transactions that fail, scripts, publish and subscribe, errors."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import redis
import redis.asyncio
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

tracer = trace.get_tracer("cache")
WHERE = {
    "host": os.environ["REDIS_HOST"],
    "port": int(os.environ["REDIS_PORT"]),
    "password": os.environ["REDIS_PASSWORD"],
}


def commands(client: redis.Redis) -> None:
    with tracer.start_as_current_span("commands"):
        client.set("name", "zoë", ex=60)
        print(client.get("name"), client.get("nothing"))
        client.hset("hash", mapping={"a": 1, "b": b"\x00\xff"})
        client.rpush("list", *range(20))
        print(client.lrange("list", 0, -1)[:2], client.execute_command("DBSIZE"))
        client.mset({f"key {number}": "x" * 2_000 for number in range(3)})


def pipelines(client: redis.Redis) -> None:
    with client.pipeline() as pipe, tracer.start_as_current_span("pipelines"):
        print(pipe.set("a", 1).incr("a").get("a").execute())
        pipe.get("a").lpush("a", 2)
        try:
            pipe.execute()
        except redis.ResponseError as error:
            print(type(error).__name__)
    with client.pipeline() as pipe:
        pipe.watch("a")
        client.set("a", 9)
        pipe.multi()
        pipe.incr("a")
        try:
            pipe.execute()
        except redis.WatchError as error:
            print(type(error).__name__)
        print(pipe.execute())


def mistakes(client: redis.Redis) -> None:
    for command in (("INCR", "name"), ("NOTHING",), ("SET", "a")):
        try:
            with tracer.start_as_current_span("mistake"):
                client.execute_command(*command)
        except redis.ResponseError as error:
            print(error)
    print(client.eval("return redis.call('get', KEYS[1])", 1, "a"))
    try:
        redis.Redis(host=WHERE["host"], port=WHERE["port"], password="wrong").ping()
    except redis.AuthenticationError as error:
        print(type(error).__name__)


def subscription(client: redis.Redis) -> None:
    heard = threading.Event()
    with client.pubsub(ignore_subscribe_messages=True) as subscriber:
        subscriber.subscribe(news=lambda message: (print(message["data"]), heard.set()))
        thread = subscriber.run_in_thread(sleep_time=0.01, daemon=True)
        while not client.publish("news", "hello"):
            pass
        assert heard.wait(60)
        thread.stop()
        thread.join()


async def asynchronous() -> None:
    async with redis.asyncio.Redis(**WHERE) as client:
        with tracer.start_as_current_span("asynchronous"):
            await client.set("b", 1)
            print(await client.get("b"))
            async with client.pipeline(transaction=True) as pipe:
                print(await pipe.incr("b").get("b").execute())
            try:
                await client.lpush("b", 1)
            except redis.ResponseError as error:
                print(error)

        async def one(number: int) -> object:
            with tracer.start_as_current_span(f"one {number}"):
                return await client.get("b")

        print(await asyncio.gather(*map(one, range(4))))


def main() -> None:
    with redis.Redis(**WHERE) as client:
        commands(client)
        pipelines(client)
        mistakes(client)
        with suppress_instrumentation():
            client.ping()
        subscription(client)
        with ThreadPoolExecutor(4) as pool:
            print(list(pool.map(lambda number: client.set(f"thread {number}", number), range(8))))
    asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
