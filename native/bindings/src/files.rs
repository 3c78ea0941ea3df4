//! Files of recorded spans for the commands: reading, writing, statistics, replaying.
//!
//! The bytes come from a Python function and go to one, called with the GIL, so that Ctrl-C interrupts a wait for them; all else happens
//! without it.

use std::io::{self, BufWriter, Read, Write};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use spanwire_files::stats::Histogram;
use spanwire_files::writer::WriteError;
use spanwire_files::{Compression, FileError, Format, Plan, Reader, Recording, Shift, Stats, Writer};

use crate::errors::decode_error;
use crate::waiting::duration;

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<FileReader>()?;
    module.add_class::<FileWriter>()?;
    module.add_class::<FileStats>()?;
    module.add_class::<ReplayPlan>()
}

/// How much is asked of the function at once.
const CHUNK: usize = 256 << 10;

/// `read(size)` of a Python file.
struct Source(Py<PyAny>);

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let given = self.0.bind(py).call1((into.len().min(CHUNK),))?;
            let bytes = given.extract::<&[u8]>().map_err(PyErr::from)?;
            let Some(place) = into.get_mut(..bytes.len()) else {
                return Err(io::Error::other("more bytes than were asked for"));
            };
            place.copy_from_slice(bytes);
            Ok(bytes.len())
        })
    }
}

/// `write(bytes)` of a Python file.
struct Destination(Py<PyAny>);

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Python::attach(|py| self.0.bind(py).call1((PyBytes::new(py, bytes),)).map(drop))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn parse_format(name: &str) -> PyResult<Format> {
    Format::from_name(name).ok_or_else(|| PyValueError::new_err(format!("no such format: {name:?}")))
}

fn parse_compression(name: &str) -> PyResult<Compression> {
    Compression::from_name(name).ok_or_else(|| PyValueError::new_err(format!("no such compression: {name:?}")))
}

/// Reads requests from whatever a file holds. One thread at a time.
#[pyclass(module = "spanwire._native")]
struct FileReader {
    reader: Reader,
    broken: Option<(u64, String)>,
}

#[pymethods]
impl FileReader {
    /// `read` is called with a number of bytes and gives so many at most, none at the end. `format` None is a guess. What is
    /// decompressed may have `limit` bytes.
    #[new]
    #[pyo3(signature = (read, *, format=None, limit))]
    fn new(py: Python<'_>, read: Py<PyAny>, format: Option<&str>, limit: u64) -> PyResult<Self> {
        let format = format.map(parse_format).transpose()?;
        let reader = py.detach(|| Reader::new(Box::new(Source(read)), format, limit))?;
        Ok(Self { reader, broken: None })
    }

    /// Compressions around the file, from the outside in.
    #[getter]
    fn compressions(&self) -> Vec<&'static str> {
        self.reader.layers().iter().map(|layer| layer.name()).collect()
    }

    /// The format's name; reads on for a guess. None if nothing that is known begins so.
    fn format(&mut self, py: Python<'_>) -> Option<&'static str> {
        py.detach(|| self.reader.format()).map(Format::name)
    }

    /// The next request and the number of its spans; None at the end, which may be a break.
    fn next_request<'py>(&mut self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyBytes>, usize)>> {
        match py.detach(|| self.reader.next_piece()) {
            None => Ok(None),
            Some(Ok(piece)) => Ok(Some((PyBytes::new(py, &piece.request), piece.spans))),
            Some(Err(FileError::Source(error))) => Err(error.into()),
            Some(Err(FileError::Broken(broken))) => {
                self.broken = Some((broken.offset, broken.to_string()));
                Ok(None)
            }
        }
    }

    /// Where the file breaks, in decompressed bytes, and what is wrong there, place included; None as long as it does not.
    #[getter]
    fn broken(&self) -> Option<(u64, String)> {
        self.broken.clone()
    }
}

/// Writes requests to a file of any format. One thread at a time.
#[pyclass(module = "spanwire._native")]
struct FileWriter {
    writer: Option<Writer<BufWriter<Destination>>>,
}

#[pymethods]
impl FileWriter {
    /// `write` is called with bytes and takes them all.
    #[new]
    #[pyo3(signature = (write, *, format, compression=None))]
    fn new(write: Py<PyAny>, format: &str, compression: Option<&str>) -> PyResult<Self> {
        let (format, compression) = (parse_format(format)?, compression.map(parse_compression).transpose()?);
        let destination = BufWriter::with_capacity(CHUNK, Destination(write));
        Ok(Self {
            writer: Some(Writer::new(destination, format, compression)?),
        })
    }

    /// Writes a request; `ValueError` if it is none.
    fn write(&mut self, py: Python<'_>, request: &[u8]) -> PyResult<()> {
        let writer = self.open()?;
        py.detach(|| writer.write(request)).map_err(|error| match error {
            WriteError::Destination(error) => error.into(),
            WriteError::Request(error) => decode_error(error),
            WriteError::TooLong(_) => PyValueError::new_err(error.to_string()),
        })
    }

    /// Hands over what waits, as far as the compression can.
    fn flush(&mut self, py: Python<'_>) -> PyResult<()> {
        let writer = self.open()?;
        Ok(py.detach(|| writer.flush())?)
    }

    /// Ends the file; nothing can be written after it.
    fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        self.open()?;
        if let Some(writer) = self.writer.take() {
            py.detach(|| writer.finish().and_then(|mut buffer| buffer.flush()))?;
        }
        Ok(())
    }
}

impl FileWriter {
    fn open(&mut self) -> PyResult<&mut Writer<BufWriter<Destination>>> {
        self.writer
            .as_mut()
            .ok_or_else(|| PyValueError::new_err("the file is finished"))
    }
}

/// Counts what is in requests. One thread at a time.
#[pyclass(module = "spanwire._native")]
struct FileStats {
    stats: Stats,
}

#[pymethods]
impl FileStats {
    #[new]
    fn new() -> Self {
        Self {
            stats: Stats::default(),
        }
    }

    /// Counts a request.
    fn add(&mut self, py: Python<'_>, request: &[u8]) -> PyResult<()> {
        py.detach(|| self.stats.add(request)).map_err(decode_error)
    }

    /// All counts. Times and durations are in nanoseconds, sizes in bytes; quantiles are at most 1 % above the exact ones.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = &self.stats;
        let counts = PyDict::new(py);
        for (name, count) in [
            ("requests", stats.requests),
            ("spans", stats.spans),
            ("traces", stats.traces.len() as u64),
            ("roots", stats.roots),
            ("errors", stats.errors),
            ("events", stats.events),
            ("links", stats.links),
            ("attributes", stats.attributes),
            ("bytes", stats.bytes),
            ("first", stats.first),
            ("last", stats.last),
            ("uncounted", stats.uncounted),
        ] {
            counts.set_item(name, count)?;
        }
        counts.set_item("services", &stats.services)?;
        counts.set_item("scopes", &stats.scopes)?;
        counts.set_item("names", &stats.names)?;
        counts.set_item("kinds", &stats.kinds)?;
        counts.set_item("statuses", &stats.statuses)?;
        counts.set_item("keys", &stats.keys)?;
        counts.set_item("sizes", quantiles(&stats.sizes))?;
        counts.set_item("durations", quantiles(&stats.durations))?;
        Ok(counts)
    }
}

/// Half, 99 of 100, all.
fn quantiles(histogram: &Histogram) -> (u64, u64, u64) {
    (histogram.quantile(0.5), histogram.quantile(0.99), histogram.largest())
}

/// A recording in memory, cut into requests to send again. One thread at a time.
#[pyclass(module = "spanwire._native")]
struct ReplayPlan {
    recording: Recording,
    plan: Plan,
}

#[pymethods]
impl ReplayPlan {
    /// `speed` None is everything at once. `begin` is when it begins, Unix nanoseconds; None keeps the times of the spans. `spans`,
    /// `bytes` and `window` (seconds between its first and last span) bound a request.
    #[new]
    #[pyo3(signature = (*, speed, begin, new_ids, spans, bytes, window))]
    fn new(
        speed: Option<f64>,
        begin: Option<u64>,
        new_ids: bool,
        spans: usize,
        bytes: usize,
        window: f64,
    ) -> PyResult<Self> {
        if speed.is_some_and(|speed| !(speed > 0.0 && speed.is_finite())) {
            return Err(PyValueError::new_err("speed must be more than 0"));
        }
        let plan = Plan {
            speed,
            shift: begin.map_or(Shift::Keep, Shift::To),
            new_ids,
            spans,
            bytes,
            window: duration(window).unwrap_or_default(),
        };
        Ok(Self {
            recording: Recording::default(),
            plan,
        })
    }

    /// Adds the spans of a request.
    fn add(&mut self, py: Python<'_>, request: &[u8]) -> PyResult<()> {
        py.detach(|| self.recording.add(request)).map_err(decode_error)
    }

    /// Spans, traces, and seconds from the first to the last start.
    fn size(&self, py: Python<'_>) -> (usize, usize, f64) {
        let recording = &self.recording;
        let seconds = py.detach(|| recording.duration()).as_secs_f64();
        (recording.len(), recording.traces(), seconds)
    }

    /// The time that spans' times are moved to from now on.
    fn begin_at(&mut self, begin: u64) {
        if self.plan.shift != Shift::Keep {
            self.plan.shift = Shift::To(begin);
        }
    }

    /// The next request, the number of its spans, and after how many seconds it is due; None at the end.
    fn next_request<'py>(&mut self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyBytes>, usize, f64)>> {
        let Self { recording, plan } = self;
        let next = py.detach(|| recording.next_request(plan)).map_err(decode_error)?;
        Ok(next.map(|next| (PyBytes::new(py, &next.request), next.spans, next.due.as_secs_f64())))
    }
}
