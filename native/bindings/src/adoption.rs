//! [`Adoption`]: delivers the spans that terminated processes left on the disk.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use spanwire_engine::BatchLimits;
use spanwire_engine::adopt::{Adopted, Options, Recovery};

use crate::client::ExportClient;
use crate::errors;
use crate::waiting::duration;

/// A recovery of the spans under a folder.
#[pyclass(frozen, module = "spanwire._native")]
pub struct Adoption(Recovery);

#[pymethods]
impl Adoption {
    /// Begins after `delay` seconds: to that client, of one service or of all (`None`), so many spans and bytes a request, so many spans a
    /// second for each destination at most (0: no limit), and nothing that is older than `max_age` seconds. Looks `again` after so many seconds, until it is
    /// stopped, and reports by events what goes wrong; 0: once.
    #[new]
    #[pyo3(signature = (client, path, service, spans, bytes, *, spans_per_second, max_age=None, delay=0.0, again=0.0, calm=0.0))]
    #[allow(clippy::too_many_arguments)] // keywords
    fn new(
        client: &ExportClient,
        path: PathBuf,
        service: Option<String>,
        spans: usize,
        bytes: usize,
        spans_per_second: u64,
        max_age: Option<f64>,
        delay: f64,
        again: f64,
        calm: f64,
    ) -> PyResult<Self> {
        let recovery = Recovery::new(Options {
            path,
            service,
            limits: BatchLimits {
                items: spans,
                bytes,
                delay: Duration::from_millis(100),
                in_flight: 1,
                backlog: 0,
            },
            spans_per_second,
            max_age: max_age.and_then(duration),
            delay: duration(delay).unwrap_or_default(),
            again: duration(again).filter(|again| !again.is_zero()),
            calm: duration(calm).unwrap_or_default(),
        });
        recovery.add(client.shared()).map_err(|error| errors::system(&error))?;
        Ok(Self(recovery))
    }

    /// Ends the delay: all destinations are there.
    fn begin(&self) {
        self.0.begin();
    }

    /// What has kept destinations waiting for long, in words; `None`: nothing.
    fn waits(&self) -> Option<String> {
        self.0.waits()
    }

    /// From now on it is for this destination, too; false if it is over. Raises `OSError` if there is no thread for it.
    fn add(&self, client: &ExportClient) -> PyResult<bool> {
        self.0.add(client.shared()).map_err(|error| errors::system(&error))
    }

    /// That destination takes no more part: what it has not answered for stays. Whether others do; if not, it is over.
    fn remove(&self, client: &ExportClient) -> bool {
        self.0.remove(&client.shared())
    }

    /// So far: folders, spans, damaged spans, files that cannot be understood.
    fn progress(&self) -> (u64, u64, u64, u64) {
        let Adopted {
            folders,
            spans,
            damaged,
            files,
        } = self.0.progress();
        (folders, spans, damaged, files)
    }

    /// How far each destination is: its name, spans that it has answered for, and spans that are left for it.
    fn shares(&self, py: Python<'_>) -> Vec<(String, u64, u64)> {
        let shares = py.detach(|| self.0.shares()).into_iter();
        shares
            .map(|share| (share.destination, share.spans, share.left))
            .collect()
    }

    /// Ends it soon: what is not delivered stays.
    fn stop(&self) {
        self.0.stop();
    }

    /// Whether all destinations have looked at everything within so many seconds. Raises `OSError` with its text if it failed.
    fn wait(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        let limit = duration(seconds).unwrap_or_default();
        py.detach(|| self.0.wait(limit)).map_err(PyOSError::new_err)
    }
}

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Adoption>()
}
