//! [`PyFrameQueue`]: finished frames that wait to be sent, as `spanwire.trace.export` holds them, and the [`Request`]s made of them.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use spanwire_engine::buffer::Buffer;
use spanwire_queue::{Appended, Attached, Lane, Limits, Writer};

use crate::control::{SLICE, duration};
use crate::encode;
use crate::errors;
use crate::ffi::bytes;
use crate::ffi::gil::GilCell;
use crate::ffi::queue::{LastGroup, Queue};

/// Finished spans that wait to be sent. All methods are quick but `wait` and `wait_done`, which let go of the GIL.
#[pyclass(frozen, module = "spanwire._native", name = "FrameQueue")]
pub struct PyFrameQueue {
    queue: Box<Queue>,
}

#[pymethods]
impl PyFrameQueue {
    /// Bounds in bytes of memory (default 64 MiB, unless `max_spans` is given) and in spans, exactly.
    #[new]
    #[pyo3(signature = (max_bytes=None, max_spans=None))]
    fn new(max_bytes: Option<usize>, max_spans: Option<usize>) -> PyResult<Self> {
        let bytes = match (max_bytes, max_spans) {
            (Some(bytes), _) => bytes,
            (None, None) => Limits::default().bytes,
            (None, Some(_)) => usize::MAX,
        };
        let spans = max_spans.unwrap_or(usize::MAX);
        let (writer, lane) = Writer::new(Limits { bytes, spans }).map_err(|error| errors::system(&error))?;
        Ok(Self {
            queue: Box::new(Queue {
                writer: GilCell::new(writer),
                last: GilCell::new(None),
                lane: Arc::new(lane),
            }),
        })
    }

    /// The `SpanwireQueue` pointer, as long as this object lives.
    #[getter]
    fn address(&self) -> usize {
        std::ptr::from_ref::<Queue>(&self.queue).expose_provenance()
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.queue.lane.counts().queued).unwrap_or(usize::MAX)
    }

    /// Bytes of the frames that wait.
    #[getter]
    fn frame_bytes(&self) -> usize {
        self.queue.lane.frame_bytes()
    }

    /// `accepted == taken + queued + full + closed`, of this process.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.queue.lane.counts();
        let dict = PyDict::new(py);
        dict.set_item("accepted", counts.accepted)?;
        dict.set_item("taken", counts.taken)?;
        dict.set_item("queued", counts.queued)?;
        dict.set_item("full", counts.full)?;
        dict.set_item("closed", counts.closed)?;
        Ok(dict)
    }

    /// The oldest spans as an `ExportTraceServiceRequest`, and how many they are; None if there are none. At most
    /// `max_spans`, and (unless one alone is larger) at most `max_bytes` of request.
    fn take<'py>(
        &self,
        py: Python<'py>,
        max_spans: usize,
        max_bytes: usize,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, usize)>> {
        let Some(batch) = self.queue.lane.take(max_spans, max_bytes) else {
            return Ok(None);
        };
        let request = batch.request();
        let bytes = bytes::filled(py, request.len(), |put| request.write(put))?;
        Ok(Some((bytes, batch.spans())))
    }

    /// The same in native memory, which is used again for later requests, for `HttpClient.export_request`.
    fn take_request(&self, py: Python<'_>, max_spans: usize, max_bytes: usize) -> Option<Request> {
        let batch = self.queue.lane.take(max_spans, max_bytes)?;
        py.detach(|| {
            let request = batch.request();
            let mut buffer = Buffer::take();
            buffer.reserve(request.len());
            request.write(&mut |bytes| buffer.extend_from_slice(bytes));
            Some(Request {
                buffer: GilCell::new(Some(buffer)),
                spans: batch.spans() as u64,
            })
        })
    }

    /// Encodes a finished span and appends it; whether somebody must attend to the queue. Runs Python code.
    fn push(&self, span: &Bound<'_, PyAny>, w3c_flags: bool) -> PyResult<bool> {
        let py = span.py();
        let Some(frame) = encode::frame(span, w3c_flags)? else {
            return Ok(false);
        };
        let group = self.queue.last.with(py, |last| match last {
            Some(last)
                if Arc::ptr_eq(&last.resource, &frame.resource.message)
                    && Arc::ptr_eq(&last.scope, &frame.scope.message) =>
            {
                Arc::clone(&last.group)
            }
            _ => {
                let group = encode::group(&frame.resource, &frame.scope, Attached::default());
                *last = Some(LastGroup {
                    resource: Arc::clone(&frame.resource.message),
                    scope: Arc::clone(&frame.scope.message),
                    group: Arc::clone(&group),
                });
                group
            }
        });
        let appended = self
            .queue
            .writer
            .with(py, |writer| writer.append_message(&group, frame.message()));
        Ok(appended == Appended::Attend)
    }

    /// How many spans were dropped since the last call: by the bounds, and since the queue was closed.
    pub fn take_dropped(&self) -> (u64, u64) {
        self.queue.lane.take_dropped()
    }

    /// Takes no more spans: they are dropped, counted as `closed`.
    fn close(&self) {
        self.queue.lane.close();
    }

    /// Drops what waits, counted as `closed`; answers how many they were.
    fn discard(&self) -> u64 {
        self.queue.lane.discard()
    }

    /// From now on, in each process, whoever appends is told to attend until somebody reads here.
    fn want_reader(&self) {
        self.queue.lane.want_reader();
    }

    /// True for one caller a process: it sees to it that somebody reads.
    fn begin_reader(&self) -> bool {
        self.queue.lane.begin_reader()
    }

    /// The reader could not begin, or has ended.
    fn end_reader(&self) {
        self.queue.lane.end_reader();
    }

    /// Waits until `spans` spans or `bytes` bytes wait, or for `wake`, or `timeout` seconds; perhaps less.
    fn wait(&self, py: Python<'_>, spans: u64, bytes: usize, timeout: f64) {
        let limit = duration(timeout).unwrap_or_default();
        if self.queue.lane.may_sleep(spans, bytes) {
            py.detach(|| thread::park_timeout(limit));
        }
    }

    /// Ends the reader's wait, or its next one.
    fn wake(&self) {
        self.queue.lane.wake();
    }

    /// Whether the reader has had something to say since this was asked last.
    fn take_news(&self) -> bool {
        self.queue.lane.take_news()
    }

    /// How many spans have entered the queue in this process: all that were accepted but those refused at once.
    #[getter]
    fn entered(&self) -> u64 {
        self.queue.lane.entered()
    }

    /// How many of them have left it.
    #[getter]
    fn gone(&self) -> u64 {
        self.queue.lane.gone()
    }

    /// Wants all that has entered out at once; how many spans that are.
    fn flush(&self) -> u64 {
        self.queue.lane.flush()
    }

    /// Whether spans wait that are wanted out at once.
    #[getter]
    fn is_flushing(&self) -> bool {
        self.queue.lane.is_flushing()
    }

    /// The first `spans` spans are answered or dropped: wakes who waits for that.
    fn set_done(&self, spans: u64) {
        self.queue.lane.set_done(spans);
    }

    /// Waits until the first `spans` spans are done with; whether they were within `timeout` seconds. Signals interrupt it.
    fn wait_done(&self, py: Python<'_>, spans: u64, timeout: f64) -> PyResult<bool> {
        let (start, limit) = (Instant::now(), duration(timeout).unwrap_or_default());
        loop {
            let left = limit.saturating_sub(start.elapsed());
            if py.detach(|| self.queue.lane.wait_done(spans, Instant::now() + left.min(SLICE))) {
                return Ok(true);
            }
            if left == Duration::ZERO {
                return Ok(false);
            }
            py.check_signals()?;
        }
    }
}

impl PyFrameQueue {
    /// Its reading end.
    pub fn lane(&self) -> &Arc<Lane> {
        &self.queue.lane
    }
}

/// A request that was taken from a queue, to be exported once.
#[pyclass(frozen, module = "spanwire._native")]
pub struct Request {
    buffer: GilCell<Option<Buffer>>,
    /// Spans in it.
    #[pyo3(get)]
    pub spans: u64,
}

impl Request {
    /// Its bytes; none if they were taken before.
    pub fn take(&self, py: Python<'_>) -> Option<Buffer> {
        self.buffer.with(py, Option::take)
    }
}

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Request>()?;
    module.add_class::<PyFrameQueue>()
}
