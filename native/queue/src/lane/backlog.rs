//! What an outage has left waiting in a lane, read beside what is fresh.

use std::time::Duration;

use super::{Lane, LaneState, Reader};
use crate::limits::{Counts, WhenFull};
use crate::position::Position;
use crate::state::State;

impl LaneState {
    /// All that waits, as a lane of its own, which takes no more; this one goes on with what comes.
    fn split(&mut self, state: &State) -> Self {
        let mut behind = Self::new(self.limits, state);
        behind.position = self.position;
        behind.joined = self.position.frame;
        behind.done = self.position.frame;
        behind.taken_to = self.position.frame;
        behind.max_age = self.max_age;
        behind.patience = self.patience;
        behind.is_backlog = true;
        behind.reader = Reader::Begun;
        self.position = Position::newest(&state.chunks);
        behind.end = Some(self.position.frame);
        behind.flush_to = self.flush_to.min(self.position.frame);
        behind
    }

    /// What became of a backlog is no news: it was told as it became so.
    fn add_backlog(&mut self, counts: Counts) {
        self.taken += counts.taken;
        self.full += counts.full;
        self.closed += counts.closed;
        self.unstored += counts.unstored;
        self.expired += counts.expired;
        self.damaged += counts.damaged;
        self.told.full += counts.full;
        self.told.closed += counts.closed;
        self.told.unstored += counts.unstored;
        self.told.expired += counts.expired;
        self.told.damaged += counts.damaged;
    }
}

impl Lane {
    /// What waits, as a lane of its own, if it is at least `frames` frames, the oldest for longer than `age`, and outlives the process; for
    /// whoever reads it beside this one, which goes on with what comes. Until it is dropped there is no second one. This lane's counts are
    /// those of both, and so are what is wanted out, discarded or kept.
    #[must_use]
    pub fn split_backlog(&self, frames: u64, age: Duration) -> Option<Self> {
        let mut state = self.shared.lock();
        if !state.keeps_until_done() {
            return None;
        }
        let behind = self.within(&mut state, |lane, state| {
            let oldest = state.chunks.get(lane.position.chunk)?;
            let may_be = lane.is_open() && lane.backlog.is_none() && lane.when_full == WhenFull::DropOldest;
            let is_one = lane.queued(state.entered()) >= frames.max(1) && oldest.age() > age;
            // A bound in frames is one lane's.
            (may_be && is_one && lane.limits.frames == usize::MAX).then(|| lane.split(state))
        })?;
        let id = state.add_lane(|_| behind);
        self.within(&mut state, |lane, _| lane.backlog = Some(id));
        self.shared.set_look(&state);
        Some(Self::new(std::sync::Arc::clone(&self.shared), id))
    }

    /// Runs `work` on the state of this lane's backlog, if it has one.
    pub(super) fn behind<R>(&self, state: &mut State, work: impl FnOnce(&mut LaneState, &State) -> R) -> Option<R> {
        let id = self.within(state, |lane, _| lane.backlog)?;
        Some(Self::at(state, id, work))
    }

    /// The lane whose backlog this was has its counts.
    pub(super) fn end_backlog(&self, state: &mut State) {
        let Some(counts) = self.within(state, |lane, state| lane.is_backlog.then(|| lane.counts(state))) else {
            return;
        };
        let own = state.lanes.iter_mut().find(|(_, lane)| lane.backlog == Some(self.id));
        if let Some((_, lane)) = own {
            lane.backlog = None;
            lane.add_backlog(counts);
        }
    }
}
