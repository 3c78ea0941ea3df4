//! [`Flight`]: one request on its way, until all of its items are accounted for.
//!
//! What is too large is cut in two, again and again. What cannot be delivered now is tried again: of a caller who waits, within a
//! deadline; of a lane, until the destination takes it, the lane ends, or its queue overflows, whose oldest items these are. What is not
//! taken for itself, while others are, waits beside them, is cut down to the items that it is because of, and given up with these.

mod bound;
pub mod last_call;
mod piece;
mod standing;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use spanwire_queue::Lane;
use spanwire_transport::breaker::Permit;
use spanwire_transport::deliver::{Cause, Closing, GaveUp, attempt, closing_begins};
use spanwire_transport::race::{Either, race};
use spanwire_transport::{Accepted, Config, Destination, PackError, Request, SendError, deliver};
use spanwire_wire::Signal;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::delivery::parcel::Parcel;
use crate::delivery::route::Route;
use crate::delivery::spread::Tried;
use crate::delivery::traffic::{Stand, Standing, Try};
use crate::delivery::trial::{Finding, Trial};
use crate::process::account::DropReason;
use crate::process::events::{self, Event, What};
use crate::process::sender::Sender;
use crate::process::ticket::{Told, UnderWay};

/// A destination that may be down is asked with so little.
pub const PROBE_BYTES: usize = 16 << 10;

/// How long it is tried.
pub enum Course {
    /// By then its caller must have an answer.
    Until(Instant),
    Driven(Driven),
}

impl Course {
    /// By what tries are counted, and how many there are at most.
    fn of_tries(&self) -> Option<(Arc<Standing>, usize)> {
        match self {
            Self::Until(_) => None,
            Self::Driven(driven) => Some((Arc::clone(&driven.standing), driven.most)),
        }
    }
}

/// A request that was taken from a lane.
pub struct Driven {
    pub lane: Arc<Lane>,
    /// How much the lane had pushed out by then.
    pub pushed_out: u64,
    pub standing: Arc<Standing>,
    /// Tries under way at most, of all requests of the lane.
    pub most: usize,
}

/// A part of the request, and how it went so far.
struct Piece {
    parcel: Parcel,
    trial: Trial,
    last: Option<SendError>,
    /// The endpoint where its traces are at home, if each has one, by which configuration.
    home: Option<(Arc<Config>, usize)>,
    /// Endpoints that were tried a last time.
    tried: Tried,
}

/// What a request travels by.
pub struct Flight<D> {
    pub sender: Arc<Sender>,
    pub route: watch::Receiver<Arc<Route<D>>>,
    pub closing: watch::Receiver<Closing>,
    pub course: Course,
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
    Homeless,
    /// It is not taken, though others are.
    Guilty(SendError),
}

impl<D: Destination + Send + Sync> Flight<D> {
    /// Delivers the parcel, all of whose items are under way; what people must hear.
    pub async fn fly(mut self, parcel: Parcel, mut under_way: UnderWay) -> Vec<Told> {
        let mut told = Vec::new();
        let mut pieces = VecDeque::from([Piece::new(parcel, Trial::default())]);
        while let Some(mut piece) = self.next(&mut pieces) {
            let (mut items, bytes) = (piece.parcel.items(), piece.parcel.len());
            let signal = piece.parcel.signal();
            let step = self.deliver(&mut piece, &mut under_way, !pieces.is_empty()).await;
            self.say_trouble(&self.route.borrow(), &mut under_way);
            let fate = match step {
                Step::Taken(accepted) => Ok(accepted),
                Step::GaveUp(gave_up) => {
                    if let Some(lost) = self.mend(&gave_up, &mut piece).await {
                        let message = DropReason::Damaged.of_a_queue(lost);
                        told.extend(under_way.part(lost, Err((DropReason::Damaged, message))));
                        self.settle(lost);
                        if piece.parcel.items() > 0 {
                            pieces.push_front(piece);
                        }
                        continue;
                    }
                    let (reason, message) = under_way.fate(&gave_up);
                    Err((if self.keeps(&gave_up) { DropReason::Kept } else { reason }, message))
                }
                Step::PushedOut(error) => {
                    items += self.give_way(&piece, &mut pieces);
                    let message = format!("the queue was full and {items} went, undelivered: {error}");
                    Err((DropReason::QueueFull, message))
                }
                Step::Unpackable(error) => Err((DropReason::Encode, error.to_string())),
                Step::Probe => {
                    piece.cut_into(&mut pieces, Some(PROBE_BYTES)).await;
                    continue;
                }
                Step::Halve => {
                    piece.cut_into(&mut pieces, None).await;
                    continue;
                }
                Step::Hopeless(why) => Err((DropReason::TooLarge, unsent(signal, items, &why))),
                Step::TooLarge(why) => {
                    if piece.cut_into(&mut pieces, None).await {
                        continue;
                    }
                    let _ = pieces.pop_front();
                    Err((DropReason::TooLarge, too_large(signal, items, bytes, &why)))
                }
                Step::Homeless => {
                    let route = Arc::clone(&self.route.borrow());
                    piece.divide_into(&mut pieces, &route).await;
                    continue;
                }
                Step::Aside => {
                    pieces.push_back(piece);
                    continue;
                }
                Step::Guilty(error) => {
                    let is_crowded = self.is_crowded();
                    if piece.parcel.may_be_cut() {
                        piece.cut_into(&mut pieces, None).await;
                        continue;
                    }
                    if !piece.trial.strike(is_crowded) {
                        piece.trial.put_off(error.hint());
                        piece.last = Some(error);
                        pieces.push_back(piece);
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

    /// The piece whose turn it is: the first that need not wait, or that need not wait for long. A probe lets the others go first.
    fn next(&self, pieces: &mut VecDeque<Piece>) -> Option<Piece> {
        let route = self.route.borrow();
        let is_last_call = self.last_call(&route).is_some();
        let turn = |piece: &Piece| {
            let due = if is_last_call {
                piece.trial.hurried_due()
            } else {
                piece.trial.due()
            };
            match (&route.spread, piece.home_by(&route.config)) {
                (Some(spread), Some(home)) => (due.max(spread.next(home)), spread.is_broken(home)),
                _ => (due, false),
            }
        };
        let (first, _) = pieces.iter().enumerate().min_by_key(|(_, piece)| turn(piece))?;
        pieces.remove(first)
    }

    async fn deliver(&mut self, piece: &mut Piece, under_way: &mut UnderWay, has_others: bool) -> Step {
        if let Some(limit) = self.sender.max_request().filter(|&limit| piece.parcel.len() > limit) {
            return Step::TooLarge(format!("the limit is {limit}; raise max_request_size"));
        }
        loop {
            let route = Arc::clone(&self.route.borrow_and_update());
            let home = piece.home_by(&route.config);
            if let Some(spread) = &route.spread
                && home.is_none_or(|home| spread.has_moved(home, piece.tried))
            {
                return Step::Homeless;
            }
            let permit = match self
                .time(&route, home, piece.trial.due().max(route.sizes.not_before()))
                .await
            {
                Time::Changed => {
                    if !Arc::ptr_eq(&route, &self.route.borrow()) {
                        piece.trial = Trial::default(); // another destination
                    }
                    continue;
                }
                Time::Try(permit) => permit,
                Time::Until(deadline) => return self.try_last(&route, home, piece, under_way, deadline).await,
                Time::LastCall(end) => return self.try_in_last_call(&route, home, piece, under_way, end).await,
            };
            let Piece {
                parcel, trial, last, ..
            } = piece;
            if parcel.may_be_cut() && is_oversize(&route, parcel) {
                return Step::Halve;
            }
            if permit.is_probe() && parcel.len() > PROBE_BYTES && parcel.may_be_cut() {
                return Step::Probe;
            }
            let course = self.course.of_tries();
            let _try = begin_try(course.as_ref()).await;
            let request = match parcel.pack(&route.config).await {
                Ok(request) => request,
                Err(error) => return Step::Unpackable(error),
            };
            // Waiting for its turn and packing take time.
            if is_stale(&route, home, &permit) {
                continue;
            }
            if last.is_some() {
                under_way.tally().retry();
            }
            match self.attempt(&route, home, &request, under_way).await {
                Err(GaveUp { error, cause }) if waits(&error, cause) => {
                    let finding = self.find(trial, &error, parcel.may_be_cut());
                    let is_beside = self.stand() == Stand::Beside;
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
                    if finding == Finding::Guilty {
                        return Step::Guilty(error);
                    }
                    if is_beside {
                        trial.put_off(error.hint());
                    }
                    *last = Some(error);
                    // Those for other endpoints need not wait for this one.
                    if is_beside || (has_others && home.is_some()) {
                        return Step::Aside;
                    }
                }
                Err(gave_up) if gave_up.cause == Cause::Interrupted => {
                    drop(permit);
                    return judge(&route, parcel, Err(gave_up), last.take());
                }
                answer => {
                    permit.succeeded();
                    self.was_answered(answer.is_ok());
                    return judge(&route, parcel, answer, last.take());
                }
            }
        }
    }

    /// Tries a piece until then and no longer.
    async fn try_last(
        &mut self,
        route: &Route<D>,
        home: Option<usize>,
        piece: &mut Piece,
        under_way: &mut UnderWay,
        deadline: Instant,
    ) -> Step {
        if let Some(step) = presize(route, &piece.parcel) {
            return step;
        }
        if let (Some(home), Some(spread)) = (home, &route.spread) {
            let others = spread.others(home, piece.tried);
            if others > 0 {
                return self.try_once(route, home, others, piece, under_way, deadline).await;
            }
        }
        let Piece { parcel, last, .. } = piece;
        let request = match parcel.pack(&route.config).await {
            Ok(request) => request,
            Err(error) => return Step::Unpackable(error),
        };
        if last.is_some() {
            under_way.tally().retry();
        }
        let (policy, closing) = (self.sender.policy(), &mut self.closing);
        let answer = deliver(&route.at(home), &request, deadline, policy, closing, under_way.tally()).await;
        judge(route, parcel, answer, last.take())
    }

    /// Tries a piece a last time at an endpoint that is one of several: where it fails the others are tried, each for its share of the time.
    async fn try_once(
        &mut self,
        route: &Route<D>,
        home: usize,
        others: usize,
        piece: &mut Piece,
        under_way: &mut UnderWay,
        deadline: Instant,
    ) -> Step {
        piece.tried.add(home);
        let Ok(permit) = route.breaker(Some(home)).try_admit() else {
            return Step::Homeless; // it has just failed
        };
        let request = match piece.parcel.pack(&route.config).await {
            Ok(request) => request,
            Err(error) => return Step::Unpackable(error),
        };
        if piece.last.is_some() {
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
                piece.last = Some(error);
                Step::Homeless
            }
            Err(gave_up) if gave_up.cause == Cause::Interrupted => {
                drop(permit);
                judge(route, &piece.parcel, Err(gave_up), piece.last.take())
            }
            answer => {
                permit.succeeded();
                judge(route, &piece.parcel, answer, piece.last.take())
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

    /// Waits until it is time to try: with leave, since the destination has failed or not, and not before it is due; or a last time.
    async fn time<'r>(&mut self, route: &'r Route<D>, home: Option<usize>, due: Option<Instant>) -> Time<'r> {
        let lane = match &self.course {
            Course::Until(deadline) => return Time::Until(*deadline),
            Course::Driven(driven) => &driven.lane,
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
        if let (Some(spread), Some(home), Course::Driven(driven)) = (&route.spread, home, &self.course) {
            driven.standing.hold(spread.next(home).is_some());
        }
        let time = race(leave, race(race(ends, moves), changes(&mut self.route))).await;
        if let Course::Driven(driven) = &self.course {
            driven.standing.hold(false);
        }
        match time {
            Either::First(permit) => Time::Try(permit),
            Either::Second(_) => Time::Changed,
        }
    }

    /// Whether what was not delivered, at the end, stays where it outlives this process; it is done with nothing more then.
    fn keeps(&self, GaveUp { error, cause }: &GaveUp) -> bool {
        let is_kept = match &self.course {
            Course::Driven(driven) if waits(error, *cause) || *cause == Cause::Interrupted => {
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
            && let Course::Driven(driven) = &self.course
        {
            driven.lane.set_news();
        }
    }

    /// Tells people that items wait.
    fn say(&self, route: &Route<D>, error: &SendError) {
        if let Course::Driven(driven) = &self.course
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

/// Whether the items wait for better times. A certificate that is wrong, or a proxy that refuses, is no answer of the destination's, and is mended one day.
fn waits(error: &SendError, cause: Cause) -> bool {
    matches!(cause, Cause::Exhausted | Cause::TimedOut) || (cause == Cause::Final && error.is_before_the_backend())
}

/// Whether the destination, or somebody in front of it, has answered.
fn is_answer(error: &SendError) -> bool {
    match error {
        SendError::Status { .. } | SendError::Rpc { .. } => true,
        SendError::NoneWell { last: Some(last), .. } | SendError::Headers { last: Some(last) } => is_answer(last),
        _ => false,
    }
}

/// Ends when another value is there.
async fn changes<T>(channel: &mut watch::Receiver<T>) {
    if channel.changed().await.is_err() {
        std::future::pending::<()>().await; // there will be none
    }
}

async fn begin_try(course: Option<&(Arc<Standing>, usize)>) -> Option<Try<'_>> {
    let (standing, most) = course?;
    Some(standing.begin_try(*most).await)
}

/// Whether one of several endpoints has failed since it gave leave, while others were tried.
fn is_stale<D>(route: &Route<D>, home: Option<usize>, permit: &Permit<'_>) -> bool {
    let breaker = route.breaker(home);
    home.is_some() && !permit.is_probe() && (breaker.is_broken() || !breaker.may_try())
}

/// Whether the destination is known to take less, or no more than perhaps a single item.
fn is_oversize<D>(route: &Route<D>, parcel: &Parcel) -> bool {
    parcel.len() > route.sizes.limit() || route.sizes.takes_nothing()
}

/// What becomes of a part that has its last try, by its size alone: nobody waits for a destination that takes nothing, and it is not asked
/// for each item either.
fn presize<D>(route: &Route<D>, parcel: &Parcel) -> Option<Step> {
    if route.sizes.takes_nothing() && parcel.smallest().is_some_and(|bytes| route.sizes.is_hopeless(bytes)) {
        return Some(Step::Hopeless(route.sizes.refusal()));
    }
    (parcel.may_be_cut() && is_oversize(route, parcel)).then_some(Step::Halve)
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

fn judge<D>(route: &Route<D>, parcel: &Parcel, answer: Result<Accepted, GaveUp>, last: Option<SendError>) -> Step {
    match answer {
        Ok(accepted) => {
            route.sizes.passed(parcel.len());
            Step::Taken(accepted)
        }
        Err(GaveUp { error, .. }) if error.is_too_large() => {
            let why = error.to_string();
            if parcel.items() == 1 {
                route.sizes.refused_alone(&why);
            }
            route.sizes.too_large(parcel.len(), parcel.items() == 1);
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

fn unsent(signal: Signal, items: u64, why: &str) -> String {
    let names = signal.names().items;
    format!(
        "{items} {names} were not sent, each is too large: the backend has just refused single {names} of that size: {why}"
    )
}

fn too_large(signal: Signal, items: u64, bytes: usize, why: &str) -> String {
    match items {
        1 => format!("a {} of {bytes} bytes is too large: {why}", signal.names().item),
        _ => format!("a request of {bytes} bytes is too large and cannot be divided: {why}"),
    }
}
