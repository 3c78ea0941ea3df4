//! [`Balancer`]: several destinations as one.
//!
//! Each has a breaker of its own. A try goes to the first that may be tried, in an order that the strategy makes; where it fails the
//! next one is tried at once, within the same deadline. One that has failed too often is asked by a connection alone before it is
//! given spans again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::breaker::{Breaker, Health, NotNow};
use crate::destination::{Accepted, Destination, Request, Tally};
use crate::error::SendError;

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
}

impl Strategy {
    /// The strategy of this name: `round_robin`, `failover` or `least_loaded`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "round_robin" => Some(Self::RoundRobin),
            "failover" => Some(Self::Failover),
            "least_loaded" => Some(Self::LeastLoaded),
            _ => None,
        }
    }
}

/// How long one that was broken may take to show that it is there.
const CHECK: Duration = Duration::from_secs(2);

/// Several destinations that mean the same.
#[derive(Debug)]
pub struct Balancer<D> {
    members: Vec<Member<D>>,
    strategy: Strategy,
    turn: AtomicUsize,
}

#[derive(Debug)]
struct Member<D> {
    destination: D,
    breaker: Breaker,
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
        let members = destinations.into_iter().map(|destination| Member {
            destination,
            breaker: Breaker::default(),
            under_way: AtomicUsize::new(0),
        });
        Self {
            members: members.collect(),
            strategy,
            turn: AtomicUsize::new(0),
        }
    }

    /// The destinations and how each is seen, in the order in which they were given.
    pub fn members(&self) -> impl Iterator<Item = (&D, Health)> {
        self.members
            .iter()
            .map(|member| (&member.destination, member.breaker.health()))
    }

    /// Whom to try, first to last.
    fn order(&self) -> Vec<&Member<D>> {
        let mut order: Vec<_> = self.members.iter().collect();
        if self.strategy != Strategy::Failover && !order.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % order.len();
            order.rotate_left(turn);
        }
        if self.strategy == Strategy::LeastLoaded {
            order.sort_by_key(|member| member.under_way.load(Ordering::Relaxed)); // stable
        }
        order
    }
}

impl<D: Destination + Send + Sync> Destination for Balancer<D> {
    async fn attempt(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        let order = self.order();
        let mut last = None;
        let mut soonest: Option<Instant> = None;
        for (number, member) in order.iter().enumerate() {
            let permit = match member.breaker.try_admit() {
                Ok(permit) => permit,
                Err(NotNow::Until(time)) => {
                    soonest = Some(soonest.map_or(time, |soonest| soonest.min(time)));
                    continue;
                }
                Err(NotNow::Probing) => continue,
            };
            let _under_way = UnderWay::new(&member.under_way);
            // One that does not answer leaves time to those after it.
            let now = Instant::now();
            let left = u32::try_from(order.len() - number).unwrap_or(u32::MAX);
            let mut until = now + deadline.saturating_duration_since(now) / left;
            if permit.is_probe() {
                let check = timeout_at(until.min(now + CHECK), member.destination.check(until)).await;
                if let Err(error) = check.unwrap_or(Err(SendError::TimedOut)) {
                    permit.failed(error.hint());
                    last = Some(error);
                    continue;
                }
                let now = Instant::now();
                until = now + deadline.saturating_duration_since(now) / left;
            }
            let answer = timeout_at(until, member.destination.attempt(request, until, tally)).await;
            match answer.unwrap_or(Err(SendError::TimedOut)) {
                Err(error) if error.is_retryable() || matches!(error, SendError::TimedOut) => {
                    permit.failed(error.hint());
                    last = Some(error);
                }
                // It is there, whatever it says.
                answer => {
                    permit.succeeded();
                    return answer;
                }
            }
        }
        let retry_after = soonest.map(|time| time.saturating_duration_since(Instant::now()));
        Err(match last {
            // Said by one of several, it does not mean that the time of all is over.
            None | Some(SendError::TimedOut) => SendError::NoneWell { retry_after },
            Some(error) => error,
        })
    }
}

#[cfg(test)]
mod tests;
