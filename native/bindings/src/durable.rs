//! [`DurableDirectory`]: where what waits outlives the process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use spanwire_durable::{Directory, MapPolicy, Plan, Report, Shape, Summary, Sync, directories, summaries};

use crate::errors;
use crate::waiting::duration;

/// The segment files of this process under a folder that it shares with others.
#[pyclass(frozen, weakref, module = "spanwire._native")]
pub struct DurableDirectory {
    directory: Arc<Directory>,
    max_age: Option<Duration>,
    backlog: u64,
}

impl DurableDirectory {
    /// The directory itself.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Spans a second of what an outage has left there; 0: no bound.
    pub fn backlog(&self) -> u64 {
        self.backlog
    }

    /// The directory; in a forked child, those that the child has made for it.
    fn of_this_process(&self) -> Vec<Arc<Directory>> {
        if self.directory.is_here() {
            return vec![Arc::clone(&self.directory)];
        }
        let is_of_it = |other: &Arc<Directory>| other.plan() == self.directory.plan();
        directories().into_iter().filter(is_of_it).collect()
    }

    /// What waits for longer goes.
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }
}

#[pymethods]
impl DurableDirectory {
    /// Makes the folder, its lock and the first file. `sync` is `never`, `interval` or `batch`, `mapping` is `auto`, `always` or `never`.
    #[new]
    #[pyo3(signature = (path, service, limit, sync, interval, max_age=None, backlog=0, mapping="auto"))]
    #[allow(clippy::too_many_arguments)] // Python names them
    fn new(
        py: Python<'_>,
        path: PathBuf,
        service: String,
        limit: u64,
        sync: &str,
        interval: f64,
        max_age: Option<f64>,
        backlog: u64,
        mapping: &str,
    ) -> PyResult<Self> {
        let sync = match sync {
            "never" => Sync::Never,
            "batch" => Sync::Batch,
            "interval" => {
                let often = duration(interval).ok_or_else(|| PyValueError::new_err("the interval is no number"))?;
                Sync::Interval(often.max(Duration::from_millis(10)))
            }
            _ => return Err(PyValueError::new_err(sync.to_owned())),
        };
        let mapping = match mapping {
            "auto" => MapPolicy::Auto,
            "always" => MapPolicy::Always,
            "never" => MapPolicy::Never,
            _ => return Err(PyValueError::new_err(mapping.to_owned())),
        };
        let plan = Plan {
            path,
            service,
            limit,
            sync,
            mapping,
        };
        let directory = py
            .detach(|| Directory::create(&plan))
            .map_err(|error| errors::system(&error))?;
        Ok(Self {
            directory,
            max_age: max_age.and_then(duration),
            backlog,
        })
    }

    /// The process's own folder.
    #[getter]
    fn folder(&self) -> PathBuf {
        self.directory.folder()
    }

    /// No more spans come: removes what holds none that are not delivered. In a forked child, what the child has made of its own for it.
    fn end(&self, py: Python<'_>) {
        py.detach(|| self.of_this_process().iter().for_each(|one| one.end()));
    }

    /// Writes what was committed and is in no mapped file, so that it outlives the process. In a forked child, what is the child's.
    fn write_out(&self, py: Python<'_>) -> PyResult<()> {
        let write_all = || {
            let written = self.of_this_process().into_iter().map(|one| one.write_out());
            written.fold(Ok(()), Result::and)
        };
        py.detach(write_all).map_err(|error| errors::system(&error))
    }
}

/// How the directories of this process are, a dict each: `folder`, `service`, `file_system` (its name), `not_mapped` (why what waits is written by a thread instead
/// of mapped; None if it is mapped), `bytes`, `max_bytes`, `files`, `failures`, `last_error`, and `synced_seconds_ago` (since when all that
/// was committed is on the disk; None: nothing was synced).
#[pyfunction]
fn durable_report(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let reports = directories().into_iter().filter_map(|directory| directory.report());
    reports.map(|report| report_dict(py, report)).collect()
}

fn report_dict(py: Python<'_>, report: Report) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("folder", report.folder.to_string_lossy())?;
    dict.set_item("service", report.service)?;
    dict.set_item("file_system", report.file_system)?;
    dict.set_item("not_mapped", report.not_mapped)?;
    dict.set_item("bytes", report.bytes)?;
    dict.set_item("max_bytes", report.limit)?;
    dict.set_item("files", report.files)?;
    dict.set_item("failures", report.failures)?;
    dict.set_item("last_error", report.last_error)?;
    dict.set_item("synced_seconds_ago", report.synced.map(|ago| ago.as_secs_f64()))?;
    Ok(dict)
}

/// Has everything that was committed before the call written to the disk, in all directories of this process; what is wrong with one of
/// them keeps no other from it, and is raised then: of the first.
#[pyfunction]
fn sync_durable(py: Python<'_>) -> PyResult<()> {
    py.detach(|| {
        let done = directories().into_iter().map(|directory| directory.sync());
        done.fold(Ok(()), Result::and)
    })
    .map_err(|error| errors::system(&error))
}

/// What terminated processes left under a folder, a dict each: `folder`, `service`, `created` (nanoseconds since the epoch, of the oldest
/// file), `bytes`, `blocks`, `spans` (that can be read and that not every destination has), `damaged` (that cannot be read), `delivered` (how many of
/// the spans each destination has that has some), `files` (that are not understood, or not whole: name and why; `.` is the folder itself, which cannot
/// be read).
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // they come from Python
fn inspect_durable(py: Python<'_>, path: PathBuf, service: Option<String>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let all = py.detach(|| summaries(&path, service.as_deref()));
    let all = all.map_err(|error| PyOSError::new_err(error.to_string()))?;
    all.into_iter().map(|summary| summary_dict(py, summary)).collect()
}

fn summary_dict(py: Python<'_>, summary: Summary) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("folder", summary.folder)?;
    dict.set_item("service", summary.service)?;
    dict.set_item("created", summary.created)?;
    dict.set_item("bytes", summary.bytes)?;
    dict.set_item("blocks", summary.blocks)?;
    dict.set_item("spans", summary.spans)?;
    dict.set_item("damaged", summary.damaged)?;
    dict.set_item("delivered", summary.delivered)?;
    dict.set_item("files", summary.bad)?;
    Ok(dict)
}

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(durable_report, module)?)?;
    module.add_function(wrap_pyfunction!(inspect_durable, module)?)?;
    module.add_function(wrap_pyfunction!(sync_durable, module)?)?;
    // With less, what is being written and what is being sent would push out each other.
    module.add("LEAST_DURABLE_BYTES", Shape::USUAL.blocks_len())?;
    module.add_class::<DurableDirectory>()
}
