//! What becomes of requests after the end of their lane: each is tried until the destination has taken nothing for a while, and those that are
//! answered "later" let others pass. What outlives the process is not waited for once a try has failed.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use spanwire_queue::Lane;
use spanwire_transport::deliver::{Cause, GaveUp, attempt, closing_begins};
use spanwire_transport::race::{Either, race};
use spanwire_transport::{Destination, SendError};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Origin, RequestDelivery, Step, Subrequest, is_answer, judge, presize, waits};
use crate::delivery::route::Route;
use crate::delivery::traffic::Traffic;
use crate::process::sender::Sender;
use crate::process::ticket::UnderWay;

/// How often an ended lane is asked whether there is a limit by now.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Until when the requests of a lane are tried, if it has ended and there is a limit; now or in the past: it is over.
pub fn last_call<D>(lane: &Lane, traffic: &Traffic, sender: &Sender, route: &Route<D>) -> Option<Instant> {
    if !lane.is_ended() {
        return None;
    }
    let patience = lane.patience()?;
    let end = traffic.last_call(patience, sender.progress());
    // What failed before is on the disk as well.
    let is_over = lane.is_stored() && route.is_failing();
    Some(if is_over { Instant::now() } else { end })
}

impl<D: Destination + Send + Sync> RequestDelivery<D> {
    /// Until when it is tried, if its lane has ended and there is a limit.
    pub(super) fn last_call(&self, route: &Route<D>) -> Option<Instant> {
        match &self.origin {
            Origin::Caller(_) => None,
            Origin::Lane(driven) => last_call(&driven.lane, driven.state.traffic(), &self.sender, route),
        }
    }

    /// Ends when that time is over.
    pub(super) fn last_call_ends<'r>(&self, route: &'r Route<D>) -> impl Future<Output = ()> + use<'r, D> {
        let driven = match &self.origin {
            Origin::Caller(_) => None,
            Origin::Lane(driven) => Some((Arc::clone(&driven.lane), Arc::clone(&driven.state))),
        };
        let sender = Arc::clone(&self.sender);
        async move {
            let Some((lane, state)) = driven else {
                return pending().await;
            };
            std::future::poll_fn(|task| lane.poll_ended(task)).await;
            loop {
                match last_call(&lane, state.traffic(), &sender, route) {
                    Some(end) if end <= Instant::now() => return,
                    Some(end) => sleep_until(end).await,
                    None => sleep(ASK_AGAIN).await,
                }
            }
        }
    }

    /// Tries a subrequest once, as soon as it may be; where it fails others have their turn.
    pub(super) async fn try_in_last_call(
        &mut self,
        route: &Route<D>,
        home: Option<usize>,
        subrequest: &mut Subrequest,
        under_way: &mut UnderWay,
        end: Instant,
    ) -> Step {
        if end <= Instant::now() {
            return give_up(subrequest);
        }
        if let Some(step) = presize(route, &subrequest.payload) {
            return step;
        }
        if let Some(due) = subrequest.retry.hurried_due().filter(|&due| due > Instant::now()) {
            let wait = race(sleep_until(due.min(end)), closing_begins(&mut self.closing)).await;
            return match wait {
                Either::First(()) if due >= end => Step::Aside, // perhaps it is not the end any more
                Either::First(()) => self.try_now(route, home, subrequest, under_way, end).await,
                Either::Second(()) => give_up(subrequest),
            };
        }
        self.try_now(route, home, subrequest, under_way, end).await
    }

    async fn try_now(
        &mut self,
        route: &Route<D>,
        home: Option<usize>,
        subrequest: &mut Subrequest,
        under_way: &mut UnderWay,
        end: Instant,
    ) -> Step {
        if let (Some(home), Some(spread)) = (home, &route.spread) {
            let others = spread.others(home, subrequest.tried);
            if others > 0 {
                return self.try_once(route, home, others, subrequest, under_way, end).await;
            }
        }
        let request = match subrequest.payload.pack(&route.config).await {
            Ok(request) => request,
            Err(error) => return Step::Unpackable(error),
        };
        if subrequest.last.is_some() {
            under_way.tally().retry();
        }
        let start = Instant::now();
        let deadline = end.min(start + self.sender.timeout());
        let answer = attempt(
            &route.at(home),
            &request,
            deadline,
            &mut self.closing,
            under_way.tally(),
        )
        .await;
        match answer {
            Err(GaveUp { error, cause }) if waits(&error, cause) => {
                under_way.wait(error.to_string());
                let (hint, answered) = (error.hint(), is_answer(&error));
                subrequest.last = Some(error);
                let Origin::Lane(driven) = &self.origin else {
                    return give_up(subrequest);
                };
                if driven.lane.is_durable() {
                    driven.state.traffic().call_off();
                    return give_up(subrequest);
                }
                if hint.is_some_and(|hint| driven.lane.patience().is_some_and(|patience| hint > patience)) {
                    return give_up(subrequest);
                }
                subrequest.retry.hurry(hint);
                if answered {
                    driven.state.step_aside();
                }
                Step::Aside
            }
            answer => {
                if answer.is_ok() {
                    self.sender.note_taken(start.elapsed());
                }
                judge(route, &subrequest.payload, answer, subrequest.last.take())
            }
        }
    }
}

/// It is not tried any more; what the last try met says why.
fn give_up(subrequest: &mut Subrequest) -> Step {
    let cause = match &subrequest.last {
        Some(SendError::TimedOut) => Cause::TimedOut,
        Some(_) => Cause::Exhausted,
        None => Cause::Interrupted,
    };
    let error = subrequest.last.take().unwrap_or(SendError::Shutdown);
    Step::GaveUp(GaveUp { error, cause })
}
