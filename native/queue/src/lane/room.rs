//! A lane whose queue is full, where it does not drop the oldest.

use std::time::{Duration, Instant};

use super::{Lane, Reader};
use crate::limits::WhenFull;
use crate::state::Room;

/// What became of a wait for room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Waited {
    /// There may be room: append again.
    Again,
    /// The frame goes, and is counted.
    Over,
    /// The same, and somebody must attend to the queue.
    Attend,
}

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

    /// Waits until there may be room for a frame of `len` bytes for which there was none a moment ago. `waited` is how long that frame has waited
    /// before, and is added to; when it is as long as `patience` the frame is counted as refused. `let_go` runs what waits, while its caller holds no
    /// lock that readers need.
    pub fn wait_patiently(
        &self,
        len: usize,
        patience: Duration,
        waited: &mut Duration,
        let_go: impl FnOnce(&(dyn Fn() -> bool + Sync)) -> bool,
    ) -> Waited {
        // There will be no room before somebody reads, who could not begin until now: this frame goes for it.
        if self.wants_reader() {
            self.refuse();
            return Waited::Attend;
        }
        let left = patience.saturating_sub(*waited);
        if left.is_zero() {
            self.refuse();
            return Waited::Over;
        }
        let (start, generation) = (Instant::now(), self.generation());
        let in_time = let_go(&|| self.wait_room(len, generation, start + left));
        // Another thread may be quicker.
        *waited = if in_time { *waited + start.elapsed() } else { patience };
        Waited::Again
    }

    /// Counts a frame for which no room was found in time.
    pub fn refuse(&self) {
        self.shared.lock().refused += 1;
    }
}
