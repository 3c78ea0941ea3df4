//! Which frames of a lane are done with, and waiting for that.

use std::time::Instant;

use super::{Lane, LaneState};

impl Lane {
    /// The first `frames` frames are done with: whoever waits for that is woken.
    pub fn set_done(&self, frames: u64) {
        self.done_with(|_| frames);
    }

    /// All frames that have left the lane are done with: none is in flight.
    pub fn set_passed_done(&self) {
        self.done_with(|lane| lane.position.frame);
    }

    fn done_with(&self, frames: impl FnOnce(&LaneState) -> u64) {
        let mut state = self.shared.lock();
        self.within(&mut state, |lane, _| {
            let frames = frames(lane);
            lane.set_done(frames);
        });
        if state.keeps_until_done() {
            state.release();
        }
        self.shared.set_look(&state);
        drop(state);
        self.shared.notify();
    }

    /// Changes with each fork between the first process and this one.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.shared.lock().generation()
    }

    /// Waits until the first `frames` frames are done with; whether they were by `deadline`. They are those of a process: in a child
    /// of its, of another [`generation`](Self::generation), the answer is no.
    #[must_use]
    pub fn wait_done(&self, frames: u64, generation: u64, deadline: Instant) -> bool {
        let mut state = self.shared.lock();
        loop {
            if state.generation() != generation {
                return false;
            }
            let is_behind = self.behind(&mut state, |lane, _| lane.done() < frames);
            if self.within(&mut state, |lane, _| lane.done >= frames) && is_behind != Some(true) {
                return true;
            }
            let in_time;
            (state, in_time) = self.shared.wait(state, deadline);
            if !in_time {
                return false;
            }
        }
    }
}
