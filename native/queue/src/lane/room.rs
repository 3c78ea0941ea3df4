//! A lane whose queue is full, where it does not drop the oldest.

use std::time::Instant;

use super::{Lane, Reader};
use crate::limits::WhenFull;
use crate::state::Room;

impl Lane {
    /// What happens to frames for which there is no room. Of lanes that share a queue none may refuse what others would take.
    pub fn set_when_full(&self, when_full: WhenFull) {
        self.with(|lane, _| lane.when_full = when_full);
    }

    /// Whether a small frame would find room now. One that is refused all the same is counted by [`refuse`](Self::refuse).
    #[must_use]
    pub fn has_room(&self) -> bool {
        let state = self.shared.lock();
        state.room(0) == Room::Any
    }

    /// Whether somebody has to begin to read: until then there is no more room.
    #[must_use]
    pub fn wants_reader(&self) -> bool {
        self.with(|lane, _| lane.is_open() && lane.reader == Reader::Wanted)
    }

    /// Waits until there is room for a frame of `len` bytes, or nobody can append any more; whether there was by `deadline`. In a child of the process in which the
    /// caller began to wait the answer is yes.
    #[must_use]
    pub fn wait_room(&self, len: usize, generation: u64, deadline: Instant) -> bool {
        let mut state = self.shared.lock();
        while state.generation() == generation && state.room(len) != Room::Any {
            let in_time;
            (state, in_time) = self.shared.wait(state, deadline);
            if !in_time {
                return false;
            }
        }
        true
    }

    /// Counts a frame for which no room was found in time.
    pub fn refuse(&self) {
        self.shared.lock().refused += 1;
    }
}
