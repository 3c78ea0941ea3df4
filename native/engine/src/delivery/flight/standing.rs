//! How a request stands to the others of its lane, by what its tries were answered.

use spanwire_transport::SendError;

use super::{Course, Flight, is_answer};
use crate::delivery::traffic::{Stand, Standing};
use crate::delivery::trial::{Crowd, Finding, Trial};

impl<D> Flight<D> {
    pub(super) fn standing(&self) -> Option<&Standing> {
        match &self.course {
            Course::Until(_) => None,
            Course::Driven(driven) => Some(&driven.standing),
        }
    }

    pub(super) fn settle(&self, items: u64) {
        if let Some(standing) = self.standing() {
            standing.settle(items);
        }
    }

    pub(super) fn stand(&self) -> Stand {
        self.standing().map_or(Stand::Among, Standing::stand)
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.standing().is_some_and(|standing| standing.traffic().is_crowded())
    }

    /// What one more failure says of the request, which stands accordingly from now on.
    pub(super) fn find(&self, trial: &mut Trial, error: &SendError, may_be_cut: bool) -> Finding {
        let Some(standing) = self.standing() else {
            return Finding::Open;
        };
        let is_beside = standing.stand() == Stand::Beside;
        if !is_answer(error) {
            if !is_beside {
                trial.missed();
                standing.set(Stand::Among);
            }
            return Finding::Open;
        }
        let crowd = match standing.traffic().crowd() {
            Crowd::Full if !is_beside => Crowd::Some, // that may be an outage
            crowd => crowd,
        };
        let finding = trial.failed(standing.traffic().taken(), crowd, may_be_cut);
        match finding {
            Finding::Guilty => standing.step_aside(),
            Finding::Suspect if !is_beside => standing.set(Stand::Suspect),
            Finding::Suspect | Finding::Open => {}
        }
        finding
    }

    /// A part was taken, or refused for good.
    pub(super) fn was_answered(&self, is_taken: bool) {
        if let Some(standing) = self.standing() {
            if is_taken {
                standing.traffic().add_taken();
            }
            if standing.stand() == Stand::Suspect {
                standing.set(Stand::Among);
            }
        }
    }
}
