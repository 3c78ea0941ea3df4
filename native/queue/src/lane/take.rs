//! Taking the oldest frames of a lane.

use super::Lane;
use super::known::Known;
use crate::batch::Batch;
use crate::limits::WhenFull;
use crate::position::Next;

impl Lane {
    /// The oldest frames: at most `max_frames`, and as many as make a request of at most `max_bytes`, but at least one. They
    /// are gone from the lane.
    #[must_use]
    pub fn take(&self, max_frames: usize, max_bytes: usize) -> Option<Batch> {
        self.take_oldest(max_frames, max_bytes, false)
    }

    /// The same for an account: until they are [booked](Self::booked) there, the frames are [unreported](Self::unreported) here.
    #[must_use]
    pub fn take_for_account(&self, max_frames: usize, max_bytes: usize) -> Option<Batch> {
        self.take_oldest(max_frames, max_bytes, true)
    }

    fn take_oldest(&self, max_frames: usize, max_bytes: usize, is_for_account: bool) -> Option<Batch> {
        let mut state = self.shared.lock();
        let signal = self.shared.signal;
        let (batch, is_awaited) = self.within(&mut state, |lane, state| {
            let mut stretches = Vec::new();
            let mut known = Known::default();
            let mut left = max_bytes;
            lane.expire(&state.chunks);
            let mut most = lane.queued(state.entered()).min(max_frames as u64);
            let mut start = lane.position.frame; // and so many further on as were damaged
            let mut first = start;
            while lane.position.frame - start < most {
                let frames = most - (lane.position.frame - start);
                let is_first = stretches.is_empty();
                let next = lane.position.stretch(&state.chunks, frames, is_first, |group| {
                    if known.is_new(group) {
                        left = left.saturating_sub(group.overhead());
                    }
                    left
                });
                match next {
                    Next::Frames(mut stretch) => {
                        if stretch.is_of_objects() {
                            let to = lane.position.frame;
                            stretch.objects = lane.objects.take(to - stretch.frames as u64, to);
                        }
                        left = left.saturating_sub(stretch.bytes.len());
                        stretches.push(stretch);
                    }
                    Next::TooMuch => break,
                    Next::Damaged => {
                        start += lane.lose_damaged(&state.chunks, is_first);
                        first = if is_first { start } else { first };
                        let so_far = lane.position.frame - start;
                        most = so_far + lane.queued(state.entered()).min(max_frames as u64 - so_far);
                    }
                }
            }
            let taken = lane.position.frame - start;
            lane.taken += taken;
            if is_for_account {
                lane.unbooked += taken;
            }
            if lane.position.frame > start {
                lane.taken_to = lane.position.frame;
                if state.keeps_until_done() {
                    lane.has_taken(first);
                }
            }
            let batch = (lane.position.frame > start).then(|| Batch::new(signal, stretches, lane.position.frame));
            (batch, lane.when_full == WhenFull::Block)
        });
        state.release();
        self.shared.set_look(&state);
        drop(state);
        if is_awaited {
            self.shared.notify(); // there is room
        }
        batch
    }
}
