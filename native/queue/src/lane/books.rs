//! What became of a lane's frames.

use super::{Lane, LaneState};
use crate::limits::Counts;
use crate::state::State;

impl LaneState {
    pub(super) fn counts(&self, state: &State) -> Counts {
        if self.is_backlog {
            let end = self.up_to(state.entered());
            return Counts {
                accepted: end.saturating_sub(self.joined),
                taken: self.taken,
                queued: self.queued(end),
                full: self.full,
                closed: self.closed,
                unstored: self.unstored,
                expired: self.expired,
                damaged: self.damaged,
            };
        }
        let entered = state.entered();
        let refused = state.refused - self.refused_before;
        let late = state.late - self.late_before;
        Counts {
            accepted: entered - self.joined + refused + late + state.unstored - self.unstored_before,
            taken: self.taken,
            queued: self.queued(entered),
            full: self.full + refused,
            closed: self.closed + late + self.end.map_or(0, |end| entered - end),
            unstored: state.unstored - self.unstored_before + self.unstored,
            expired: self.expired,
            damaged: self.damaged,
        }
    }
}

impl Lane {
    /// The counts of this process.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut state = self.shared.lock();
        let mut counts = self.within(&mut state, |lane, state| lane.counts(state));
        if let Some(behind) = self.behind(&mut state, |lane, state| lane.counts(state)) {
            counts.taken += behind.taken;
            counts.queued += behind.queued;
            counts.full += behind.full;
            counts.closed += behind.closed;
            counts.unstored += behind.unstored;
            counts.expired += behind.expired;
            counts.damaged += behind.damaged;
        }
        counts
    }

    /// Frames that have come in and are in no account yet: those that wait, those that were dropped without a report, and those that were
    /// taken or reported for an account that does not have them yet.
    #[must_use]
    pub fn unreported(&self) -> u64 {
        fn unreported(lane: &mut LaneState, state: &State) -> u64 {
            let counts = lane.counts(state);
            counts.queued + counts.dropped().saturating_sub(lane.told.sum()) + lane.unbooked
        }
        let mut state = self.shared.lock();
        let behind = self.behind(&mut state, unreported).unwrap_or(0);
        self.within(&mut state, unreported) + behind
    }

    /// The account has so many frames that were taken for it, or reported to it as dropped.
    pub fn booked(&self, frames: u64) {
        self.with(|lane, _| lane.unbooked = lane.unbooked.saturating_sub(frames));
    }

    /// Bytes of the frames that wait.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        fn bytes(lane: &mut LaneState, state: &State) -> usize {
            lane.position.skip(&state.chunks, 0);
            if lane.queued(state.entered()) == 0 {
                0
            } else {
                lane.bytes(&state.chunks)
            }
        }
        let mut state = self.shared.lock();
        // Those of a backlog are up to the newest.
        let behind = self.behind(&mut state, bytes).unwrap_or(0);
        self.within(&mut state, bytes).max(behind)
    }

    /// Bytes of memory that the queue has, in use or kept.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.shared.lock().memory()
    }

    /// How many frames the bounds have pushed out so far, or kept out because all that there may be was in hand. Whoever holds older ones that it cannot deliver drops them too.
    #[must_use]
    pub fn pushed_out(&self) -> u64 {
        self.with(|lane, state| lane.full + state.over)
    }
}
