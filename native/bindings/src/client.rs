//! [`ExportClient`], the worker's client that exporters hold; what became of a request; and the counts.
//!
//! The GIL is held to read the spans and to make the answer; compressing, sending and waiting happen without it.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use spanwire_engine::process::buffer::Buffer;
use spanwire_engine::process::events;
use spanwire_engine::process::events::What;
use spanwire_engine::{Account, Answer, BatchLimits, Breakers, Client, DropReason, Event};
use spanwire_queue::Lane;
use spanwire_transport::balancer::Strategy;
use spanwire_transport::config::TlsFiles;
use spanwire_transport::{Compression, Config, ConfigError, FreshHeaders, Protocol, Proxy};
use spanwire_wire::Signal;

use crate::columns::encode::{ColumnEncoder, EncodedHeads};
use crate::filter::PyFilter;
use crate::frame_queue::{PyFrameQueue, Request};
use crate::waiting::{deliver, duration, in_slices};
use crate::{columns, errors};

/// What this client encodes and sends.
pub const SIGNAL: Signal = Signal::Traces;

/// Names and values.
type Headers = Vec<(String, Vec<u8>)>;

/// A proxy's URL, and the value of a header for it.
type ProxyTold = (String, Option<Vec<u8>>);

/// Spans begun, spans taken, spans lost by reason, and requests: seconds, and why spans of it were lost.
type Kept = (u64, u64, HashMap<&'static str, u64>, Vec<(f64, Option<&'static str>)>);

/// A client for OTLP over HTTP: in the bodies of HTTP/1.1, or as calls of gRPC over HTTP/2.
///
/// Frozen: a borrow flag would stay set for ever in a child forked while another thread is inside a method.
#[pyclass(frozen, module = "spanwire._native", name = "HttpClient")]
pub struct ExportClient {
    client: Arc<Client>,
    w3c_flags: bool,
    fresh: Option<Arc<FreshHeaders>>,
}

#[pymethods]
impl ExportClient {
    /// `protocol` is one of OTLP's: `http/protobuf`, `http/json` or `grpc`. `timeout` in seconds covers all tries; `max_request_size` in bytes before compression, 0 or less for no limit; `others` are more
    /// endpoints with their headers, and `balance` says how one of them is chosen; `proxies` are that of `endpoint` and those of the others,
    /// with what `Proxy-Authorization` says. With `fresh_headers` nothing is sent before `set_headers`.
    #[new]
    #[pyo3(signature = (endpoint, *, headers, timeout, compression, ca_file=None, cert_file=None, key_file=None,
                        max_request_size=0, w3c_flags=false, others=vec![], balance="round_robin", protocol="http/protobuf",
                        proxies=vec![], fresh_headers=false))]
    // The arguments have names in Python; owned values are what PyO3 hands over.
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn new(
        py: Python<'_>,
        endpoint: &str,
        headers: Headers,
        timeout: f64,
        compression: &str,
        ca_file: Option<PathBuf>,
        cert_file: Option<PathBuf>,
        key_file: Option<PathBuf>,
        max_request_size: i64,
        w3c_flags: bool,
        others: Vec<(String, Headers)>,
        balance: &str,
        protocol: &str,
        proxies: Vec<Option<ProxyTold>>,
        fresh_headers: bool,
    ) -> PyResult<Self> {
        let limit = duration(timeout).filter(|limit| !limit.is_zero());
        let limit = limit.ok_or_else(|| errors::config(&ConfigError::Timeout(timeout)))?;
        let protocol =
            Protocol::from_name(protocol).ok_or_else(|| errors::config(&ConfigError::Protocol(protocol.to_owned())))?;
        let compression = Compression::from_name(compression)
            .ok_or_else(|| errors::config(&ConfigError::Compression(compression.to_owned())))?;
        let files = TlsFiles {
            ca: ca_file,
            cert: cert_file,
            key: key_file,
        };
        let strategy =
            Strategy::from_name(balance).ok_or_else(|| errors::config(&ConfigError::Strategy(balance.to_owned())))?;
        let fresh = fresh_headers.then(Arc::<FreshHeaders>::default);
        let new = |at: usize, endpoint: &str, headers: &Headers| {
            let mut config = Config::new(protocol, endpoint, headers, compression, &files)?.with_timeout(limit);
            if let Some(fresh) = &fresh {
                config = config.with_fresh_headers(Arc::clone(fresh));
            }
            match proxies.get(at) {
                Some(Some((url, authorization))) => {
                    config.with_proxy(Proxy::new(url, authorization.as_deref(), &files)?)
                }
                _ => Ok(config),
            }
        };
        let config = py
            .detach(|| {
                let others = others
                    .iter()
                    .zip(1..)
                    .map(|((endpoint, headers), at)| new(at, endpoint, headers));
                let others = others.collect::<Result<Vec<_>, _>>()?;
                Ok(new(0, endpoint, &headers)?.with_others(others, strategy))
            })
            .map_err(|error| errors::config(&error))?;
        // The encoder looks at the SDK's classes on first use, which imports modules. Here, not in the first export: a
        // child forked while another thread imports would find the module locked for ever.
        crate::encode::encode_request(py, PyTuple::empty(py).as_any(), w3c_flags, &mut Vec::new())?;
        let max_request = usize::try_from(max_request_size).ok().filter(|&limit| limit > 0);
        let client = Client::new(config, limit, max_request).map_err(|error| errors::system(&error))?;
        Ok(Self {
            client: Arc::new(client),
            w3c_flags,
            fresh,
        })
    }

    /// A client for measurements: what a queue hands to it by `drive` is taken and comes to nothing.
    #[staticmethod]
    fn discarding() -> PyResult<Self> {
        let config = Config::new(
            Protocol::HttpProtobuf,
            "http://discarded.invalid/",
            &[],
            Compression::None,
            &TlsFiles::default(),
        )
        .map_err(|error| errors::config(&error))?;
        let client = Client::new(config, Duration::from_secs(10), None).map_err(|error| errors::system(&error))?;
        Ok(Self {
            client: Arc::new(client.discarding()),
            w3c_flags: true,
            fresh: None,
        })
    }

    /// The destination's name in `stats()`: the endpoint without query.
    #[getter]
    fn destination(&self) -> String {
        self.client.name()
    }

    /// From the next request on these are sent beside those that do not change; `ValueError` for what cannot be sent.
    #[allow(clippy::needless_pass_by_value)] // owned values are what PyO3 hands over
    fn set_headers(&self, py: Python<'_>, headers: Headers) -> PyResult<()> {
        let Some(fresh) = &self.fresh else { return Ok(()) };
        py.detach(|| fresh.set(&headers))
            .map_err(|error| errors::config(&error))
    }

    /// Waits until a server has refused those headers, or `end_headers`, from so many seconds on and for so many at most; whether that is so.
    fn wait_headers_wanted(&self, py: Python<'_>, least: f64, timeout: f64) -> bool {
        let limit = duration(timeout).unwrap_or_default();
        let least = duration(least).unwrap_or_default();
        let wait = |fresh: &Arc<FreshHeaders>| py.detach(|| fresh.wait_wanted(least, limit));
        self.fresh.as_ref().is_none_or(wait)
    }

    /// The function that gives them is called, and should return within so many seconds.
    fn begin_headers_call(&self, py: Python<'_>, limit: f64) {
        if let Some(fresh) = &self.fresh {
            let limit = duration(limit).unwrap_or_default();
            py.detach(|| fresh.call_begins(limit));
        }
    }

    /// It has returned or raised.
    fn end_headers_call(&self, py: Python<'_>) {
        if let Some(fresh) = &self.fresh {
            py.detach(|| fresh.call_ends());
        }
    }

    /// Ends that waiting.
    fn end_headers(&self, py: Python<'_>) {
        if let Some(fresh) = &self.fresh {
            py.detach(|| fresh.end());
        }
    }

    /// Encodes and delivers `spans`; raises only what a signal handler raises while waiting.
    fn export(&self, py: Python<'_>, spans: &Bound<'_, PyAny>) -> PyResult<Outcome> {
        let given = spans.len().unwrap_or(0) as u64;
        if self.client.is_closed() {
            return Ok(self
                .client
                .lose(SIGNAL, given, DropReason::Shutdown, "the exporter is shut down".into())
                .into());
        }
        let mut buffer = Buffer::take();
        let encoded = catch_unwind(AssertUnwindSafe(|| {
            crate::encode::encode_request(py, spans, self.w3c_flags, &mut buffer)
        }));
        let count = match encoded {
            Ok(Ok(count)) => count as u64,
            Ok(Err(error)) if error.is_instance_of::<PyException>(py) => {
                let message = format!("the batch cannot be encoded: {error}");
                return Ok(self.client.lose(SIGNAL, given, DropReason::Encode, message).into());
            }
            Ok(Err(error)) => return Err(error), // KeyboardInterrupt, SystemExit
            Err(_) => {
                let message = "internal error while encoding; please report this".to_owned();
                return Ok(self.client.lose(SIGNAL, given, DropReason::Internal, message).into());
            }
        };
        let left_out = given.saturating_sub(count);
        if left_out > 0 {
            let message = "some spans of a batch could not be encoded; a log line names one".to_owned();
            let _ = self.client.lose(SIGNAL, left_out, DropReason::Encode, message);
        }
        let mut outcome = self.deliver(py, buffer, count)?;
        outcome.0.lose(DropReason::Encode, left_out);
        Ok(outcome)
    }

    /// Delivers an `ExportTraceServiceRequest` that holds `span_count` spans.
    fn export_encoded(&self, py: Python<'_>, request: &[u8], span_count: u64) -> PyResult<Outcome> {
        let mut buffer = Buffer::take();
        buffer.extend_from_slice(request);
        self.deliver(py, buffer, span_count)
    }

    /// Encodes and delivers the spans of columns, in requests of at most so many bytes; raises `ValueError` for columns that cannot be
    /// encoded, before anything is sent, and what a signal handler raises while waiting.
    #[allow(clippy::needless_pass_by_value)] // owned values are what PyO3 hands over
    fn export_columns(
        &self,
        py: Python<'_>,
        columns: &ColumnEncoder,
        groups: Vec<EncodedHeads<'_>>,
        max_request_bytes: usize,
        threads: usize,
    ) -> PyResult<Outcome> {
        columns::export::export(py, &self.client, columns, &groups, max_request_bytes, threads).map(Outcome::from)
    }

    /// Delivers a request taken from a queue; a second time it is empty.
    fn export_request(&self, py: Python<'_>, request: &Request) -> PyResult<Outcome> {
        match request.take(py) {
            Some(buffer) => self.deliver(py, buffer, request.spans),
            None => self.deliver(py, Buffer::take(), 0),
        }
    }

    /// Has the worker send what waits in a queue and will come, if it does not yet: at most so many spans and bytes a request, so
    /// much waiting or `delay` seconds start one; so many `in_flight` at most, 0: by the endpoint. One step, so that no signal handler that raises leaves it half done.
    #[pyo3(signature = (queue, spans, bytes, delay, in_flight=0))]
    fn drive(
        &self,
        py: Python<'_>,
        queue: &PyFrameQueue,
        spans: usize,
        bytes: usize,
        delay: f64,
        in_flight: usize,
    ) -> PyResult<()> {
        let limits = BatchLimits {
            items: spans,
            bytes,
            delay: duration(delay).unwrap_or_default(),
            in_flight,
            backlog: queue.backlog(),
        };
        let mut lanes = queue.lanes().begin(py).into_iter();
        py.detach(|| {
            while let Some(lane) = lanes.next() {
                self.client.drive(Arc::clone(&lane), limits).inspect_err(|_| {
                    lane.end_reader();
                    lanes.by_ref().for_each(|lane| lane.end_reader());
                })?;
            }
            Ok(())
        })
        .map_err(|error| errors::system(&error))
    }

    /// From its next request on, what comes from a queue passes this filter, or none; what it leaves out is counted as `stage`.
    fn set_filter(&self, py: Python<'_>, filter: Option<&PyFilter>) {
        let stages = filter.map(PyFilter::stages).unwrap_or_default();
        py.detach(|| self.client.set_stages(stages));
    }

    /// Counts what a queue in front of this client has dropped since the last call, and answers it: by the bounds, since the queue was
    /// closed, since there was no room on the disk, what waited for too long, and what could not be read there. One step: no signal handler
    /// that raises can come between taking and counting.
    fn lose_dropped(&self, py: Python<'_>, queue: &PyFrameQueue) -> (u64, u64, u64, u64, u64) {
        let dropped = queue.dropped(py);
        for (spans, reason) in DropReason::of_dropped(dropped, DropReason::Shutdown) {
            if spans > 0 {
                drop(self.client.lose(SIGNAL, spans, reason, reason.of_a_queue(spans)));
            }
        }
        (
            dropped.full,
            dropped.closed + dropped.kept,
            dropped.unstored,
            dropped.expired,
            dropped.damaged,
        )
    }

    /// From now on what becomes of what `drive` sends is kept for `take_ledger`.
    fn keep_ledger(&self, py: Python<'_>) {
        py.detach(|| self.client.keep_ledger());
    }

    /// What became of what `drive` has sent since the last call, in this process: spans that were begun with, that were taken, that were
    /// lost, by reason, and of each request that has ended how many seconds it took, and why spans of it were lost first.
    fn take_ledger(&self, py: Python<'_>) -> Kept {
        let ledger = py.detach(|| self.client.take_ledger());
        let lost = ledger.lost.into_iter().map(|(reason, spans)| (reason.name(), spans));
        let ended = ledger.ended.into_iter();
        let ended = ended.map(|ended| (ended.duration.as_secs_f64(), ended.lost.map(DropReason::name)));
        (ledger.begun, ledger.exported, lost.collect(), ended.collect())
    }

    /// Whether the destination has taken nothing for `patience` seconds, of the last `elapsed`; longer if it is known to be slow.
    fn is_stalled(&self, py: Python<'_>, elapsed: f64, patience: f64) -> bool {
        let (elapsed, patience) = (
            duration(elapsed).unwrap_or_default(),
            duration(patience).unwrap_or_default(),
        );
        let start = Instant::now().checked_sub(elapsed).unwrap_or_else(Instant::now);
        py.detach(|| self.client.is_stalled(start, patience))
    }

    /// Waits for what is under way; whether it ended within `timeout` seconds. Signals interrupt it.
    fn force_flush(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        self.wait_for_all(py, duration(timeout).unwrap_or_default())
    }

    /// Takes no more, interrupts back-offs, leaves `timeout` seconds to requests under way; whether none is left.
    fn shutdown(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        let limit = duration(timeout).unwrap_or_default();
        let is_first = py.detach(|| self.client.close(limit));
        self.wait_for_all(py, if is_first { limit } else { Duration::ZERO })
    }
}

impl ExportClient {
    fn deliver(&self, py: Python<'_>, buffer: Buffer, spans: u64) -> PyResult<Outcome> {
        if spans == 0 {
            return Ok(Answer::default().into()); // an empty request is not sent
        }
        deliver(py, || self.client.submit(SIGNAL, buffer, spans)).map(Outcome::from)
    }
}

impl ExportClient {
    /// What it sends by.
    pub fn shared(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    fn wait_for_all(&self, py: Python<'_>, limit: Duration) -> PyResult<bool> {
        let mark = self.client.mark();
        in_slices(py, limit, |slice| self.client.flushed(mark, slice))
    }
}

/// What became of a request.
#[pyclass(frozen, module = "spanwire._native")]
pub struct Outcome(Answer);

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self(answer)
    }
}

#[pymethods]
impl Outcome {
    /// Why the spans were lost, as in `stats()`; `None` when the destination took them.
    #[getter]
    fn lost(&self) -> Option<&'static str> {
        self.0.lost.map(DropReason::name)
    }

    /// An error, or what the destination said about a success.
    #[getter]
    fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// How many spans were lost, by reason; also if others were taken. Empty where that is not known.
    #[getter]
    fn losses(&self) -> HashMap<&'static str, u64> {
        let losses = self.0.losses.iter();
        losses.map(|&(reason, spans)| (reason.name(), spans)).collect()
    }

    /// Spans that the destination took the request without.
    #[getter]
    fn rejected(&self) -> u64 {
        self.0.rejected
    }

    /// Tries after the first.
    #[getter]
    fn retries(&self) -> u64 {
        self.0.retries
    }

    /// Whether `take_events` has something for which nobody waits.
    #[getter]
    fn has_news(&self) -> bool {
        self.0.has_news
    }
}

/// An event as Python sees it.
type Said = (String, Option<&'static str>, u64, String);

/// Takes what the worker has to say: tuples of destination, reason of the loss (None: the request was taken; "waits":
/// it is tried again; "certificates" or "headers": what is wrong, whatever became of it; "recover": the destination is a folder, and what ended processes
/// have left there is not sent), spans and text;
/// and how many events were pushed out before anybody heard them.
#[pyfunction]
pub fn take_events() -> (Vec<Said>, u64) {
    let (events, missed) = events::take();
    let tell = |event: Event| {
        let what = match event.what {
            What::Taken => None,
            What::Lost(reason) => Some(reason.name()),
            What::Waits => Some("waits"),
            What::Trouble(subject) => Some(subject.name()),
            What::Unrecovered => Some("recover"),
        };
        (event.destination, what, event.items, event.message)
    };
    (events.into_iter().map(tell).collect(), missed)
}

/// Waits until the worker has something to say, for so many seconds at most; whether it has.
#[pyfunction]
pub fn wait_events(py: Python<'_>, timeout: f64) -> bool {
    let limit = duration(timeout).unwrap_or_default();
    py.detach(|| events::wait(limit))
}

/// Ends all waiting for events.
#[pyfunction]
pub fn stop_events() {
    events::stop();
}

/// The counts by destination.
#[pyfunction]
pub fn export_stats(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    stats_of(py, spanwire_engine::accounts(SIGNAL))
}

/// The same, and for each queue how many of its spans are in no account yet, at the same moment.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // what PyO3 hands over
pub fn export_stats_and_queued<'py>(
    py: Python<'py>,
    queues: Vec<PyRef<'py, PyFrameQueue>>,
) -> PyResult<(Bound<'py, PyDict>, Vec<u64>)> {
    // Gathered before the process's lock is taken, and let go of after it: the last of a lane may close files.
    let lanes: Vec<_> = queues.iter().map(|queue| queue.lanes().all(py)).collect();
    let sum = |lanes: &Vec<Arc<Lane>>| lanes.iter().map(|lane| lane.unreported()).sum();
    let (accounts, waiting) = spanwire_engine::accounts_and(SIGNAL, || lanes.iter().map(sum).collect());
    Ok((stats_of(py, accounts)?, waiting))
}

fn stats_of(py: Python<'_>, accounts: BTreeMap<String, Account>) -> PyResult<Bound<'_, PyDict>> {
    let stats = PyDict::new(py);
    let breakers = spanwire_engine::process::breakers();
    let unused = Breakers::default();
    for (destination, account) in accounts {
        let seen = breakers.get(&destination).unwrap_or(&unused);
        stats.set_item(PyString::new(py, &destination), counts(py, &account, seen)?)?;
    }
    Ok(stats)
}

fn counts<'py>(py: Python<'py>, account: &Account, breakers: &Breakers) -> PyResult<Bound<'py, PyDict>> {
    let dropped = PyDict::new(py);
    for (reason, count) in &account.dropped {
        dropped.set_item(reason.name(), count)?;
    }
    let counts = PyDict::new(py);
    counts.set_item("accepted", account.accepted)?;
    counts.set_item("exported", account.exported)?;
    counts.set_item("queued", account.queued)?;
    counts.set_item("dropped", dropped)?;
    counts.set_item("requests", account.requests)?;
    counts.set_item("retries", account.retries)?;
    counts.set_item("bytes", account.bytes)?;
    counts.set_item("connections", account.connections)?;
    counts.set_item("breaker", breakers.whole.name())?;
    let endpoints = PyDict::new(py);
    for (endpoint, health) in &breakers.endpoints {
        endpoints.set_item(endpoint, health.name())?;
    }
    counts.set_item("breakers", endpoints)?;
    counts.set_item("last_error", account.last_error.as_deref())?;
    Ok(counts)
}

/// Adds this file's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ExportClient>()?;
    module.add_class::<PyFilter>()?;
    module.add_class::<Outcome>()?;
    module.add_function(wrap_pyfunction!(take_events, module)?)?;
    module.add_function(wrap_pyfunction!(wait_events, module)?)?;
    module.add_function(wrap_pyfunction!(stop_events, module)?)?;
    module.add_function(wrap_pyfunction!(export_stats_and_queued, module)?)?;
    module.add_function(wrap_pyfunction!(export_stats, module)?)
}
