//! A request that is under way when its queue is at its bound: it is the oldest, and goes.

use std::collections::VecDeque;

use super::{Course, Flight, Piece};

impl<D> Flight<D> {
    /// Whether younger items than these have been pushed out of the queue since. A burst that is over by the first failure is forgiven.
    pub(super) fn is_pushed_out(&self) -> bool {
        match &self.course {
            Course::Until(_) => false,
            Course::Driven(driven) => {
                driven.lane.pushed_out() > driven.pushed_out && (self.failures > 1 || driven.lane.is_at_bound())
            }
        }
    }

    /// The other parts that go with one that was pushed out: on the disk nothing gives way before all of a request has. How many items.
    pub(super) fn give_way(&self, piece: &Piece, others: &mut VecDeque<Piece>) -> u64 {
        let Course::Driven(driven) = &self.course else { return 0 };
        if !driven.lane.is_durable() {
            return 0;
        }
        let home = |piece: &Piece| piece.home.as_ref().map(|(_, home)| *home);
        let mut gone = 0;
        others.retain(|other| {
            let stays = home(other) != home(piece);
            gone += if stays { 0 } else { other.parcel.items() };
            stays
        });
        gone
    }
}
