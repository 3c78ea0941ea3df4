//! Chunks of a storage that keeps frames until all lanes are done with them: who needs them, and what gives way where there may be no more.

use std::ops::Range;

use super::{State, both};
use crate::lane::LaneState;
use crate::writer::Appended;

/// Empty chunks kept: their storage has them ready as well.
const KEPT: usize = 8;

impl State {
    /// Lets go of the chunks before the one that is read next, of those of which nobody has frames in hand: whatever is older and still
    /// under way holds its own chunks, and no other.
    pub(super) fn release_stored(&mut self, needed: u64, entered: u64) {
        while let Some(chunk) = self.chunks.pop_before(needed) {
            self.in_hand.push(chunk);
        }
        let (done, kept) = self.done(entered);
        for chunk in std::mem::take(&mut self.in_hand) {
            let frames = chunk.first()..chunk.end();
            if self.lanes.iter().any(|(_, lane)| lane.has_in_hand(&frames)) {
                self.in_hand.push(chunk);
                continue;
            }
            self.is_at_bound = false;
            if frames.start < kept.end && kept.start < frames.end {
                // Nobody reads it here any more, and it stays where it is.
                chunk.set_done(kept.start);
                self.trash.chunks.push(chunk);
                continue;
            }
            chunk.release();
            if chunk.capacity() == self.chunk_len && chunk.may_begin_again() {
                self.passed.push(chunk);
            } else {
                self.trash.chunks.push(chunk);
            }
        }
        if let Some(oldest) = self.in_hand.first().or_else(|| self.chunks.first()) {
            let is_kept = kept.start < kept.end && kept.start < done && oldest.first() < kept.end;
            oldest.set_done(if is_kept { kept.start } else { done });
        }
        self.keep_passed(KEPT);
    }

    /// All lanes are done with so many frames in this process; and which frames outlive it.
    fn done(&self, entered: u64) -> (u64, Range<u64>) {
        let lanes = self.lanes.iter().map(|(_, lane)| lane);
        let done = lanes.clone().map(LaneState::done).min();
        let kept = lanes.fold(self.kept.clone(), |all, lane| both(all, lane.kept(entered)));
        (done.unwrap_or(u64::MAX), kept)
    }

    /// Whether all frames are where they outlive the process.
    pub fn is_stored(&self) -> bool {
        self.in_hand
            .iter()
            .chain(self.chunks.iter())
            .all(|chunk| chunk.is_stored())
    }

    /// How many of these frames, which wait, are not where they outlive the process.
    pub fn unstored_from(&self, start: u64, end: u64) -> u64 {
        let unstored = self.chunks.iter().filter(|chunk| !chunk.is_stored());
        unstored
            .map(|chunk| chunk.end().min(end).saturating_sub(chunk.first().max(start)))
            .sum()
    }

    /// The storage may have no more: the oldest chunk that waits for somebody who drops the oldest goes. Whether there was one; it may
    /// be that others need it.
    pub(super) fn push_out(&mut self) -> bool {
        let Self { lanes, chunks, .. } = self;
        let oldest = lanes
            .iter_mut()
            .filter_map(|(_, lane)| Some((lane.oldest(chunks)?, lane)))
            .min_by_key(|(oldest, _)| *oldest);
        let Some((_, lane)) = oldest else { return false };
        lane.push_out(chunks);
        self.release();
        true
    }

    /// A frame is not appended since all that the storage may hold is in hand, or waits for somebody who refuses frames.
    /// One that needs more than a chunk of the usual size may be the only one that finds no room.
    pub(super) fn refuse_over(&mut self, len: usize) -> Appended {
        let is_usual = len <= self.chunk_len;
        self.is_at_bound |= is_usual;
        if self.refuses() {
            return self.refuse(false);
        }
        self.refused += 1;
        self.over += u64::from(is_usual);
        Appended::Done
    }
}
