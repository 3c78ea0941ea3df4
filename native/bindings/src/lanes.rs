//! [`Lanes`]: where the spans of one processor wait: in a lane of its own, and in those of queues that it shares with others.

use std::sync::Arc;

use pyo3::prelude::*;
use spanwire_queue::{Counts, Lane};

use crate::ffi::gil::GilCell;

/// The lanes of a processor.
pub struct Lanes {
    own: Arc<Lane>,
    joined: GilCell<Joined>,
}

#[derive(Default)]
struct Joined {
    lanes: Vec<Arc<Lane>>,
    /// Those that somebody was told to read and has not begun to yet.
    begun: Vec<Arc<Lane>>,
    /// Counts of lanes that are gone.
    gone: Counts,
}

impl Joined {
    /// Lets go of lanes that are empty, that nobody can append to and that nobody reads any more.
    fn tidy(&mut self) {
        let gone = &mut self.gone;
        self.lanes.retain(|lane| {
            let counts = lane.counts();
            let is_gone = counts.queued == 0 && lane.is_orphaned() && Arc::strong_count(lane) == 1;
            if is_gone {
                add(gone, counts);
            }
            !is_gone
        });
    }
}

impl Lanes {
    pub fn new(own: Lane) -> Self {
        Self {
            own: Arc::new(own),
            joined: GilCell::default(),
        }
    }

    /// Its own.
    pub fn own(&self) -> &Arc<Lane> {
        &self.own
    }

    /// Another one, of a shared queue.
    pub fn join(&self, py: Python<'_>, lane: Arc<Lane>) {
        self.joined.with(py, |joined| joined.lanes.push(lane));
    }

    /// All of them, its own first.
    pub fn all(&self, py: Python<'_>) -> Vec<Arc<Lane>> {
        self.joined.with(py, |joined| {
            joined.tidy();
            let mut all = Vec::with_capacity(1 + joined.lanes.len());
            all.push(Arc::clone(&self.own));
            all.extend(joined.lanes.iter().map(Arc::clone));
            all
        })
    }

    /// The counts of all that there are and were.
    pub fn counts(&self, py: Python<'_>) -> Counts {
        let all = self.all(py);
        let mut sum = self.joined.with(py, |joined| joined.gone);
        for lane in all {
            add(&mut sum, lane.counts());
        }
        sum
    }

    /// Whether there are some that the caller must see to being read now; [`take_begun`](Self::take_begun) says which.
    pub fn begin_reader(&self, py: Python<'_>) -> bool {
        let begun: Vec<_> = self.all(py).into_iter().filter(|lane| lane.begin_reader()).collect();
        let is_any = !begun.is_empty();
        self.joined.with(py, |joined| joined.begun.extend(begun));
        is_any
    }

    /// Those that are to be read from now on.
    pub fn take_begun(&self, py: Python<'_>) -> Vec<Arc<Lane>> {
        self.joined.with(py, |joined| std::mem::take(&mut joined.begun))
    }

    /// They could not be read, or are read no more: somebody else is wanted.
    pub fn end_reader(&self, py: Python<'_>) {
        self.own.end_reader();
        for lane in self.take_begun(py) {
            lane.end_reader();
        }
    }
}

fn add(sum: &mut Counts, counts: Counts) {
    sum.accepted += counts.accepted;
    sum.taken += counts.taken;
    sum.queued += counts.queued;
    sum.full += counts.full;
    sum.closed += counts.closed;
}
