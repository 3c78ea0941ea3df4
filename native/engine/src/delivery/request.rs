//! [`RequestDelivery`]: one request on its way, until all of its items are accounted for.
//!
//! A request that is too large is cut in two, again and again. One that cannot be delivered now is tried again: that of a waiting caller within
//! a deadline; that of a lane until the destination takes it, the lane ends, or its queue overflows, whose oldest items these are. A request
//! that fails while others are taken waits beside them, is cut down to its poison items, and is given up with these.

mod answer;
mod bound;
pub mod last_call;
mod state;
mod subrequest;
mod time;

use std::collections::VecDeque;
use std::sync::Arc;

use spanwire_queue::Lane;
use spanwire_transport::breaker::Permit;
use spanwire_transport::deliver::{Cause, Closing, GaveUp, attempt, closed_for_good};
use spanwire_transport::race::{Either, race};
use spanwire_transport::{Accepted, Config, Destination, PackError, Request, SendError, deliver};
use tokio::sync::watch;
use tokio::time::Instant;

use answer::{is_answer, too_large, unsent, waits};

use crate::delivery::payload::Payload;
use crate::delivery::retry_state::{RetryState, Verdict};
use crate::delivery::route::Route;
use crate::delivery::spread::Tried;
use crate::delivery::traffic::{RequestState, Role, Try};
use crate::process::account::DropReason;
use crate::process::events::{self, Event, What};
use crate::process::sender::Sender;
use crate::process::ticket::{Notice, UnderWay};

/// A destination that may be down is asked with so little.
pub const PROBE_BYTES: usize = 16 << 10;

/// A suspect request is cut into so many parts at most while there is no room for others.
const MOST_PARTS: usize = 16;

/// Who gave the request, which says how long it is tried.
pub enum Origin {
    /// A caller, who must have an answer by then.
    Caller(Instant),
    Lane(FromLane),
}

impl Origin {
    /// By what tries are counted, and how many there are at most.
    fn of_tries(&self) -> Option<(Arc<RequestState>, usize)> {
        match self {
            Self::Caller(_) => None,
            Self::Lane(driven) => Some((Arc::clone(&driven.state), driven.most)),
        }
    }
}

/// A request that was taken from a lane.
pub struct FromLane {
    pub lane: Arc<Lane>,
    /// How much the lane had pushed out by then.
    pub pushed_out: u64,
    pub state: Arc<RequestState>,
    /// Tries under way at most, of all requests of the lane.
    pub most: usize,
}

/// A part of the request, and how it went so far.
struct Subrequest {
    payload: Payload,
    retry: RetryState,
    last: Option<SendError>,
    /// The endpoint where its traces are at home, if each has one, by which configuration.
    home: Option<(Arc<Config>, usize)>,
    /// Endpoints that were tried a last time.
    tried: Tried,
}

/// What a request travels by.
pub struct RequestDelivery<D> {
    pub sender: Arc<Sender>,
    pub route: watch::Receiver<Arc<Route<D>>>,
    pub closing: watch::Receiver<Closing>,
    pub origin: Origin,
    /// Tries that failed.
    pub failures: u32,
}

/// How far a part has come.
enum Step {
    Taken(Accepted),
    GaveUp(GaveUp),
    /// It is too large for somebody, as is said here.
    TooLarge(String),
    /// A smaller part is to go first.
    Probe,
    /// It is larger than what the destination is known to take: half of it goes first.
    Halve,
    /// The destination has just refused single items that were no larger, with these words.
    Hopeless(String),
    /// The queue was full before it could be delivered.
    PushedOut(SendError),
    Unpackable(PackError),
    /// It waits beside the others.
    Aside,
    /// Its traces are to be found endpoints.
    Unrouted,
    /// It is not taken, though others are.
    Poison(SendError),
}

impl<D: Destination + Send + Sync> RequestDelivery<D> {
    /// Delivers the payload, all of whose items are under way; what people must hear.
    pub async fn run(mut self, payload: Payload, mut under_way: UnderWay) -> Vec<Notice> {
        let mut told = Vec::new();
        let mut subrequests = VecDeque::from([Subrequest::new(payload, RetryState::default())]);
        while let Some(mut subrequest) = self.next(&mut subrequests) {
            let (mut items, bytes) = (subrequest.payload.items(), subrequest.payload.len());
            let signal = subrequest.payload.signal();
            let step = self.deliver(&mut subrequest, &mut under_way, subrequests.len()).await;
            self.say_trouble(&self.route.borrow(), &mut under_way);
            let fate = match step {
                Step::Taken(accepted) => Ok(accepted),
                Step::GaveUp(gave_up) => {
                    if let Some(lost) = self.mend(&gave_up, &mut subrequest).await {
                        let message = DropReason::Damaged.of_a_queue(lost);
                        told.extend(under_way.part(lost, Err((DropReason::Damaged, message))));
                        self.settle(lost);
                        if subrequest.payload.items() > 0 {
                            subrequests.push_front(subrequest);
                        }
                        continue;
                    }
                    let (reason, message) = under_way.fate(&gave_up);
                    Err((if self.keeps(&gave_up) { DropReason::Kept } else { reason }, message))
                }
                Step::PushedOut(error) => {
                    items += self.give_way(&subrequest, &mut subrequests);
                    let message = format!("the queue was full and {items} went, undelivered: {error}");
                    Err((DropReason::QueueFull, message))
                }
                Step::Unpackable(error) => Err((DropReason::Encode, error.to_string())),
                Step::Probe => {
                    subrequest.cut_into(&mut subrequests, Some(PROBE_BYTES)).await;
                    continue;
                }
                Step::Halve => {
                    subrequest.cut_into(&mut subrequests, None).await;
                    continue;
                }
                Step::Hopeless(why) => Err((DropReason::TooLarge, unsent(signal, items, &why))),
                Step::TooLarge(why) => {
                    if subrequest.cut_into(&mut subrequests, None).await {
                        continue;
                    }
                    let _ = subrequests.pop_front();
                    Err((DropReason::TooLarge, too_large(signal, items, bytes, &why)))
                }
                Step::Unrouted => {
                    let route = Arc::clone(&self.route.borrow());
                    subrequest.divide_into(&mut subrequests, &route).await;
                    continue;
                }
                Step::Aside => {
                    subrequests.push_back(subrequest);
                    continue;
                }
                Step::Poison(error) => {
                    let is_crowded = self.is_crowded();
                    if subrequest.payload.may_be_cut() {
                        subrequest.cut_into(&mut subrequests, None).await;
                        continue;
                    }
                    if !subrequest.retry.strike(is_crowded) {
                        subrequest.retry.put_off(error.hint());
                        subrequest.last = Some(error);
                        subrequests.push_back(subrequest);
                        continue;
                    }
                    let message = format!("{error} (again and again, while other requests were taken)");
                    Err((DropReason::Exhausted, message))
                }
            };
            told.extend(under_way.part(items, fate));
            self.settle(items);
        }
        told
    }

    /// The subrequest whose turn it is: the first that need not wait, or that need not wait for long. A probe lets the others go first.
    fn next(&self, subrequests: &mut VecDeque<Subrequest>) -> Option<Subrequest> {
        let route = self.route.borrow();
        let is_last_call = self.last_call(&route).is_some();
        let turn = |subrequest: &Subrequest| {
            let due = if is_last_call {
                subrequest.retry.hurried_due()
            } else {
                subrequest.retry.due()
            };
            match (&route.spread, subrequest.home_by(&route.config)) {
                (Some(spread), Some(home)) => (due.max(spread.next(home)), spread.is_broken(home)),
                _ => (due, false),
            }
        };
        let (first, _) = subrequests
            .iter()
            .enumerate()
            .min_by_key(|(_, subrequest)| turn(subrequest))?;
        subrequests.remove(first)
    }

    /// Tries a subrequest, beside which the request has `others`.
    async fn deliver(&mut self, subrequest: &mut Subrequest, under_way: &mut UnderWay, others: usize) -> Step {
        if let Some(limit) = self
            .sender
            .max_request()
            .filter(|&limit| subrequest.payload.len() > limit)
        {
            return Step::TooLarge(format!("the limit is {limit}; raise max_request_size"));
        }
        loop {
            if matches!(*self.closing.borrow(), Closing::By(end) if end <= Instant::now()) {
                return interrupted(subrequest);
            }
            let route = Arc::clone(&self.route.borrow_and_update());
            let home = subrequest.home_by(&route.config);
            if let Some(spread) = &route.spread
                && home.is_none_or(|home| spread.has_moved(home, subrequest.tried))
            {
                return Step::Unrouted;
            }
            let due = subrequest.retry.due().max(route.sizes.not_before());
            let time = self.time(&route, home, due).await;
            let payload = &mut subrequest.payload;
            if is_to_be_packed(&route, payload, &time) {
                drop(time); // packing takes time as well: what may be done after it is asked again
                match race(payload.pack(&route.config), closed_for_good(&mut self.closing)).await {
                    Either::First(Ok(_)) => continue,
                    Either::First(Err(error)) => return Step::Unpackable(error),
                    Either::Second(()) => return interrupted(subrequest),
                }
            }
            let permit = match time {
                Time::Changed => {
                    if !Arc::ptr_eq(&route, &self.route.borrow()) {
                        subrequest.retry = RetryState::default(); // another destination
                    }
                    continue;
                }
                Time::Try(permit) => permit,
                Time::Until(deadline) => return self.try_last(&route, home, subrequest, under_way, deadline).await,
                Time::LastCall(end) => return self.try_in_last_call(&route, home, subrequest, under_way, end).await,
            };
            let Subrequest {
                payload, retry, last, ..
            } = subrequest;
            if payload.may_be_cut() && is_oversize(&route, payload) {
                return Step::Halve;
            }
            if permit.is_probe() && payload.len() > PROBE_BYTES && payload.may_be_cut() {
                return Step::Probe;
            }
            let origin = self.origin.of_tries();
            let _try = begin_try(origin.as_ref()).await;
            if is_stale(&route, home, &permit) {
                continue;
            }
            let request = match payload.pack(&route.config).await {
                Ok(request) => request,
                Err(error) => return Step::Unpackable(error),
            };
            if last.is_some() {
                under_way.tally().retry();
            }
            match self.attempt(&route, home, &request, under_way).await {
                Err(GaveUp { error, cause }) if waits(&error, cause) => {
                    let verdict = self.verdict(retry, &error, payload.may_be_cut());
                    let is_beside = self.role() == Role::Aside;
                    if is_beside && is_answer(&error) {
                        drop(permit); // it says nothing of the destination
                    } else {
                        permit.failed_by(&error);
                    }
                    under_way.wait(error.to_string());
                    self.failures += 1;
                    if self.is_pushed_out() {
                        return Step::PushedOut(error);
                    }
                    self.say(&route, &error);
                    if verdict == Verdict::Poison {
                        return Step::Poison(error);
                    }
                    if let Some(step) = self.put_off(subrequest, home, error, verdict, others) {
                        return step;
                    }
                }
                Err(gave_up) if gave_up.cause == Cause::Interrupted => {
                    drop(permit);
                    return judge(&route, payload, Err(gave_up), last.take());
                }
                answer => {
                    permit.succeeded();
                    self.was_answered(answer.is_ok());
                    return judge(&route, payload, answer, last.take());
                }
            }
        }
    }

    /// What becomes of a subrequest that was not taken now; none: it is tried again in its turn.
    fn put_off(
        &self,
        subrequest: &mut Subrequest,
        home: Option<usize>,
        error: SendError,
        verdict: Verdict,
        others: usize,
    ) -> Option<Step> {
        let is_beside = self.role() == Role::Aside;
        if is_beside {
            subrequest.retry.put_off(error.hint());
        }
        subrequest.last = Some(error);
        // Where there is no room for other requests, parts of these show whether the destination takes any.
        if verdict == Verdict::Suspect && self.has_no_room() {
            if subrequest.payload.may_be_cut() && others < MOST_PARTS {
                return Some(Step::Halve);
            }
            if others > 0 {
                return Some(Step::Aside);
            }
        }
        // Those for other endpoints need not wait for this one.
        (is_beside || (others > 0 && home.is_some())).then_some(Step::Aside)
    }

    /// Tries a subrequest until then and no longer.
    async fn try_last(
        &mut self,
        route: &Route<D>,
        home: Option<usize>,
        subrequest: &mut Subrequest,
        under_way: &mut UnderWay,
        deadline: Instant,
    ) -> Step {
        if let Some(step) = presize(route, &subrequest.payload) {
            return step;
        }
        if let (Some(home), Some(spread)) = (home, &route.spread) {
            let others = spread.others(home, subrequest.tried);
            if others > 0 {
                return self
                    .try_once(route, home, others, subrequest, under_way, deadline)
                    .await;
            }
        }
        let Subrequest { payload, last, .. } = subrequest;
        let request = match payload.pack(&route.config).await {
            Ok(request) => request,
            Err(error) => return Step::Unpackable(error),
        };
        if last.is_some() {
            under_way.tally().retry();
        }
        let (policy, closing) = (self.sender.policy(), &mut self.closing);
        let answer = deliver(&route.at(home), &request, deadline, policy, closing, under_way.tally()).await;
        judge(route, payload, answer, last.take())
    }

    /// Tries a subrequest a last time at an endpoint that is one of several: where it fails the others are tried, each for its share of the time.
    async fn try_once(
        &mut self,
        route: &Route<D>,
        home: usize,
        others: usize,
        subrequest: &mut Subrequest,
        under_way: &mut UnderWay,
        deadline: Instant,
    ) -> Step {
        subrequest.tried.add(home);
        let Ok(permit) = route.breaker(Some(home)).try_admit() else {
            return Step::Unrouted; // it has just failed
        };
        let request = match subrequest.payload.pack(&route.config).await {
            Ok(request) => request,
            Err(error) => return Step::Unpackable(error),
        };
        if subrequest.last.is_some() {
            under_way.tally().retry();
        }
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / u32::try_from(others + 1).unwrap_or(u32::MAX);
        let at = route.at(Some(home));
        let answer = attempt(&at, &request, now + share, &mut self.closing, under_way.tally()).await;
        if answer.is_ok() {
            self.sender.note_taken(now.elapsed());
        }
        match answer {
            Err(GaveUp { error, cause }) if waits(&error, cause) => {
                permit.failed_by(&error);
                under_way.wait(error.to_string());
                subrequest.last = Some(error);
                Step::Unrouted
            }
            Err(gave_up) if gave_up.cause == Cause::Interrupted => {
                drop(permit);
                judge(route, &subrequest.payload, Err(gave_up), subrequest.last.take())
            }
            answer => {
                permit.succeeded();
                judge(route, &subrequest.payload, answer, subrequest.last.take())
            }
        }
    }

    async fn attempt(
        &mut self,
        route: &Route<D>,
        home: Option<usize>,
        request: &Request,
        under_way: &mut UnderWay,
    ) -> Result<Accepted, GaveUp> {
        let deadline = Instant::now() + self.sender.timeout();
        let (start, ends) = (Instant::now(), self.last_call_ends(route));
        let at = route.at(home);
        let tries = attempt(&at, request, deadline, &mut self.closing, under_way.tally());
        let answer = match race(tries, ends).await {
            Either::First(answer) => answer,
            Either::Second(()) => Err(GaveUp {
                error: SendError::TimedOut,
                cause: Cause::TimedOut,
            }),
        };
        if answer.is_ok() {
            self.sender.note_taken(start.elapsed());
        }
        self.say_trouble(route, under_way);
        answer
    }

    /// Whether what was not delivered, at the end, stays where it outlives this process; it is done with nothing more then.
    fn keeps(&self, GaveUp { error, cause }: &GaveUp) -> bool {
        let is_kept = match &self.origin {
            Origin::Lane(driven) if waits(error, *cause) || *cause == Cause::Interrupted => {
                driven.lane.is_stored().then(|| driven.lane.keep())
            }
            _ => None,
        };
        is_kept.is_some()
    }

    /// Tells people what is wrong, whatever became of the last try.
    fn say_trouble(&self, route: &Route<D>, under_way: &mut UnderWay) {
        if let Some(trouble) = route.destination.trouble()
            && under_way.tell(trouble)
            && let Origin::Lane(driven) = &self.origin
        {
            driven.lane.set_news();
        }
    }

    /// Tells people that items wait.
    fn say(&self, route: &Route<D>, error: &SendError) {
        if let Origin::Lane(driven) = &self.origin
            && route.may_say()
        {
            let event = Event {
                destination: route.config.name().to_owned(),
                what: What::Waits,
                items: 0,
                message: error.to_string(),
            };
            if events::push(event) {
                driven.lane.set_news();
            }
        }
    }
}

async fn begin_try(origin: Option<&(Arc<RequestState>, usize)>) -> Option<Try<'_>> {
    let (state, most) = origin?;
    Some(state.begin_try(*most).await)
}

/// Whether one of several endpoints has failed since it gave leave, while others were tried.
fn is_stale<D>(route: &Route<D>, home: Option<usize>, permit: &Permit<'_>) -> bool {
    let breaker = route.breaker(home);
    home.is_some() && !permit.is_probe() && (breaker.is_broken() || !breaker.may_try())
}

/// Whether it is to be sent now, and is to be packed on another thread before. What is cut first is packed after that.
fn is_to_be_packed<D>(route: &Route<D>, payload: &Payload, time: &Time<'_>) -> bool {
    let is_cut_first = match time {
        Time::Changed => return false,
        Time::Try(permit) => permit.is_probe() && payload.len() > PROBE_BYTES,
        Time::Until(_) | Time::LastCall(_) => false,
    };
    let is_cut_first = payload.may_be_cut() && (is_cut_first || is_oversize(route, payload));
    !is_cut_first && !payload.is_ready(&route.config)
}

/// Whether the destination is known to take less, or no more than perhaps a single item.
fn is_oversize<D>(route: &Route<D>, payload: &Payload) -> bool {
    payload.len() > route.sizes.limit() || route.sizes.takes_nothing()
}

/// What becomes of a part that has its last try, by its size alone: nobody waits for a destination that takes nothing, and it is not asked
/// for each item either.
fn presize<D>(route: &Route<D>, payload: &Payload) -> Option<Step> {
    if route.sizes.takes_nothing() && payload.smallest().is_some_and(|bytes| route.sizes.is_hopeless(bytes)) {
        return Some(Step::Hopeless(route.sizes.refusal()));
    }
    (payload.may_be_cut() && is_oversize(route, payload)).then_some(Step::Halve)
}

/// When it is time to try.
enum Time<'r> {
    /// Now, with leave.
    Try(Permit<'r>),
    /// Now, and for the last time: it may take until then.
    Until(Instant),
    /// Now, soon and until then, since the lane has ended.
    LastCall(Instant),
    /// Something else has changed.
    Changed,
}

fn judge<D>(route: &Route<D>, payload: &Payload, answer: Result<Accepted, GaveUp>, last: Option<SendError>) -> Step {
    match answer {
        Ok(accepted) => {
            route.sizes.passed(payload.len());
            Step::Taken(accepted)
        }
        Err(GaveUp { error, .. }) if error.is_too_large() => {
            let why = error.to_string();
            if payload.items() == 1 {
                route.sizes.refused_alone(&why);
            }
            route.sizes.too_large(payload.len(), payload.items() == 1);
            Step::TooLarge(why)
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

/// It is closed for good; what the tries before met says more.
fn interrupted(subrequest: &mut Subrequest) -> Step {
    Step::GaveUp(GaveUp {
        error: subrequest.last.take().unwrap_or(SendError::Shutdown),
        cause: Cause::Interrupted,
    })
}
