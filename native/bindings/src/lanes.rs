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
    /// Counts of lanes that are gone.
    gone: Counts,
    /// What `take_counts` has told of, and in which process.
    told: Counts,
    told_in: u64,
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

    /// What was counted since the last call: in a forked child since the fork.
    pub fn take_counts(&self, py: Python<'_>) -> Counts {
        let (now, generation) = (self.counts(py), self.own.generation());
        self.joined.with(py, |joined| {
            if joined.told_in != generation {
                (joined.told, joined.told_in) = (joined.gone, generation); // all others begin at zero
            }
            let told = std::mem::replace(&mut joined.told, now);
            Counts {
                accepted: now.accepted.saturating_sub(told.accepted),
                taken: now.taken.saturating_sub(told.taken),
                queued: now.queued,
                full: now.full.saturating_sub(told.full),
                closed: now.closed.saturating_sub(told.closed),
                unstored: now.unstored.saturating_sub(told.unstored),
                expired: now.expired.saturating_sub(told.expired),
                damaged: now.damaged.saturating_sub(told.damaged),
            }
        })
    }

    /// Those that the caller must see to being read from now on, each of which is told to one caller a process.
    pub fn begin(&self, py: Python<'_>) -> Vec<Arc<Lane>> {
        self.all(py).into_iter().filter(|lane| lane.begin_reader()).collect()
    }
}

fn add(sum: &mut Counts, counts: Counts) {
    sum.accepted += counts.accepted;
    sum.taken += counts.taken;
    sum.queued += counts.queued;
    sum.full += counts.full;
    sum.closed += counts.closed;
    sum.unstored += counts.unstored;
    sum.expired += counts.expired;
    sum.damaged += counts.damaged;
}
