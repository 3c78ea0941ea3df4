//! [`DurableDirectory`]: where what waits outlives the process.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use spanwire_durable::orphans::folders;
use spanwire_durable::{Directory, Orphan, Plan, Report, Sync, directories};
use spanwire_engine::BatchLimits;
use spanwire_engine::adopt::{Adopted, Destinations, Pace, Stop, adopt};

use crate::control::{HttpClient, duration};
use crate::errors;

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

    /// What waits for longer goes.
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }
}

#[pymethods]
impl DurableDirectory {
    /// Makes the folder, its lock and the first file. `sync` is `never`, `interval` or `batch`.
    #[new]
    #[pyo3(signature = (path, service, limit, sync, interval, max_age=None, backlog=0))]
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
    ) -> PyResult<Self> {
        let sync = match sync {
            "never" => Sync::Never,
            "batch" => Sync::Batch,
            "interval" => Sync::Interval(Duration::from_secs_f64(interval.max(0.01))),
            _ => return Err(PyValueError::new_err(sync.to_owned())),
        };
        let plan = Plan {
            path,
            service,
            limit,
            sync,
            is_written: false,
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

    /// No more spans come: removes what holds none that are not delivered.
    fn end(&self, py: Python<'_>) {
        py.detach(|| self.directory.end());
    }

    /// Where its files cannot be mapped: writes what was committed, so that it outlives the process.
    fn write_out(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.directory.write_out())
            .map_err(|error| errors::system(&error))
    }
}

/// How the directories of this process are, a dict each: `folder`, `service`, `not_mapped` (why what waits is written by a thread instead
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
    dict.set_item("not_mapped", report.not_mapped)?;
    dict.set_item("bytes", report.bytes)?;
    dict.set_item("max_bytes", report.limit)?;
    dict.set_item("files", report.files)?;
    dict.set_item("failures", report.failures)?;
    dict.set_item("last_error", report.last_error)?;
    dict.set_item("synced_seconds_ago", report.synced.map(|ago| ago.as_secs_f64()))?;
    Ok(dict)
}

/// Has everything that was committed before the call written to the disk, in all directories of this process.
#[pyfunction]
fn sync_durable(py: Python<'_>) -> PyResult<()> {
    py.detach(|| directories().iter().try_for_each(|directory| directory.sync()))
        .map_err(|error| errors::system(&error))
}

/// Delivers what ended processes left under a folder, on a thread of its own.
#[pyclass(frozen, module = "spanwire._native")]
pub struct Adoption {
    destinations: Arc<Destinations>,
    stop: Arc<Stop>,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    adopted: Adopted,
    /// It has looked at everything once, or since: how that ended.
    ended: Option<Result<(), String>>,
    /// It does not look again.
    is_over: bool,
}

#[pymethods]
impl Adoption {
    /// Begins after `delay` seconds: by that client, of one service or of all (`None`), so many spans and bytes a request, so many spans a
    /// second at most (0: no bound), and nothing that is older than `max_age` seconds. Looks `again` after so many seconds, until it is
    /// stopped; 0: once.
    #[new]
    #[pyo3(signature = (client, path, service, spans, bytes, *, spans_per_second, max_age=None, delay=0.0, again=0.0))]
    #[allow(clippy::too_many_arguments)] // keywords
    fn new(
        client: &HttpClient,
        path: PathBuf,
        service: Option<String>,
        spans: usize,
        bytes: usize,
        spans_per_second: u64,
        max_age: Option<f64>,
        delay: f64,
        again: f64,
    ) -> PyResult<Self> {
        let limits = BatchLimits {
            spans,
            bytes,
            delay: Duration::from_millis(100),
            in_flight: 1,
            backlog: 0,
        };
        let stop = Arc::<Stop>::default();
        let mut pace = Pace {
            delay: duration(delay).unwrap_or_default(),
            spans_per_second,
            max_age: max_age.and_then(duration),
            stop: Arc::clone(&stop),
        };
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let destinations = Arc::<Destinations>::default();
        destinations.add(client.shared());
        let (all, told) = (Arc::clone(&destinations), Arc::clone(&state));
        thread::Builder::new()
            .name("spanwire-recover".into())
            .spawn(move || {
                let again = duration(again).filter(|again| !again.is_zero());
                let mut before = Adopted::default();
                loop {
                    let set = |adopted| lock(&told.0).adopted = before.plus(adopted);
                    let ended = adopt(&all, &path, service.as_deref(), limits, &pace, set);
                    if let Ok(adopted) = &ended {
                        before = before.plus(*adopted);
                    }
                    let mut state = lock(&told.0);
                    state.adopted = before;
                    state.ended = Some(ended.map(drop).map_err(|error| error.to_string()));
                    told.1.notify_all();
                    drop(state);
                    pace.delay = Duration::ZERO;
                    if again.is_none_or(|again| pace.stop.wait(again)) {
                        break;
                    }
                }
                lock(&told.0).is_over = true;
            })
            .map_err(|error| errors::system(&error))?;
        Ok(Self {
            destinations,
            stop,
            state,
        })
    }

    /// From the next folder on it goes to this one, too; false if there is no next one, since it is over.
    fn add(&self, client: &HttpClient) -> bool {
        let state = lock(&self.state.0);
        if !state.is_over {
            self.destinations.add(client.shared());
        }
        !state.is_over
    }

    /// So far: folders, spans, damaged spans, files that cannot be understood.
    fn progress(&self) -> (u64, u64, u64, u64) {
        let Adopted {
            folders,
            spans,
            damaged,
            files,
        } = lock(&self.state.0).adopted;
        (folders, spans, damaged, files)
    }

    /// Ends it soon: what is not delivered stays.
    fn stop(&self) {
        self.stop.set();
    }

    /// Whether it has looked at everything within so many seconds. Raises `OSError` with its text if it failed.
    fn wait(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4);
        let ended = py.detach(|| {
            let state = lock(&self.state.0);
            let waited = self
                .state
                .1
                .wait_timeout_while(state, limit, |state| state.ended.is_none());
            waited.unwrap_or_else(PoisonError::into_inner).0.ended.clone()
        });
        match ended {
            None => Ok(false),
            Some(Ok(())) => Ok(true),
            Some(Err(text)) => Err(PyOSError::new_err(text)),
        }
    }
}

/// What ended processes have left under a folder, a dict each: `folder`, `service`, `created` (nanoseconds since the epoch, of the oldest
/// file), `bytes`, `blocks`, `spans` (that can be read and are not acknowledged), `damaged` (that cannot be read), `files` (that are not
/// understood, or not whole: name and why).
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // they come from Python
fn inspect_durable(py: Python<'_>, path: PathBuf, service: Option<String>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let all = py.detach(|| -> std::io::Result<Vec<_>> {
        let all = folders(&path)?.into_iter().filter_map(|folder| {
            let summary = match Orphan::adopt(folder.clone()) {
                Ok(Some(orphan)) => orphan.is_of(service.as_deref()).then(|| Summary::of(&orphan))?,
                Ok(None) => return None,
                Err(error) => Err(error),
            };
            Some(summary.unwrap_or_else(|error| Summary::of_none(folder, &error)))
        });
        Ok(all.collect())
    });
    let all = all.map_err(|error| PyOSError::new_err(error.to_string()))?;
    all.iter().map(|summary| summary.to_dict(py)).collect()
}

struct Summary {
    folder: PathBuf,
    service: String,
    created: u64,
    bytes: u64,
    blocks: u64,
    spans: u64,
    damaged: u64,
    bad: Vec<(String, String)>,
}

impl Summary {
    fn of(orphan: &Orphan) -> std::io::Result<Self> {
        let contents = orphan.contents()?;
        let (mut spans, mut damaged) = (0, 0);
        let mut bad: Vec<_> = contents.bad.iter().chain(&contents.cut).map(named).collect();
        for place in &contents.blocks {
            match orphan.read(place) {
                Ok(Some(found)) => {
                    spans += found.frames.len() as u64;
                    damaged += found.lost;
                }
                Ok(None) => {}
                Err(error) => bad.push(named(&(place.path.clone(), error.to_string()))),
            }
        }
        Ok(Self {
            folder: orphan.folder().to_owned(),
            service: orphan.service().to_owned(),
            created: contents.created,
            bytes: contents.bytes,
            blocks: contents.blocks.len() as u64,
            spans,
            damaged,
            bad,
        })
    }

    /// Of a folder that cannot be had.
    fn of_none(folder: PathBuf, why: &std::io::Error) -> Self {
        Self {
            bad: vec![named(&(folder.clone(), why.to_string()))],
            folder,
            service: String::new(),
            created: 0,
            bytes: 0,
            blocks: 0,
            spans: 0,
            damaged: 0,
        }
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("folder", &self.folder)?;
        dict.set_item("service", &self.service)?;
        dict.set_item("created", self.created)?;
        dict.set_item("bytes", self.bytes)?;
        dict.set_item("blocks", self.blocks)?;
        dict.set_item("spans", self.spans)?;
        dict.set_item("damaged", self.damaged)?;
        dict.set_item("files", &self.bad)?;
        Ok(dict)
    }
}

fn named((path, why): &(PathBuf, String)) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    (name, why.clone())
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Adoption>()?;
    module.add_function(wrap_pyfunction!(durable_report, module)?)?;
    module.add_function(wrap_pyfunction!(inspect_durable, module)?)?;
    module.add_function(wrap_pyfunction!(sync_durable, module)?)?;
    module.add_class::<DurableDirectory>()
}
