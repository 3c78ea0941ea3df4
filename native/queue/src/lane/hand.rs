//! What a lane has in hand: frames that were taken and are not done with, which stay where they are until then.

use std::ops::Range;

use super::{Lane, LaneState};

impl Lane {
    /// Frames that were taken are done with before older ones that are under way: what holds no others is let go of.
    pub fn set_ended(&self, frames: &Range<u64>) {
        let mut state = self.shared.lock();
        if !state.keeps_until_done() {
            return;
        }
        self.within(&mut state, |lane, _| lane.has_ended(frames));
        state.release();
        self.shared.set_look(&state);
        drop(state);
        self.shared.notify();
    }
}

impl LaneState {
    /// The frames from `start` to where it is now were taken.
    pub(super) fn has_taken(&mut self, start: u64) {
        let taken = start..self.position.frame;
        match self.in_hand.back_mut() {
            Some(last) if last.end == start => last.end = taken.end,
            _ => self.in_hand.push_back(taken),
        }
    }

    /// These are in hand no more, whatever is older.
    fn has_ended(&mut self, frames: &Range<u64>) {
        for taken in std::mem::take(&mut self.in_hand) {
            let before = taken.start..taken.end.min(frames.start);
            let behind = taken.start.max(frames.end)..taken.end;
            self.in_hand
                .extend([before, behind].into_iter().filter(|rest| !rest.is_empty()));
        }
    }

    /// Those that it is done with are in hand no more.
    pub(super) fn forget_done(&mut self) {
        while let Some(first) = self.in_hand.front_mut() {
            if first.end > self.done {
                first.start = first.start.max(self.done);
                break;
            }
            self.in_hand.pop_front();
        }
    }

    /// Whether some of these frames are in hand. What is kept may be let go of here.
    pub fn has_in_hand(&self, frames: &Range<u64>) -> bool {
        self.kept_from.is_none()
            && self
                .in_hand
                .iter()
                .any(|taken| taken.start < frames.end && frames.start < taken.end)
    }
}
