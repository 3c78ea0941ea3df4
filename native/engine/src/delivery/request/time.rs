//! When a subrequest is tried.

use std::future::poll_fn;

use spanwire_transport::Destination;
use spanwire_transport::deliver::{Closing, closing_begins};
use spanwire_transport::race::{Either, race};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Origin, RequestDelivery, Time};
use crate::delivery::route::Route;

impl<D: Destination + Send + Sync> RequestDelivery<D> {
    /// Waits until it is time to try: with leave, since the destination has failed or not, and not before it is due; or a last time.
    pub(super) async fn time<'r>(
        &mut self,
        route: &'r Route<D>,
        home: Option<usize>,
        due: Option<Instant>,
    ) -> Time<'r> {
        let lane = match &self.origin {
            Origin::Caller(deadline) => return Time::Until(*deadline),
            Origin::Lane(driven) => &driven.lane,
        };
        // An error from the channel means that the owner is gone: the same as closing.
        let is_closing = *self.closing.borrow() != Closing::No || self.closing.has_changed().is_err();
        if !is_closing && let Some(end) = self.last_call(route) {
            return Time::LastCall(end);
        }
        if lane.is_ended() || is_closing {
            return Time::Until(Instant::now() + self.sender.timeout());
        }
        let ends = race(poll_fn(|task| lane.poll_ended(task)), closing_begins(&mut self.closing));
        let leave = async {
            if let Some(due) = due {
                sleep_until(due).await;
            }
            route.breaker(home).admit().await
        };
        let moves = async {
            match (&route.spread, home) {
                (Some(spread), Some(home)) => spread.moves(home).await,
                _ => std::future::pending().await,
            }
        };
        if let (Some(spread), Some(home), Origin::Lane(driven)) = (&route.spread, home, &self.origin) {
            driven.state.hold(spread.next(home).is_some());
        }
        let time = race(leave, race(race(ends, moves), changes(&mut self.route))).await;
        if let Origin::Lane(driven) = &self.origin {
            driven.state.hold(false);
        }
        match time {
            Either::First(permit) => Time::Try(permit),
            Either::Second(_) => Time::Changed,
        }
    }
}

/// Ends when another value is there.
async fn changes<T>(channel: &mut watch::Receiver<T>) {
    if channel.changed().await.is_err() {
        std::future::pending::<()>().await; // there will be none
    }
}
