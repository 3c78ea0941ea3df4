//! [`Lanes`]: the queue's lanes of one processor, behind the GIL.

use std::sync::Arc;

use pyo3::prelude::*;
use spanwire_queue::{Counts, Lane};

use crate::ffi::gil::GilCell;

/// The lanes of a processor.
pub struct Lanes {
    own: Arc<Lane>,
    all: GilCell<spanwire_queue::Lanes>,
}

impl Lanes {
    pub fn new(own: Lane) -> Self {
        let own = Arc::new(own);
        Self {
            all: GilCell::new(spanwire_queue::Lanes::new(Arc::clone(&own))),
            own,
        }
    }

    /// Its own.
    pub fn own(&self) -> &Arc<Lane> {
        &self.own
    }

    /// Another one, of a shared queue.
    pub fn join(&self, py: Python<'_>, lane: Arc<Lane>) {
        self.all.with(py, |lanes| lanes.join(lane));
    }

    /// All of them, its own first.
    pub fn all(&self, py: Python<'_>) -> Vec<Arc<Lane>> {
        self.all.with(py, spanwire_queue::Lanes::all)
    }

    /// The counts of all that there are and were.
    pub fn counts(&self, py: Python<'_>) -> Counts {
        self.all.with(py, spanwire_queue::Lanes::counts)
    }

    /// What was counted since the last call: in a forked child since the fork.
    pub fn take_counts(&self, py: Python<'_>) -> Counts {
        self.all.with(py, spanwire_queue::Lanes::take_counts)
    }

    /// Those that the caller must see to being read from now on.
    pub fn begin(&self, py: Python<'_>) -> Vec<Arc<Lane>> {
        self.all.with(py, spanwire_queue::Lanes::begin)
    }
}
