"""A command line of click: groups, options, errors, exits; run several times in one process."""

import sys

import click
from click.testing import CliRunner
from opentelemetry import trace

tracer = trace.get_tracer("command")


@click.group()
@click.option("--verbose", is_flag=True)
def shop(verbose: bool) -> None:
    trace.get_current_span().set_attribute("shop.verbose", verbose)


@shop.command()
@click.argument("name")
@click.option("--count", default=1)
def order(name: str, count: int) -> None:
    with tracer.start_as_current_span("reserve", attributes={"count": count}):
        click.echo(f"{count} of {name}")


@shop.command()
def broken() -> None:
    with tracer.start_as_current_span("stock"):
        raise LookupError("no umbrella left")


@shop.command()
def refused() -> None:
    raise click.ClickException("not today")


@shop.command()
@click.pass_context
def leaves(context: click.Context) -> None:
    context.exit(3)


@shop.command()
@click.pass_context
def both(context: click.Context) -> None:
    context.invoke(order, name="first")
    context.invoke(order, name="second", count=2)


@shop.command()
def aborts() -> None:
    raise click.Abort


@click.command()
def single() -> None:
    sys.exit(4)


def main() -> None:
    runner = CliRunner()
    for arguments in (
        ["order", "umbrella"],
        ["--verbose", "order", "umbrella", "--count", "3"],
        ["order", "umbrella", "--count", "many"],
        ["order"],
        ["broken"],
        ["refused"],
        ["leaves"],
        ["both"],
        ["aborts"],
        ["--help"],
        ["nothing"],
    ):
        done = runner.invoke(shop, arguments, prog_name="shop")
        print(arguments, done.exit_code, repr(done.exception))
    with tracer.start_as_current_span("around"):
        print(runner.invoke(single, []).exit_code)
    shop(["order", "last"], standalone_mode=False)


if __name__ == "__main__":
    main()
