"""What the scan finds and people do not meet as a message, or not by itself: why it is not in the catalogue."""

__all__ = ["FILES", "TEXTS"]

#: Whole files, as patterns of ``fnmatch``.
FILES = {
    "python/spanwire/cli/_doctor/*": "findings of `spanwire doctor`: each is printed with what to do",
    "python/spanwire/cli/doctor.py": "cures that `spanwire doctor` prints behind a problem",
    "python/spanwire/cli/_measure/*": "reasons that follow `spanwire demo: the shop broke down`",
    "benches/spanwire_bench/src/spanwire_bench/*_child.py": "a benchmark's child process; what it says follows `spanwire bench: no figures`",
    "benches/spanwire_bench/src/spanwire_bench/_delivery.py": "reasons that follow `spanwire bench: no figures`",
    "benches/spanwire_bench/src/spanwire_bench/_exporting.py": "reasons that follow `spanwire bench: no figures`",
    "benches/spanwire_bench/src/spanwire_bench/_fresh.py": "reasons that follow `spanwire bench`",
    "benches/spanwire_bench/src/spanwire_bench/_intake.py": "the program that is measured was called wrongly by us",
    "benches/spanwire_bench/src/spanwire_bench/_mtrace.py": "a reason that follows `allocations can only be counted by`",
    "benches/spanwire_bench/src/spanwire_bench/_outage.py": "reasons that follow `spanwire bench`",
    "benches/spanwire_bench/src/spanwire_bench/_perf.py": "why a column of a table is empty",
    "benches/spanwire_bench/src/spanwire_bench/_web_client.py": "reasons that follow `spanwire bench`",
    "benches/spanwire_bench/src/spanwire_bench/columns.py": "reasons that follow `spanwire bench: no figures`",
    "benches/spanwire_bench/src/spanwire_bench/suite/_scenarios_*.py": "why a scenario has no figures: stands in its row, in words for that",
    "benches/spanwire_bench/src/spanwire_bench/threads.py": "reasons that follow `spanwire bench: no figures`",
    "native/kernels/src/info.rs": "a table of `spanwire bench --info`",
}

#: Texts in normal form.
TEXTS = {
    # What is no trouble
    "listening on {} ({})": "says where the sink listens",
    "{} in {} requests": "says what the sink received",
    "{} spans in {} traces over {} s, to {}": "says what will be replayed",
    "spanwire bench: {}/{} {}: {}": "progress",
    "{} of {} spans": "progress",
    "{} of {} spans, {} left": "progress",
    "{} of {} spans, {} left; last error: {}": "progress",
    "<ReceivedRequest: {} {}, {} bytes ({} on the wire), {}>": "repr",
    "<ReceivedSpan {}, trace {}, span {}>": "repr",
    "<ReceivedEvent {} {}>": "repr",
    "<ReceivedLink to trace {}, span {}>": "repr",
    "<ReceivedStatus {} {}>": "repr",
    "text/plain; charset=utf-8": "a content type",
    "unknown signal {}: expected traces, logs, metrics or profiles": "a private function that we called wrongly",
    # What is raised by the demo's and the benchmarks' programs, as their work
    "no {} left": "the demo's shop has sold out: an exception in a span",
    "no such user": "a benchmark's exception in a span",
    # `spanwire.stats()["encode"]["fast_path"]`, explained in operations.md
    "not used yet": "a state",
    ", values by traversal": "a state",
    ", integers by the interpreter's API": "a state",
    "off: {}": "a state",
    "a class of the SDK is patched": "why the fast path is off",
    "this SDK's spans are not as expected": "why the fast path is off",
    "the probe has other instances than expected": "why the fast path is off",
    "value {} of {} is not traversed": "why the fast path is off",
    # Between our own Python and native code, which checks again what Python has checked
    'compression {} is not known; use "none", "gzip", "zstd" or "deflate"': "Python refuses it first",
    'protocol {} is not known; use "http/protobuf", "http/json" or "grpc"': "Python knows the protocols",
    "a whole number": "what an answer in JSON should have; such an answer counts as none",
    # How servers of gRPC say that a message is too large: looked for, not said
    "larger than max": "of grpc-go, C++ and Python",
    "exceeds maximum size": "of grpc-java",
    "exceeds the maximum configured message size": "of grpc-dotnet",
    "message length too large": "of tonic",
    "size limit, of": "of tonic, compressed",
    "send fewer spans a request": "of our own sink",
    "timeout {} is not valid; give a positive number of seconds": "Python refuses it first",
    "the interval is no number": "likewise",
    "log record": "what a signal's items are called",
    "log records": "likewise",
    "data points": "likewise",
    "no disconnect is called {}": "spanwire.sink.Fault checks it before",
    "no stage is called {}": "likewise",
    "user and password belong into an Authorization header": "Python makes that header of them",
    "its host is not valid": "what the URL's parser takes is a value for a header",
    "CONNECT {} HTTP/1.1r Host: {}r": "what is asked of a proxy",
    "no such format: {}": "Python knows the formats",
    "no such compression: {}": "Python knows the compressions",
    "the file is finished": "our writer writes no more then",
    "it is closed": "our writer writes no more then",
    "speed must be more than 0": "the command refuses it first",
    "more bytes than were asked for": "a source that breaks the contract of read()",
    "these bytes are no heads of a resource and a scope": "they are made by us",
    "{}: values have no bytes": "Python gives such arrays another layout",
    "{} is missing": "Python fills all fields",
    "there are as many blocks as there may be": "what a queue is told by its files at max_bytes: it makes room, or counts `queue_full`",
    "a shared queue is of at least one queue": "a tracer's plan has one",
    "a sampler's mode is 0 to 3 and its bound at most 2**64": "Python makes the modes",
    "must be one of scalar, sse4.2, avx2, avx512, neon": "`spanwire bench --info` tells it in its own words",
    # `spanwire.stats()["durable"]`, explained in durability.md
    "overlay on {}": "the name of a file system: why files are not mapped",
    "unknown file system 0x{}": "the name of a file system: why files are not mapped",
    # Names within other messages
    "time of events": "a column's name",
    "trace_id of links": "a column's name",
    "span_id of links": "a column's name",
    "resource or scope": "what was left out",
    # Errors that end a connection of the sink's on purpose
    "no answer, or not all of it, as the test ordered": "a fault that a test ordered; nobody sees the text",
    "no place in a plot: {}": "our own scales never ask for one",
}
