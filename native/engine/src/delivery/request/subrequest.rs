//! What becomes of a [`Subrequest`] on its way: it is divided over endpoints, cut in two, or mended.

use std::collections::VecDeque;
use std::sync::Arc;

use spanwire_transport::Config;
use spanwire_transport::deliver::{Cause, GaveUp};

use super::{Origin, RequestDelivery, Subrequest};
use crate::delivery::payload::Payload;
use crate::delivery::retry_state::RetryState;
use crate::delivery::route::Route;
use crate::delivery::spread::Tried;

impl<D> RequestDelivery<D> {
    /// What was refused for good may have been damaged where it waited, by somebody else who writes there: then the items that cannot be
    /// read are left out, and the others are sent again. How many were left out; none: it is not for that.
    pub(super) async fn mend(&self, gave_up: &GaveUp, subrequest: &mut Subrequest) -> Option<u64> {
        let may_be_damaged = match &self.origin {
            Origin::Lane(driven) => gave_up.cause == Cause::Final && driven.lane.is_durable(),
            Origin::Caller(_) => false,
        };
        if !may_be_damaged {
            return None;
        }
        let lost = subrequest.payload.mend().await;
        (lost > 0).then_some(lost)
    }
}

impl Subrequest {
    pub(super) fn new(payload: Payload, retry: RetryState) -> Self {
        Self {
            payload,
            retry,
            last: None,
            home: None,
            tried: Tried::default(),
        }
    }

    /// The endpoint of its traces, by this configuration.
    pub(super) fn home_by(&self, config: &Arc<Config>) -> Option<usize> {
        let (by, home) = self.home.as_ref()?;
        Arc::ptr_eq(by, config).then_some(*home)
    }

    /// Puts its parts for each endpoint in front of the others; or itself, if traces have none.
    pub(super) async fn divide_into<D>(mut self, subrequests: &mut VecDeque<Self>, route: &Route<D>) {
        let Some(spread) = &route.spread else {
            self.home = None;
            subrequests.push_front(self);
            return;
        };
        let mut last = self.last;
        for (home, payload) in self.payload.divide(spread, self.tried).await.into_iter().rev() {
            subrequests.push_front(Self {
                home: Some((Arc::clone(&route.config), home)),
                last: last.take(),
                tried: self.tried,
                ..Self::new(payload, RetryState::default())
            });
        }
    }

    /// Puts two of it in front of the others, the first with about so many bytes of items, or half of them; or itself, if it cannot be
    /// cut. Whether it could.
    pub(super) async fn cut_into(self, subrequests: &mut VecDeque<Self>, first: Option<usize>) -> bool {
        let retry = self.retry.of_part();
        let (home, tried) = (self.home, self.tried);
        let mut push = |payload, retry| {
            subrequests.push_front(Self {
                home: home.clone(),
                tried,
                ..Self::new(payload, retry)
            });
        };
        match self.payload.cut(first).await {
            Ok((left, right)) => {
                push(right, retry.clone());
                push(left, retry);
                true
            }
            Err(whole) => {
                push(whole, self.retry);
                false
            }
        }
    }
}
