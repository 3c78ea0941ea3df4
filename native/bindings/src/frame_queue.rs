//! [`PyFrameQueue`]: finished frames that wait to be sent, as `spanwire.trace.export` holds them, and the [`Request`]s made of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use spanwire_durable::Directory;
use spanwire_engine::process::buffer::Buffer;
use spanwire_queue::storage::Heap;
use spanwire_queue::{Attached, Batch, Dropped, Lane, Limits, WhenFull, Writer};
use spanwire_record::Status;
use spanwire_wire::Signal;

use crate::durable::DurableDirectory;
use crate::encode;
use crate::errors;
use crate::ffi::bytes;
use crate::ffi::gil::GilCell;
use crate::ffi::kept::Release;
use crate::ffi::queue::Queue;
use crate::lanes::Lanes;
use crate::waiting::{duration, in_slices};

/// Finished spans that wait to be sent. All methods are quick but `wait` and `wait_done`, which let go of the GIL.
#[pyclass(frozen, module = "spanwire._native", name = "FrameQueue")]
pub struct PyFrameQueue {
    queue: Box<Queue>,
    lanes: Lanes,
    may_share: AtomicBool,
    /// Where its spans outlive the process, if they do.
    durable: Option<Arc<Directory>>,
    max_age: Option<Duration>,
    /// Spans a second of what an outage has left on the disk.
    backlog: u64,
    /// After the queue, whose frames may have been the last to refer to what goes with them.
    _after: Release,
}

#[pymethods]
impl PyFrameQueue {
    /// Bounds in bytes of memory (default 64 MiB, unless `max_spans` is given) and in spans, exactly.
    #[new]
    #[pyo3(signature = (max_bytes=None, max_spans=None, durable=None))]
    #[allow(clippy::needless_pass_by_value)] // what PyO3 hands over
    fn new(
        max_bytes: Option<usize>,
        max_spans: Option<usize>,
        durable: Option<PyRef<'_, DurableDirectory>>,
    ) -> PyResult<Self> {
        let bytes = match (max_bytes, max_spans) {
            (Some(bytes), _) => bytes,
            _ if let Some(durable) = &durable => durable.directory().room(),
            (None, None) => Limits::default().bytes,
            (None, Some(_)) => usize::MAX,
        };
        let spans = max_spans.unwrap_or(usize::MAX);
        let storage = match &durable {
            Some(durable) => durable.directory().storage(),
            None => Box::new(Heap),
        };
        let mut writer =
            Writer::with_storage(Signal::Traces, storage, bytes).map_err(|error| errors::system(&error))?;
        let lane = writer.add_lane(Limits { bytes, frames: spans });
        let max_age = durable.as_ref().and_then(|durable| durable.max_age());
        let backlog = durable.as_ref().map_or(0, |durable| durable.backlog());
        lane.set_max_age(max_age);
        let lanes = Lanes::new(lane);
        Ok(Self {
            queue: Box::new(Queue {
                writer: GilCell::new(writer),
                groups: GilCell::default(),
                lane: Arc::downgrade(lanes.own()),
                patience: AtomicU64::new(0),
                wanted: AtomicUsize::new(0),
            }),
            lanes,
            may_share: AtomicBool::new(false),
            durable: durable.map(|durable| Arc::clone(durable.directory())),
            max_age,
            backlog,
            _after: Release,
        })
    }

    /// The `SpanwireQueue` pointer, as long as this object lives.
    #[getter]
    fn address(&self) -> usize {
        std::ptr::from_ref::<Queue>(&self.queue).expose_provenance()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        usize::try_from(self.lanes.counts(py).queued).unwrap_or(usize::MAX)
    }

    /// What happens to a span for which there is no room: `drop_oldest`, `drop_newest`, or `block`, which waits for room, without the
    /// GIL, for so many milliseconds at most. Not for queues that share.
    fn set_policy(&self, policy: &str, block_millis: u64) -> PyResult<()> {
        let when_full = match policy {
            "drop_oldest" => WhenFull::DropOldest,
            "drop_newest" => WhenFull::DropNewest,
            "block" => WhenFull::Block,
            _ => return Err(PyValueError::new_err(policy.to_owned())),
        };
        self.queue.patience.store(block_millis, Ordering::Relaxed);
        self.lanes.own().set_when_full(when_full);
        Ok(())
    }

    /// Spans may also come by a `SharedQueue`: whoever reads does so by `HttpClient.drive` alone.
    fn allow_sharing(&self) {
        self.may_share.store(true, Ordering::Relaxed);
    }

    /// Whether that was said.
    #[getter]
    fn may_share(&self) -> bool {
        self.may_share.load(Ordering::Relaxed)
    }

    /// Whether both may, and keep their spans at the same place, by the same settings: if they share, the spans of both lie there.
    fn shares_with(&self, other: &Self) -> bool {
        let plan = |queue: &Self| queue.durable().map(|directory| directory.plan().clone());
        self.may_share() && other.may_share() && plan(self) == plan(other)
    }

    /// Bytes of the frames that wait.
    #[getter]
    fn frame_bytes(&self, py: Python<'_>) -> usize {
        self.lanes.all(py).iter().map(|lane| lane.frame_bytes()).sum()
    }

    /// `accepted == taken + queued + full + closed + unstored + expired + damaged`, of this process.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, count) in self.lanes.counts(py).named() {
            dict.set_item(name, count)?;
        }
        Ok(dict)
    }

    /// How many spans were taken, dropped by the bounds, and dropped since the queue was closed, since the last call in this process.
    fn take_counts(&self, py: Python<'_>) -> (u64, u64, u64) {
        let counts = self.lanes.take_counts(py);
        (
            counts.taken,
            counts.full + counts.unstored + counts.expired + counts.damaged,
            counts.closed,
        )
    }

    /// The oldest spans as a request, for `HttpClient.export_request`, whatever filter their destination has; None if none wait.
    fn take_request(&self, py: Python<'_>, max_spans: usize, max_bytes: usize) -> Option<Request> {
        let batch = self.taken(py, max_spans, max_bytes)?;
        py.detach(|| Some(Request::of(&batch)))
    }

    /// The oldest spans as an `ExportTraceServiceRequest`, and how many they are; None if there are none. At most
    /// `max_spans`, and (unless one alone is larger) at most `max_bytes` of request.
    fn take<'py>(
        &self,
        py: Python<'py>,
        max_spans: usize,
        max_bytes: usize,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, usize)>> {
        let Some(batch) = self.taken(py, max_spans, max_bytes) else {
            return Ok(None);
        };
        let request = batch.request();
        let bytes = bytes::filled(py, request.len(), |put| request.write(put))?;
        Ok(Some((bytes, batch.frames())))
    }

    /// Encodes a finished span and appends it; whether somebody must attend to the queue. Runs Python code.
    fn push(&self, span: &Bound<'_, PyAny>, w3c_flags: bool) -> PyResult<bool> {
        let py = span.py();
        let Some(frame) = encode::frame(span, w3c_flags)? else {
            return Ok(false);
        };
        let group = self.queue.groups.with(py, |groups| {
            groups.find(&frame.resource.message, &frame.scope.message, || {
                encode::group(&frame.resource, &frame.scope, Attached::default())
            })
        });
        let status = self.queue.append_patiently(py, frame.message().len(), |writer| {
            writer.append_message(&group, frame.message())
        });
        Ok(status.contains(Status::ATTEND))
    }

    /// How many spans were dropped since the last call: by the bounds, and since the queue was closed.
    fn take_dropped(&self, py: Python<'_>) -> (u64, u64) {
        let dropped = self.dropped(py);
        (
            dropped.full + dropped.unstored + dropped.expired + dropped.damaged,
            dropped.closed + dropped.kept,
        )
    }

    /// Whether what waits outlives the process.
    #[getter]
    fn is_durable(&self) -> bool {
        self.lanes.own().is_durable()
    }

    /// Takes no more spans: they are dropped, counted as `closed`. The worker goes on with what waits; with `patience` until the destination
    /// has taken nothing for so many seconds.
    #[pyo3(signature = (patience=None))]
    fn close(&self, py: Python<'_>, patience: Option<f64>) {
        let patience = patience.map(|seconds| duration(seconds).unwrap_or_default());
        for lane in self.lanes.all(py) {
            if let Some(patience) = patience {
                lane.set_patience(patience);
            }
            lane.close();
        }
    }

    /// Drops what waits, counted as `closed`; answers how many they were.
    fn discard(&self, py: Python<'_>) -> u64 {
        self.lanes.all(py).iter().map(|lane| lane.discard()).sum()
    }

    /// From now on, in each process, whoever appends is told to attend until somebody reads here.
    fn want_reader(&self) {
        self.lanes.own().want_reader();
    }

    /// True for one caller a process: it sees to it that somebody reads.
    fn begin_reader(&self) -> bool {
        self.lanes.own().begin_reader()
    }

    /// The reader could not begin, or has ended.
    fn end_reader(&self) {
        self.lanes.own().end_reader();
    }

    /// Waits until `spans` spans or `bytes` bytes wait, or for `wake`, or `timeout` seconds; perhaps less.
    fn wait(&self, py: Python<'_>, spans: u64, bytes: usize, timeout: f64) {
        let limit = duration(timeout).unwrap_or_default();
        if self.lanes.own().may_sleep(spans, bytes) {
            py.detach(|| thread::park_timeout(limit));
        }
    }

    /// Ends the reader's wait, or its next one.
    fn wake(&self, py: Python<'_>) {
        self.lanes.all(py).iter().for_each(|lane| lane.wake());
    }

    /// Whether the reader has had something to say since this was asked last.
    fn take_news(&self, py: Python<'_>) -> bool {
        let heard = self.lanes.all(py).into_iter().filter(|lane| lane.take_news());
        heard.count() > 0
    }

    /// How many spans have entered the queue in this process: all that were accepted but those refused at once.
    #[getter]
    fn entered(&self) -> u64 {
        self.lanes.own().entered()
    }

    /// How many of them have left it.
    #[getter]
    fn gone(&self) -> u64 {
        self.lanes.own().gone()
    }

    /// Wants all that has entered out at once; how many spans that are.
    fn flush(&self) -> u64 {
        self.lanes.own().flush()
    }

    /// Whether spans wait that are wanted out at once.
    #[getter]
    fn is_flushing(&self) -> bool {
        self.lanes.own().is_flushing()
    }

    /// The first `spans` spans are answered or dropped: wakes who waits for that.
    fn set_done(&self, spans: u64) {
        self.lanes.own().set_done(spans);
    }

    /// Wants all that waits out at once; what it is to be waited for by.
    fn flush_all(&self, py: Python<'_>) -> Flush {
        let lanes = self.lanes.all(py).into_iter();
        Flush {
            lanes: lanes.map(|lane| (lane.flush(), lane.generation(), lane)).collect(),
        }
    }

    /// Waits until the first `spans` spans are done with; whether they were within `timeout` seconds. Signals interrupt it.
    fn wait_done(&self, py: Python<'_>, spans: u64, timeout: f64) -> PyResult<bool> {
        let lane = self.lanes.own();
        wait_done(
            py,
            lane,
            spans,
            lane.generation(),
            duration(timeout).unwrap_or_default(),
        )
    }
}

/// Signal handlers run meanwhile, and may fork: in the child the answer is no, at once.
fn wait_done(py: Python<'_>, lane: &Lane, spans: u64, generation: u64, limit: Duration) -> PyResult<bool> {
    let is_here = || lane.generation() == generation;
    in_slices(py, limit, |slice| {
        lane.wait_done(spans, generation, Instant::now() + slice) || !is_here()
    })
    .map(|is_over| is_over && is_here())
}

/// What was to be sent at once.
#[pyclass(frozen, module = "spanwire._native")]
pub struct Flush {
    lanes: Vec<(u64, u64, Arc<Lane>)>,
}

#[pymethods]
impl Flush {
    /// Waits until all of it is done with; whether it was within `timeout` seconds. Signals interrupt it. In a process that was forked
    /// meanwhile the answer is no, at once.
    fn wait(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        let (start, limit) = (Instant::now(), duration(timeout).unwrap_or_default());
        for (spans, generation, lane) in &self.lanes {
            if !wait_done(py, lane, *spans, *generation, limit.saturating_sub(start.elapsed()))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl PyFrameQueue {
    /// What was dropped since the last call.
    pub fn dropped(&self, py: Python<'_>) -> Dropped {
        let mut sum = Dropped::default();
        for lane in self.lanes.all(py) {
            sum += lane.take_dropped();
        }
        sum
    }

    /// The directory in which its spans outlive the process, if they do.
    pub fn durable(&self) -> Option<&Arc<Directory>> {
        self.durable.as_ref()
    }

    /// Spans a second of what an outage has left on the disk; 0: no bound.
    pub fn backlog(&self) -> u64 {
        self.backlog
    }

    /// What waits for longer goes.
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// Its reading ends.
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    fn taken(&self, py: Python<'_>, max_spans: usize, max_bytes: usize) -> Option<Batch> {
        let mut all = self.lanes.all(py).into_iter();
        all.find_map(|lane| lane.take(max_spans, max_bytes))
    }
}

impl Request {
    /// In native memory, which is used again for later requests.
    pub fn of(batch: &Batch) -> Self {
        Self {
            buffer: GilCell::new(Some(Buffer::of(&batch.request()))),
            spans: batch.frames() as u64,
        }
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
    module.add_class::<Flush>()?;
    module.add_class::<PyFrameQueue>()
}
