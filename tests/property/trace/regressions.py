"""Programs that once did something else than with the SDK, made small, by what was wrong."""

from tests.property.trace.made import Make
from tests.property.trace.programs import AddProcessor, Call, Enter, Exit, Misuse, Program, Read, Setup, Start, With

__all__ = ["REGRESSIONS"]

REGRESSIONS: dict[str, Program] = {
    "a list that contains itself ended the process": Program(
        steps=(Start(), Call(args=("a", Make("value: endless list"))), Call(args=("b", 1)), Read()),
    ),
    "an unsampled span could not be copied, nor pickled": Program(
        setup=Setup(sampler="always_off"),
        steps=(Start(), Read(what="copy"), Read(what="deepcopy"), Read(what="pickle")),
    ),
    "a span whose ids OTLP cannot hold was sent with other ones": Program(
        setup=Setup(ids="a span id too large"),
        steps=(Start(), With()),
    ),
    "a link to a span whose ids are negative had other ones": Program(
        setup=Setup(ids="negative"),
        steps=(Start(), Call(method="add_link", args=(("context", ("span", 0)), {"a": ""})), Read(what="to_json")),
    ),
    "a link to a span whose id is too large has none": Program(
        setup=Setup(ids="a span id too large"),
        steps=(Start(), Call(method="add_link", args=(("context", ("span", 0)), {"a": ""})), Read(what="to_json")),
    ),
    "a scope that was left again ended its span again": Program(
        steps=(Enter(), Exit(), Misuse("left again")),
    ),
    "what a processor redacts that was added behind the queue": Program(
        steps=(
            With(
                body=(
                    AddProcessor("redacts events"),
                    Call(method="add_link", args=(("context", ("span", 0)), {"a": 1})),
                    Call(method="add_event", args=("exception",)),
                )
            ),
        ),
    ),
    "what a processor redacts beside the queue, in a concurrent processor": Program(
        setup=Setup(concurrent=True),
        steps=(Start(), AddProcessor("redacts"), Call(method="end")),
    ),
}
