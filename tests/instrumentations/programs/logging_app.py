"""Log records that carry the trace: injected into every record, formatted, in threads, from nested and ended spans."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace

tracer = trace.get_tracer("logged")
logger = logging.getLogger("shop")


class Matches(logging.Filter):
    """Tells whether the record has the ids of the current span, since the ids themselves are of this run."""

    def filter(self, record: logging.LogRecord) -> bool:
        ids = trace.get_current_span().get_span_context()
        trace_id, span_id = getattr(record, "otelTraceID", None), getattr(record, "otelSpanID", None)
        expected = (f"{ids.trace_id:032x}", f"{ids.span_id:016x}") if ids.is_valid else ("0", "0")
        record.msg = f"{record.msg} [{'same' if (trace_id, span_id) == expected else f'{trace_id} {span_id}'}]"
        return True


def main() -> None:
    for handler in logging.getLogger().handlers:
        handler.addFilter(Matches())
    logger.warning("outside")
    with tracer.start_as_current_span("outer") as outer:
        logger.warning("in %s", "outer")
        with tracer.start_as_current_span("inner"):
            logger.error("deeper", extra={"order": 7})
            try:
                raise ValueError("bad")
            except ValueError:
                logger.exception("caught")
        logger.info("not shown")
    logger.warning("after")
    with trace.use_span(outer):
        logger.warning("in one that has ended")
    with trace.use_span(trace.NonRecordingSpan(trace.SpanContext(5, 6, is_remote=True))):
        logger.warning("in a remote one")
        with tracer.start_as_current_span("not sampled"):
            logger.warning("in one that is not sampled")

    def log(number: int) -> None:
        with tracer.start_as_current_span(f"thread {number}"):
            logger.warning("from thread %d", number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(log, range(8)))
    thread = threading.Thread(target=logger.warning, args=("from a thread without a span",))
    thread.start()
    thread.join()
    outer.set_attribute("late", True)
    outer.update_name("late")
    outer.end()
    with tracer.start_as_current_span("odd") as odd:
        odd.set_attribute("object", object)
        odd.set_attribute("", 1)
        odd.set_status(trace.Status(trace.StatusCode.OK, "described"))


if __name__ == "__main__":
    main()
