//! [`View`]: what the reader of a lane has to know before each turn, by one lock.

use super::{Lane, LaneState};
use crate::limits::Dropped;
use crate::state::State;

/// How a lane stands at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct View {
    /// Nobody can append any more: the writer is gone, or the lane is closed.
    pub ended: bool,
    /// Frames that are queued.
    pub waiting: u64,
    /// Whether that is enough for a request: so many frames, or so many bytes.
    pub enough: bool,
    /// Whether frames are queued that are wanted out at once.
    pub flushing: bool,
    /// The number of the next frame that the reader takes.
    pub passed: u64,
    /// Frames that have entered the queue, up to the lane's end.
    pub entered: u64,
    /// Frames dropped since the last look, or [`Lane::take_dropped`]: for an account, to be [booked](Lane::booked).
    pub dropped: Dropped,
}

impl LaneState {
    fn is_ended(&self, state: &State) -> bool {
        !self.is_open() || state.is_orphaned
    }

    fn is_flushing(&self) -> bool {
        self.flush_to > self.position.frame
    }

    /// Frames dropped since the last call.
    fn take_dropped(&mut self, state: &State) -> Dropped {
        let counts = self.counts(state);
        let now = Dropped {
            full: counts.full,
            closed: counts.closed - self.kept,
            kept: self.kept,
            unstored: counts.unstored,
            expired: counts.expired,
            damaged: counts.damaged,
        };
        now.since(std::mem::replace(&mut self.told, now))
    }
}

impl Lane {
    /// How the lane stands; `frames` or `bytes` are enough for a request.
    #[must_use]
    pub fn look(&self, frames: u64, bytes: usize) -> View {
        self.with(|lane, state| {
            let waiting = lane.queued(state.entered());
            let dropped = lane.take_dropped(state);
            lane.unbooked += dropped.sum();
            View {
                ended: lane.is_ended(state),
                waiting,
                enough: waiting >= frames || (waiting > 0 && lane.bytes(&state.chunks) >= bytes),
                flushing: lane.is_flushing(),
                passed: lane.position.frame,
                entered: lane.up_to(state.entered()),
                dropped,
            }
        })
    }

    /// Whether nobody can append any more: the writer is gone, or the lane is closed.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.with(|lane, state| lane.is_ended(state))
    }

    /// Whether frames are queued that are wanted out at once.
    #[must_use]
    pub fn is_flushing(&self) -> bool {
        self.with(|lane, _| lane.is_flushing())
    }

    /// Frames dropped since the last call, or the last [look](Self::look).
    #[must_use]
    pub fn take_dropped(&self) -> Dropped {
        self.with(LaneState::take_dropped)
    }
}
