//! `spanwire.sink` on the receiver: the server's lifetime, its counts, its requests and its faults.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use spanwire_receiver::{Config, Disconnect, Fault, Limits, Server, Stage, StartError, TlsIdentity};
use spanwire_sink::{Injected, Sink, Store, Waited};

use crate::otlp;
use crate::sink_item::ReceivedItem;
use crate::sink_request::ReceivedRequest;
use crate::sink_span::ReceivedSpan;

/// Adds the sink's classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SinkServer>()?;
    module.add_class::<ReceivedRequest>()?;
    crate::sink_item::register(module)?;
    crate::sink_span::register(module)
}

/// A running OTLP receiver; what `spanwire.sink.Sink` wraps.
#[pyclass(module = "spanwire._native", frozen)]
pub struct SinkServer {
    server: Server<Sink>,
}

#[pymethods]
impl SinkServer {
    #[new]
    #[pyo3(signature = (
        host, port, *, kept_bytes, request_bytes, connections, header_timeout, body_timeout,
        grpc_port=None, unix_path=None, stream_window=None, certificate=None, private_key=None, client_ca=None,
    ))]
    #[allow(clippy::too_many_arguments)] // one keyword each, passed on by one caller
    fn new(
        py: Python<'_>,
        host: String,
        port: u16,
        kept_bytes: usize,
        request_bytes: usize,
        connections: usize,
        header_timeout: f64,
        body_timeout: f64,
        grpc_port: Option<u16>,
        unix_path: Option<PathBuf>,
        stream_window: Option<u32>,
        certificate: Option<Vec<u8>>,
        private_key: Option<Vec<u8>>,
        client_ca: Option<Vec<u8>>,
    ) -> PyResult<Self> {
        let tls = match (certificate, private_key) {
            (Some(certificate_chain), Some(private_key)) => Some(TlsIdentity {
                certificate_chain,
                private_key,
                client_ca,
            }),
            _ => None,
        };
        let limits = Limits {
            request_bytes,
            in_flight_bytes: request_bytes.saturating_mul(4),
            connections,
            header_timeout: seconds("header_timeout", header_timeout)?,
            body_timeout: seconds("body_timeout", body_timeout)?,
            stream_window,
            ..Limits::default()
        };
        let config = Config {
            host,
            port,
            grpc_port,
            unix_path,
            limits,
            tls,
        };
        let server = py
            .detach(|| Server::start(config, Sink::new(kept_bytes)))
            .map_err(|error| start_error(&error))?;
        Ok(Self { server })
    }

    /// The address that the server listens on: host and port.
    #[getter]
    fn address(&self) -> (String, u16) {
        host_and_port(self.server.address())
    }

    /// Where gRPC has a port of its own, or the address above.
    #[getter]
    fn grpc_address(&self) -> (String, u16) {
        host_and_port(self.server.grpc_address())
    }

    /// The id of the process that started the server.
    #[getter]
    fn owner(&self) -> u32 {
        self.server.owner()
    }

    /// Whether this is a copy in a forked child: nothing but this and the address may be asked there.
    #[getter]
    fn inherited(&self) -> bool {
        self.server.is_inherited()
    }

    /// Attempts, acknowledged requests, requests forgotten over the bound.
    fn counts(&self) -> PyResult<(u64, u64, u64)> {
        let counts = self.store()?.counts();
        Ok((counts.attempts, counts.requests, counts.forgotten_requests))
    }

    /// Acknowledged spans, log records, data points or profiles.
    fn count(&self, signal: &str) -> PyResult<u64> {
        Ok(self.store()?.counts().of(otlp::signal(signal)?))
    }

    /// The requests in memory, oldest first.
    fn requests(&self) -> PyResult<Vec<ReceivedRequest>> {
        let requests = self.store()?.requests();
        Ok(requests.into_iter().map(ReceivedRequest).collect())
    }

    /// The acknowledged spans of these requests.
    fn spans(&self) -> PyResult<Vec<ReceivedSpan>> {
        let mut spans = Vec::new();
        for request in self.requests()? {
            request.append_spans(&mut spans)?;
        }
        Ok(spans)
    }

    /// The acknowledged items of another signal.
    fn items(&self, signal: &str) -> PyResult<Vec<ReceivedItem>> {
        let signal = otlp::signal(signal)?;
        let mut items = Vec::new();
        for request in self.requests()? {
            request.append_items(signal, &mut items)?;
        }
        Ok(items)
    }

    /// The requests after the first `seen` ones, and how many there were so far.
    fn requests_since(&self, seen: u64) -> PyResult<(Vec<ReceivedRequest>, u64)> {
        let (requests, total) = self.store()?.requests_since(seen);
        Ok((requests.into_iter().map(ReceivedRequest).collect(), total))
    }

    /// Waits until `count` items of a signal, or without one requests, were acknowledged. Answers "reached", "stopped" or
    /// "timeout"; signals of the system interrupt it.
    fn wait(&self, py: Python<'_>, signal: Option<&str>, count: u64, timeout: f64) -> PyResult<&'static str> {
        let store = self.store()?;
        let signal = signal.map(otlp::signal).transpose()?;
        let timeout = seconds("timeout", timeout)?;
        let start = Instant::now();
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            let pause = left.min(SIGNAL_INTERVAL);
            let waited = py.detach(|| match signal {
                Some(signal) => store.wait(signal, count, pause),
                None => store.wait_for_requests(count, pause),
            });
            py.check_signals()?;
            match waited {
                Waited::Reached => return Ok("reached"),
                Waited::Stopped => return Ok("stopped"),
                Waited::TimedOut if start.elapsed() >= timeout => return Ok("timeout"),
                Waited::TimedOut => {}
            }
        }
    }

    /// Forgets the requests and sets the counts to 0.
    fn clear(&self) -> PyResult<()> {
        self.store()?.clear();
        Ok(())
    }

    /// Adds a step to the schedule of faults; `times` None is for ever.
    #[pyo3(signature = (
        times, *, status=None, delay=0.0, retry_after=None, disconnect=None, body=None, body_size=None,
        chunk_size=None, chunk_delay=0.0, rejected=0, message=None, keep=None, stage="body", error_code=0,
        grpc_status=None, retry_delay=None, content_type=None,
    ))]
    #[allow(clippy::too_many_arguments)] // one keyword each, as `spanwire.sink.Fault` has them
    fn inject(
        &self,
        times: Option<u64>,
        status: Option<u16>,
        delay: f64,
        retry_after: Option<String>,
        disconnect: Option<&str>,
        body: Option<Vec<u8>>,
        body_size: Option<u64>,
        chunk_size: Option<usize>,
        chunk_delay: f64,
        rejected: u64,
        message: Option<String>,
        keep: Option<bool>,
        stage: &str,
        error_code: u32,
        grpc_status: Option<u32>,
        retry_delay: Option<f64>,
        content_type: Option<String>,
    ) -> PyResult<()> {
        let fault = Fault {
            status,
            delay: seconds("delay", delay)?,
            retry_after,
            disconnect: disconnect.map(parse_disconnect).transpose()?,
            body: body.map(Into::into),
            body_size,
            chunk_size,
            chunk_delay: seconds("chunk_delay", chunk_delay)?,
            rejected,
            message,
            stage: parse_stage(stage)?,
            error_code,
            grpc_status,
            retry_delay: retry_delay.map(|delay| seconds("retry_delay", delay)).transpose()?,
            content_type,
        };
        let injected = Injected { fault, keep };
        self.alive()?.consumer().faults().push(Some(injected), times);
        Ok(())
    }

    /// Adds a step to the schedule: so many requests without a fault.
    fn pass_requests(&self, times: u64) -> PyResult<()> {
        self.alive()?.consumer().faults().push(None, Some(times));
        Ok(())
    }

    /// Requests that the schedule of faults still covers; None if without end.
    fn pending_faults(&self) -> PyResult<Option<u64>> {
        Ok(self.alive()?.consumer().faults().pending())
    }

    /// Forgets the schedule of faults.
    fn clear_faults(&self) -> PyResult<()> {
        self.alive()?.consumer().faults().clear();
        Ok(())
    }

    /// Stops to serve: requests in progress have `grace` seconds. In a forked child it does nothing.
    fn close(&self, py: Python<'_>, grace: f64) -> PyResult<()> {
        let grace = seconds("grace", grace)?;
        if !self.server.is_inherited() {
            py.detach(|| self.server.shutdown(grace));
        }
        Ok(())
    }
}

impl SinkServer {
    fn store(&self) -> PyResult<&Store> {
        Ok(self.alive()?.consumer().store())
    }

    fn alive(&self) -> PyResult<&Server<Sink>> {
        if self.server.is_inherited() {
            return Err(PyRuntimeError::new_err(format!(
                "this Sink runs in process {} and was inherited by fork: process {} must start its own",
                self.server.owner(),
                std::process::id(),
            )));
        }
        Ok(&self.server)
    }
}

const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    if value == f64::INFINITY {
        return Ok(Duration::MAX);
    }
    Duration::try_from_secs_f64(value)
        .map_err(|error| PyValueError::new_err(format!("{name} must be seconds, not {value}: {error}")))
}

fn host_and_port(address: SocketAddr) -> (String, u16) {
    (address.ip().to_string(), address.port())
}

// Names are checked by `spanwire.sink.Fault`, which is the only caller.
fn parse_disconnect(name: &str) -> PyResult<Disconnect> {
    Ok(match name {
        "close" => Disconnect::Close,
        "reset" => Disconnect::Reset,
        "half-close" => Disconnect::HalfClose,
        "truncate" => Disconnect::Truncate,
        "goaway" => Disconnect::GoAway,
        "goaway-after" => Disconnect::GoAwayAfter,
        "reset-stream" => Disconnect::ResetStream,
        "stall" => Disconnect::Stall,
        "freeze" => Disconnect::Freeze,
        _ => return Err(PyValueError::new_err(format!("no disconnect is called {name:?}"))),
    })
}

fn parse_stage(name: &str) -> PyResult<Stage> {
    Ok(match name {
        "connect" => Stage::Connect,
        "headers" => Stage::Head,
        "body" => Stage::Body,
        "answer" => Stage::Answer,
        _ => return Err(PyValueError::new_err(format!("no stage is called {name:?}"))),
    })
}

fn start_error(error: &StartError) -> PyErr {
    match error {
        StartError::Bind { source, .. } | StartError::BindUnix { source, .. } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, error.to_string())),
            None => PyOSError::new_err(error.to_string()),
        },
        StartError::Tls(_) => PyValueError::new_err(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}
