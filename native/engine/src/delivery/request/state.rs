//! The role of a request among the others of its lane, by the answers to its tries.

use spanwire_transport::SendError;

use super::{Origin, RequestDelivery, is_answer};
use crate::delivery::retry_state::{Crowd, RetryState, Verdict};
use crate::delivery::traffic::{RequestState, Role};

impl<D> RequestDelivery<D> {
    pub(super) fn state(&self) -> Option<&RequestState> {
        match &self.origin {
            Origin::Caller(_) => None,
            Origin::Lane(driven) => Some(&driven.state),
        }
    }

    pub(super) fn settle(&self, items: u64) {
        if let Some(state) = self.state() {
            state.settle(items);
        }
    }

    pub(super) fn role(&self) -> Role {
        self.state().map_or(Role::Regular, RequestState::role)
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.state().is_some_and(|state| state.traffic().is_crowded())
    }

    /// Whether all room is taken by requests that are in flight, so that no other can show whether the destination takes any.
    pub(super) fn has_no_room(&self) -> bool {
        self.state().is_some_and(|state| state.traffic().is_full())
    }

    /// What one more failure says of the request, whose role follows from it.
    pub(super) fn verdict(&self, retry: &mut RetryState, error: &SendError, may_be_cut: bool) -> Verdict {
        let Some(state) = self.state() else {
            return Verdict::Unclear;
        };
        let is_beside = state.role() == Role::Aside;
        if !is_answer(error) {
            if !is_beside {
                retry.missed();
                state.set(Role::Regular);
            }
            return Verdict::Unclear;
        }
        let crowd = match state.traffic().crowd() {
            Crowd::Full if !is_beside => Crowd::Some, // that may be an outage
            crowd => crowd,
        };
        let verdict = retry.failed(state.traffic().taken(), crowd, may_be_cut);
        match verdict {
            Verdict::Poison => state.step_aside(),
            Verdict::Suspect if !is_beside => state.set(Role::Suspect),
            Verdict::Suspect | Verdict::Unclear => {}
        }
        verdict
    }

    /// A part was taken, or refused for good.
    pub(super) fn was_answered(&self, is_taken: bool) {
        if let Some(state) = self.state() {
            if is_taken {
                state.traffic().add_taken();
            }
            if state.role() == Role::Suspect {
                state.set(Role::Regular);
            }
        }
    }
}
