//! [`Flight`]: one request on its way, until all of its spans are accounted for.
//!
//! What is too large is cut in two, again and again. What cannot be delivered now is tried again: of a caller who waits, within a
//! deadline; of a lane, until the destination takes it, the lane ends, or its queue overflows, whose oldest spans these are.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use spanwire_queue::Lane;
use spanwire_transport::breaker::Permit;
use spanwire_transport::deliver::{Cause, Closing, GaveUp, attempt, closing_begins};
use spanwire_transport::race::{Either, race};
use spanwire_transport::{Accepted, Destination, PackError, Request, SendError, deliver};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::account::DropReason;
use crate::client::Sender;
use crate::events::{self, Event};
use crate::parcel::Parcel;
use crate::route::Route;
use crate::ticket::{Told, UnderWay};

/// A destination that may be down is asked with so little.
const PROBE_BYTES: usize = 16 << 10;

/// How long it is tried.
pub enum Course {
    /// By then its caller must have an answer.
    Until(Instant),
    /// The lane that it was taken from, and how much that had pushed out by then.
    Driven(Arc<Lane>, u64),
}

/// What a request travels by.
pub struct Flight<D> {
    pub sender: Arc<Sender>,
    pub route: watch::Receiver<Arc<Route<D>>>,
    pub closing: watch::Receiver<Closing>,
    pub course: Course,
}

/// How far a part has come.
enum Step {
    Taken(Accepted),
    GaveUp(GaveUp),
    /// It is too large for somebody, as is said here.
    TooLarge(String),
    /// A smaller part is to go first.
    Probe,
    /// The queue was full before it could be delivered.
    PushedOut(SendError),
    Unpackable(PackError),
}

impl<D: Destination + Send + Sync> Flight<D> {
    /// Delivers the parcel, all of whose spans are under way; what people must hear.
    pub async fn fly(mut self, parcel: Parcel, mut under_way: UnderWay) -> Vec<Told> {
        let mut told = Vec::new();
        let mut parts = VecDeque::from([parcel]);
        while let Some(mut parcel) = parts.pop_front() {
            let (spans, bytes) = (parcel.spans(), parcel.len());
            let fate = match self.deliver(&mut parcel, &mut under_way).await {
                Step::Taken(accepted) => Ok(accepted),
                Step::GaveUp(gave_up) => Err(under_way.fate(&gave_up)),
                Step::PushedOut(error) => {
                    let message = format!("the queue was full and {spans} went, undelivered: {error}");
                    Err((DropReason::QueueFull, message))
                }
                Step::Unpackable(error) => Err((DropReason::Encode, error.to_string())),
                Step::Probe => {
                    match parcel.cut(PROBE_BYTES) {
                        Ok(halves) => put_front(&mut parts, halves),
                        Err(whole) => parts.push_front(whole),
                    }
                    continue;
                }
                Step::TooLarge(why) => match parcel.cut(bytes / 2) {
                    Ok(halves) => {
                        put_front(&mut parts, halves);
                        continue;
                    }
                    Err(_) => Err((DropReason::TooLarge, too_large(spans, bytes, &why))),
                },
            };
            told.extend(under_way.part(spans, fate));
        }
        told
    }

    async fn deliver(&mut self, parcel: &mut Parcel, under_way: &mut UnderWay) -> Step {
        if let Some(limit) = self.sender.max_request().filter(|&limit| parcel.len() > limit) {
            return Step::TooLarge(format!("the limit is {limit}; raise max_request_size"));
        }
        let mut last: Option<SendError> = None;
        loop {
            let route = Arc::clone(&self.route.borrow_and_update());
            let permit = match self.time(&route).await {
                Time::Changed => continue,
                Time::Try(permit) => permit,
                Time::Until(deadline) => {
                    let request = match parcel.pack(&route.config) {
                        Ok(request) => request,
                        Err(error) => return Step::Unpackable(error),
                    };
                    if last.is_some() {
                        under_way.tally().retry();
                    }
                    let destination = &route.destination;
                    let (policy, closing) = (self.sender.policy(), &mut self.closing);
                    let answer = deliver(destination, &request, deadline, policy, closing, under_way.tally()).await;
                    return judge(&route, parcel, answer, last);
                }
            };
            if permit.is_probe() && parcel.len() > PROBE_BYTES && parcel.may_be_cut() {
                return Step::Probe;
            }
            let request = match parcel.pack(&route.config) {
                Ok(request) => request,
                Err(error) => return Step::Unpackable(error),
            };
            if last.is_some() {
                under_way.tally().retry();
            }
            match self.attempt(&route, &request, under_way).await {
                Err(GaveUp { error, cause }) if waits(&error, cause) => {
                    permit.failed(error.hint());
                    under_way.wait(error.to_string(), route.breaker.health());
                    if self.is_pushed_out() {
                        return Step::PushedOut(error);
                    }
                    self.say(&route, &error);
                    last = Some(error);
                }
                Err(gave_up) if gave_up.cause == Cause::Interrupted => {
                    drop(permit);
                    return judge(&route, parcel, Err(gave_up), last);
                }
                answer => {
                    permit.succeeded();
                    return judge(&route, parcel, answer, last);
                }
            }
        }
    }

    async fn attempt(&mut self, route: &Route<D>, request: &Request, under_way: &UnderWay) -> Result<Accepted, GaveUp> {
        let deadline = Instant::now() + self.sender.timeout();
        attempt(
            &route.destination,
            request,
            deadline,
            &mut self.closing,
            under_way.tally(),
        )
        .await
    }

    /// Waits until it is time to try: with leave, since the destination has failed or not; or a last time.
    async fn time<'r>(&mut self, route: &'r Route<D>) -> Time<'r> {
        let lane = match &self.course {
            Course::Until(deadline) => return Time::Until(*deadline),
            Course::Driven(lane, _) => lane,
        };
        // An error from the channel means that the owner is gone: the same as closing.
        let is_closing = *self.closing.borrow() != Closing::No || self.closing.has_changed().is_err();
        if lane.is_ended() || is_closing {
            return Time::Until(Instant::now() + self.sender.timeout());
        }
        let ends = race(poll_fn(|task| lane.poll_ended(task)), closing_begins(&mut self.closing));
        match race(route.breaker.admit(), race(ends, changes(&mut self.route))).await {
            Either::First(permit) => Time::Try(permit),
            Either::Second(_) => Time::Changed,
        }
    }

    /// Whether younger spans than these have been pushed out of the queue since.
    fn is_pushed_out(&self) -> bool {
        match &self.course {
            Course::Until(_) => false,
            Course::Driven(lane, before) => lane.pushed_out() > *before,
        }
    }

    /// Tells people that spans wait.
    fn say(&self, route: &Route<D>, error: &SendError) {
        if let Course::Driven(lane, _) = &self.course
            && route.may_say()
        {
            let event = Event {
                destination: route.config.name().to_owned(),
                lost: None,
                waits: true,
                spans: 0,
                message: error.to_string(),
            };
            if events::push(event) {
                lane.set_news();
            }
        }
    }
}

/// Whether the spans wait for better times. A certificate that is wrong is no answer of the destination's, and is renewed one day.
fn waits(error: &SendError, cause: Cause) -> bool {
    matches!(cause, Cause::Exhausted | Cause::TimedOut)
        || (cause == Cause::Final && matches!(error, SendError::Tls { .. }))
}

/// Ends when another value is there.
async fn changes<T>(channel: &mut watch::Receiver<T>) {
    if channel.changed().await.is_err() {
        std::future::pending::<()>().await; // there will be none
    }
}

/// When it is time to try.
enum Time<'r> {
    /// Now, with leave.
    Try(Permit<'r>),
    /// Now, and for the last time: it may take until then.
    Until(Instant),
    /// Something else has changed.
    Changed,
}

fn judge<D>(route: &Route<D>, parcel: &Parcel, answer: Result<Accepted, GaveUp>, last: Option<SendError>) -> Step {
    match answer {
        Ok(accepted) => {
            route.sizes.passed(parcel.len());
            Step::Taken(accepted)
        }
        Err(GaveUp { error, .. }) if error.is_too_large() => {
            route.sizes.too_large(parcel.len());
            Step::TooLarge(error.to_string())
        }
        // What the tries before met says more.
        Err(GaveUp {
            error: SendError::Shutdown | SendError::TimedOut,
            cause,
        }) if last.is_some() => Step::GaveUp(GaveUp {
            error: last.unwrap_or(SendError::Shutdown),
            cause,
        }),
        Err(gave_up) => Step::GaveUp(gave_up),
    }
}

fn too_large(spans: u64, bytes: usize, why: &str) -> String {
    match spans {
        1 => format!("a span of {bytes} bytes is too large: {why}"),
        _ => format!("a request of {bytes} bytes is too large and cannot be divided: {why}"),
    }
}

fn put_front(parts: &mut VecDeque<Parcel>, (first, rest): (Parcel, Parcel)) {
    parts.push_front(rest);
    parts.push_front(first);
}
