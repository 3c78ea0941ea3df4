//! [`Apart`]: the lanes beside the rest of the queue's state, so that both can be borrowed.

use super::{Lane, LaneState};
use crate::state::State;

/// Puts the lanes back, also where `work` panics: the lock is used again after that.
struct Apart<'s> {
    state: &'s mut State,
    lanes: Vec<(u64, LaneState)>,
}
impl Drop for Apart<'_> {
    fn drop(&mut self) {
        self.state.lanes = std::mem::take(&mut self.lanes);
    }
}

impl Lane {
    /// Runs `work` on a lane's state under the lock.
    pub(super) fn at<R>(state: &mut State, id: u64, work: impl FnOnce(&mut LaneState, &State) -> R) -> R {
        // Taken out meanwhile, so that both can be borrowed.
        let lanes = std::mem::take(&mut state.lanes);
        let mut apart = Apart { state, lanes };
        let lane = apart.lanes.iter_mut().find(|(of, _)| *of == id);
        let (_, lane) = lane.expect("a lane lives as long as its handle");
        work(lane, apart.state)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use spanwire_wire::Signal;

    use crate::{Limits, Writer};

    #[test]
    fn a_panic_under_the_lock_loses_no_lane() {
        let (mut writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
        let other = writer.add_lane(Limits::default());
        let panics = || lane.with(|_, _| panic!("as planned"));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).expect_err("it was planned");
        assert_eq!((lane.counts().accepted, other.counts().accepted), (0, 0));
        let _ = writer.append(&std::sync::Arc::default(), 0, |_| ());
        assert_eq!((lane.counts().queued, other.counts().queued), (1, 1));
    }
}
