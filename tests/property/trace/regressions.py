"""Programs that once did something else than with the SDK, made small, by what was wrong."""

from tests.property.trace.made import Make
from tests.property.trace.programs import Call, Program, Read, Setup, Start

__all__ = ["REGRESSIONS"]

REGRESSIONS: dict[str, Program] = {
    "a list that contains itself ended the process": Program(
        steps=(Start(), Call(args=("a", Make("value: endless list"))), Call(args=("b", 1)), Read()),
    ),
    "an unsampled span could not be copied, nor pickled": Program(
        setup=Setup(sampler="always_off"),
        steps=(Start(), Read(what="copy"), Read(what="deepcopy"), Read(what="pickle")),
    ),
}
