//! What of a lane outlives its process, and what has waited for too long.

use std::ops::Range;
use std::time::Duration;

use super::{Lane, LaneState};
use crate::position::Chunks;

impl LaneState {
    /// Drops the chunks whose frames have all waited for too long: the next one was begun so long ago.
    pub fn expire(&mut self, chunks: &Chunks) {
        let Some(max_age) = self.max_age else { return };
        let end = self.up_to(chunks.last().map_or(0, |last| last.end()));
        while self.position.frame < end
            && let Some((here, next)) = chunks.get(self.position.chunk).zip(chunks.get(self.position.chunk + 1))
            && next.age() > max_age
        {
            let count = here.end().min(end).saturating_sub(self.position.frame);
            self.expired += self.drop_oldest(chunks, count);
            if count == 0 {
                self.position.skip(chunks, 0);
            }
        }
    }

    /// From now on it is done with nothing more.
    pub(super) fn keep(&mut self) {
        self.kept_from.get_or_insert(self.done);
    }

    /// Of the first so many frames it needs nothing any more in this process.
    pub fn done(&self) -> u64 {
        match self.end {
            _ if self.kept_from.is_some() => u64::MAX,
            Some(end) if self.done >= end => u64::MAX,
            _ => self.done,
        }
    }

    /// The frames that outlive this process, of so many that have entered.
    pub fn kept(&self, entered: u64) -> Range<u64> {
        let end = self.up_to(entered);
        self.kept_from.map_or(end..end, |from| from.min(end)..end)
    }
}

impl Lane {
    /// Whether what it is not done with outlives this process.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.shared.lock().keeps_until_done()
    }

    /// Whether all frames that this lane, or another, is not done with are where they outlive this process: some may be in memory until
    /// their file is made.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        let state = self.shared.lock();
        state.keeps_until_done() && state.is_stored()
    }

    /// From now on it is done with nothing more: what waits or is under way stays where it outlives this process.
    pub fn keep(&self) {
        let mut state = self.shared.lock();
        let _ = self.behind(&mut state, |lane, _| lane.keep());
        self.within(&mut state, |lane, _| lane.keep());
        self.shared.set_look(&state);
    }

    /// Whether it is done with nothing more.
    #[must_use]
    pub fn is_keeping(&self) -> bool {
        self.with(|lane, _| lane.kept_from.is_some())
    }

    /// Frames that have waited for longer than this go, whole chunks of them; none: never.
    pub fn set_max_age(&self, max_age: Option<Duration>) {
        self.with(|lane, _| lane.max_age = max_age);
    }
}
