"""Templates of jinja2: inheritance, includes, macros, errors, streams, in threads and in a loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import jinja2
from opentelemetry import context, trace

tracer = trace.get_tracer("templates")
TEXTS = {
    "base.html": "<title>{% block title %}{% endblock %}</title>{% include 'part.html' %}",
    "page.html": "{% extends 'base.html' %}{% block title %}{{ name }}{% endblock %}",
    "part.html": "{% for one in items %}{{ one }},{% endfor %}",
    "macros.html": "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}",
    "imports.html": "{% import 'macros.html' as m %}{{ m.twice(name) }}",
    "broken.html": "{{ name",
    "raises.html": "{{ raising() }}",
}


def raising() -> str:
    with tracer.start_as_current_span("called by a template"):
        raise ArithmeticError("from a template")


def render(environment: jinja2.Environment, name: str) -> None:
    try:
        with tracer.start_as_current_span(f"render {name}"):
            print(name, environment.get_template(name).render(name="ä", items=[1, 2], raising=raising))
    except (jinja2.TemplateError, ArithmeticError) as error:
        print(name, type(error).__name__, error)


async def in_a_loop() -> None:
    environment = jinja2.Environment(loader=jinja2.DictLoader(TEXTS), enable_async=True, autoescape=True)
    templates = [environment.get_template("part.html") for _ in range(3)]
    print(await asyncio.gather(*(template.render_async(items=[number]) for number, template in enumerate(templates))))


def main() -> None:
    environment = jinja2.Environment(loader=jinja2.DictLoader(TEXTS), autoescape=True)
    for name in (*TEXTS, "missing.html", "page.html"):
        render(environment, name)
    print("".join(environment.get_template("page.html").generate(name="stream", items=[])))
    print(environment.from_string("{{ 1 + 1 }}").render())
    strict = jinja2.Environment(undefined=jinja2.StrictUndefined)
    try:
        strict.from_string("{{ missing }}").render()
    except jinja2.UndefinedError as error:
        print(error)
    with tracer.start_as_current_span("in threads"):
        current = context.get_current()

        def one(number: int) -> str:
            token = context.attach(current)
            try:
                return environment.get_template("part.html").render(items=range(number))
            finally:
                context.detach(token)

        with ThreadPoolExecutor(3) as pool:
            print(list(pool.map(one, range(6))))
    asyncio.run(in_a_loop())


if __name__ == "__main__":
    main()
