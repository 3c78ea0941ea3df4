//! [`SharedQueue`]: one copy of each finished span for several processors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use pyo3::prelude::*;
use spanwire_queue::Writer;
use spanwire_queue::storage::Heap;
use spanwire_wire::Signal;

use crate::errors;
use crate::ffi::gil::GilCell;
use crate::ffi::queue::Queue;
use crate::frame_queue::PyFrameQueue;

/// A queue of which each of several `FrameQueue`s has a lane, with its own bounds.
#[pyclass(frozen, module = "spanwire._native")]
pub struct SharedQueue {
    queue: Box<Queue>,
}

#[pymethods]
impl SharedQueue {
    /// Whatever is appended to it waits in all `queues`, of which there must be at least one.
    #[new]
    #[allow(clippy::needless_pass_by_value)] // what PyO3 hands over
    fn new(py: Python<'_>, queues: Vec<PyRef<'_, PyFrameQueue>>) -> PyResult<Self> {
        let bytes = queues.iter().map(|queue| queue.lanes().own().limits().bytes).min();
        let storage = match queues.iter().find_map(|queue| queue.durable()) {
            Some(directory) => directory.storage(),
            None => Box::new(Heap),
        };
        let mut writer = Writer::with_storage(Signal::Traces, storage, bytes.unwrap_or(usize::MAX))
            .map_err(|error| errors::system(&error))?;
        let lanes: Vec<_> = queues
            .iter()
            .map(|queue| {
                let lane = Arc::new(writer.add_lane(queue.lanes().own().limits()));
                lane.set_max_age(queue.max_age());
                lane.want_reader();
                queue.lanes().join(py, Arc::clone(&lane));
                lane
            })
            .collect();
        let Some(lane) = lanes.first() else {
            return Err(pyo3::exceptions::PyValueError::new_err(
                "a shared queue is of at least one queue",
            ));
        };
        Ok(Self {
            queue: Box::new(Queue {
                writer: GilCell::new(writer),
                lane: Arc::downgrade(lane),
                groups: GilCell::default(),
                patience: AtomicU64::new(0),
                wanted: AtomicUsize::new(0),
            }),
        })
    }

    /// The `SpanwireQueue` pointer, as long as this object lives.
    #[getter]
    fn address(&self) -> usize {
        std::ptr::from_ref::<Queue>(&self.queue).expose_provenance()
    }
}

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SharedQueue>()
}
