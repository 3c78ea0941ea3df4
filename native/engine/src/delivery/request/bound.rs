//! A request that is under way when its queue is at its bound: it is the oldest, and goes.

use std::collections::VecDeque;

use super::{Origin, RequestDelivery, Subrequest};

impl<D> RequestDelivery<D> {
    /// Whether younger items than these have been pushed out of the queue since. A burst that is over by the first failure is forgiven.
    pub(super) fn is_pushed_out(&self) -> bool {
        match &self.origin {
            Origin::Caller(_) => false,
            Origin::Lane(driven) => {
                driven.lane.pushed_out() > driven.pushed_out && (self.failures > 1 || driven.lane.is_at_bound())
            }
        }
    }

    /// The other parts that go with one that was pushed out: on the disk nothing gives way before all of a request has. How many items.
    pub(super) fn give_way(&self, subrequest: &Subrequest, others: &mut VecDeque<Subrequest>) -> u64 {
        let Origin::Lane(driven) = &self.origin else { return 0 };
        if !driven.lane.is_durable() {
            return 0;
        }
        let home = |subrequest: &Subrequest| subrequest.home.as_ref().map(|(_, home)| *home);
        let mut gone = 0;
        others.retain(|other| {
            let stays = home(other) != home(subrequest);
            gone += if stays { 0 } else { other.payload.items() };
            stays
        });
        gone
    }
}
