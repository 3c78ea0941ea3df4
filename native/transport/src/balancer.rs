//! [`Balancer`]: several destinations as one.
//!
//! Each has a breaker of its own. A try goes to the first that may be tried, in an order that the strategy makes; where it fails the
//! next one is tried at once, within the same deadline. One that has failed too often is asked by a connection alone, every few seconds,
//! before it is given spans again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::destination::{Accepted, Destination, Request};
use crate::error::SendError;
use spanwire_net::Tally;
use spanwire_net::breaker::{Breaker, NotNow, Permit};
use spanwire_net::retry::Backoff;
use spanwire_net::trouble::Trouble;

/// Which destination is tried first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strategy {
    /// Each in its turn.
    #[default]
    RoundRobin,
    /// The first that is well, in the order in which they were given.
    Failover,
    /// The one with the fewest requests under way.
    LeastLoaded,
    /// Each trace has its own. Who makes requests divides them and says which is meant: see [`Destination::attempt_at`].
    TraceId,
}

impl Strategy {
    /// The strategy of this name: `round_robin`, `failover`, `least_loaded` or `trace_id`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "round_robin" => Some(Self::RoundRobin),
            "failover" => Some(Self::Failover),
            "least_loaded" => Some(Self::LeastLoaded),
            "trace_id" => Some(Self::TraceId),
            _ => None,
        }
    }
}

/// Failures in a row after which the traces of one go to others, which were not tried meanwhile.
const OUT_OF_TRACES: u32 = 3;

/// How long one that was broken may take to show that it is there.
const CHECK: Duration = Duration::from_secs(2);

/// Several destinations that mean the same.
#[derive(Debug)]
pub struct Balancer<D> {
    members: Vec<Arc<Member<D>>>,
    strategy: Strategy,
    turn: AtomicUsize,
    watchers: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Member<D> {
    destination: D,
    breaker: Arc<Breaker>,
    under_way: AtomicUsize,
}

/// Counts a request as under way as long as it lives.
struct UnderWay<'m>(&'m AtomicUsize);

impl<'m> UnderWay<'m> {
    fn new(count: &'m AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<D> Balancer<D> {
    /// Of at least one destination.
    pub fn new(destinations: impl IntoIterator<Item = D>, strategy: Strategy) -> Self {
        let members = destinations.into_iter().map(|destination| {
            Arc::new(Member {
                destination,
                breaker: Arc::new(match strategy {
                    Strategy::TraceId => Breaker::new(OUT_OF_TRACES, Backoff::default()),
                    _ => Breaker::default(),
                }),
                under_way: AtomicUsize::new(0),
            })
        });
        Self {
            members: members.collect(),
            strategy,
            turn: AtomicUsize::new(0),
            watchers: Mutex::default(),
        }
    }

    /// The destinations, in the order in which they were given, and whether each is tried.
    pub fn members(&self) -> impl Iterator<Item = (&D, &Arc<Breaker>)> {
        self.members.iter().map(|member| (&member.destination, &member.breaker))
    }

    /// Asks nobody any more but by requests.
    pub fn close(&self) {
        self.watchers().abort_all();
    }

    fn watchers(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom to try, first to last.
    fn order(&self) -> Vec<&Member<D>> {
        let mut order: Vec<_> = self.members.iter().map(|member| &**member).collect();
        if matches!(self.strategy, Strategy::RoundRobin | Strategy::LeastLoaded) && !order.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % order.len();
            order.rotate_left(turn);
        }
        if self.strategy == Strategy::LeastLoaded {
            order.sort_by_key(|member| member.under_way.load(Ordering::Relaxed)); // stable
        }
        order
    }

    /// None takes the request, for this last reason: when the first of them may be asked again.
    fn none_well(&self, last: Option<SendError>) -> SendError {
        let now = Instant::now();
        // One that is being probed may be back as soon as that has an answer.
        let times = self
            .members
            .iter()
            .map(|member| member.breaker.next().unwrap_or(now + CHECK));
        SendError::NoneWell {
            retry_after: times.min().map(|time| time.saturating_duration_since(now)),
            // Said by one of several, it does not mean that the time of all is over.
            last: last.filter(|last| !matches!(last, SendError::TimedOut)).map(Box::new),
        }
    }
}

impl<D: Destination + Send + Sync + 'static> Balancer<D> {
    /// From now on those that are out are asked, by a connection every few seconds, whether they are back; those that are well are left
    /// alone. On the caller's runtime, until this is closed or dropped.
    pub fn watch(&self) {
        let mut watchers = self.watchers();
        for member in &self.members {
            watchers.spawn(watch(Arc::clone(member)));
        }
    }
}

async fn watch<D: Destination + Send + Sync>(member: Arc<Member<D>>) {
    loop {
        member.breaker.out().await;
        let permit = member.breaker.admit().await;
        // A request may have found out meanwhile.
        if permit.needs_check() {
            match member.check(Instant::now() + CHECK).await {
                Ok(()) => permit.reached(),
                Err(error) => permit.failed(error.hint()),
            }
        }
    }
}

impl<D: Destination + Send + Sync> Member<D> {
    async fn check(&self, until: Instant) -> Result<(), SendError> {
        let check = timeout_at(until, self.destination.check(until)).await;
        check.unwrap_or(Err(SendError::TimedOut))
    }

    /// Tries here, in a share of the time until the deadline. What is here for all is the inner result; else others may be tried.
    async fn attempt(
        &self,
        permit: Permit<'_>,
        share: u32,
        (request, deadline, tally): (&Request, Instant, &Tally),
    ) -> Result<Result<Accepted, SendError>, SendError> {
        let _under_way = UnderWay::new(&self.under_way);
        // One that does not answer leaves time to those after it.
        let until = || {
            let now = Instant::now();
            now + deadline.saturating_duration_since(now) / share
        };
        if permit.needs_check()
            && let Err(error) = self.check(until().min(Instant::now() + CHECK)).await
        {
            permit.failed(error.hint());
            return Err(error);
        }
        let until = until();
        let answer = timeout_at(until, self.destination.attempt(request, until, tally)).await;
        match answer.unwrap_or(Err(SendError::TimedOut)) {
            Err(error) if is_no_answer(&error) => {
                permit.failed(error.hint());
                Err(error)
            }
            // It is there, whatever it says.
            answer => {
                permit.succeeded();
                Ok(answer)
            }
        }
    }
}

/// Whether another one may do what this one did not. A certificate that is wrong is no answer, and none of the others'.
fn is_no_answer(error: &SendError) -> bool {
    error.is_retryable() || error.is_before_the_backend() || matches!(error, SendError::TimedOut)
}

impl<D: Destination + Send + Sync> Destination for Balancer<D> {
    async fn attempt(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        let order = self.order();
        let mut last = None;
        let mut probed = Vec::new();
        for (number, member) in order.iter().enumerate() {
            let permit = match member.breaker.try_admit() {
                Ok(permit) => permit,
                Err(NotNow::Until(_)) => continue,
                Err(NotNow::Probing) => {
                    probed.push(*member);
                    continue;
                }
            };
            let others = order[number + 1..].iter().filter(|other| other.breaker.may_try());
            let share = u32::try_from(others.count() + 1).unwrap_or(u32::MAX);
            match member.attempt(permit, share, (request, deadline, tally)).await {
                Ok(answer) => return answer,
                Err(error) => last = Some(error),
            }
        }
        // Nobody else may be asked: what is being found out of these decides.
        let mut left = if last.is_none() { probed.len() } else { 0 };
        for member in probed.into_iter().take(left) {
            if let Ok(permit) = timeout_at(deadline.min(Instant::now() + CHECK), member.breaker.admit()).await {
                let share = u32::try_from(left).unwrap_or(u32::MAX);
                match member.attempt(permit, share, (request, deadline, tally)).await {
                    Ok(answer) => return answer,
                    Err(error) => last = Some(error),
                }
            }
            left -= 1;
        }
        Err(self.none_well(last))
    }

    async fn attempt_at(
        &self,
        endpoint: usize,
        request: &Request,
        deadline: Instant,
        tally: &Tally,
    ) -> Result<Accepted, SendError> {
        match self.members.get(endpoint) {
            Some(member) => {
                let _under_way = UnderWay::new(&member.under_way);
                member.destination.attempt(request, deadline, tally).await
            }
            None => self.attempt(request, deadline, tally).await,
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        self.members.iter().find_map(|member| member.destination.trouble())
    }
}

#[cfg(test)]
mod tests;
