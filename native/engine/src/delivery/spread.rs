//! [`Spread`]: several endpoints of which each has its own traces, so that what samples traces behind one of them sees them whole.
//!
//! Rendezvous hashing: an endpoint has a score for each trace, made of its name and the trace's id alone, and the trace is at home where
//! the score is highest. So all processes agree, in whatever order they name the endpoints; and when one is gone, its traces alone move, to
//! all others alike.

use std::sync::Arc;
use std::time::Duration;

use spanwire_transport::{Accepted, Breaker, Destination, Request, SendError, Tally};
use spanwire_wire::Signal;
use spanwire_wire::envelope::{self, Part};
use tokio::time::Instant;

/// For so long the answer to a probe is waited for before anything else, if that may be sent later only.
const PROBE: Duration = Duration::from_secs(2);

/// The endpoints, by number.
#[derive(Debug)]
pub struct Spread {
    homes: Vec<Home>,
}

#[derive(Debug)]
struct Home {
    seed: u64,
    breaker: Arc<Breaker>,
}

/// Endpoints that were tried in vain.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tried(u64);

impl Tried {
    pub fn add(&mut self, home: usize) {
        self.0 |= bit(home);
    }

    fn has(self, home: usize) -> bool {
        self.0 & bit(home) != 0
    }
}

/// Of more endpoints than a word has bits the last are taken for one.
fn bit(home: usize) -> u64 {
    1 << home.min(63)
}

impl Spread {
    /// Over endpoints by their names.
    pub fn new(endpoints: Vec<(String, Arc<Breaker>)>) -> Self {
        let homes = endpoints.into_iter().map(|(name, breaker)| Home {
            seed: hash(0, name.as_bytes()),
            breaker,
        });
        Self { homes: homes.collect() }
    }

    pub fn len(&self) -> usize {
        self.homes.len()
    }

    pub fn breaker(&self, home: usize) -> Option<&Breaker> {
        self.homes.get(home).map(|home| &*home.breaker)
    }

    /// Whether the last try failed everywhere.
    pub fn is_failing(&self) -> bool {
        self.homes.iter().all(|home| home.breaker.is_failing())
    }

    /// When a request may be tried at an endpoint; `None`: now. A probe is before all others, and may take long.
    pub fn next(&self, home: usize) -> Option<Instant> {
        let now = Instant::now();
        let breaker = self.breaker(home).filter(|breaker| !breaker.may_try())?;
        Some(breaker.next().unwrap_or(now + PROBE))
    }

    /// Whether who is tried there next is a probe, which may be in vain.
    pub fn is_broken(&self, home: usize) -> bool {
        self.breaker(home).is_some_and(Breaker::is_broken)
    }

    /// How many other endpoints may have its traces in the place of this one.
    pub fn others(&self, home: usize, tried: Tried) -> usize {
        self.count_others(home, tried, Breaker::is_away)
    }

    fn count_others(&self, home: usize, tried: Tried, is_away: impl Fn(&Breaker) -> bool) -> usize {
        let others = self.homes.iter().enumerate();
        others
            .filter(|(other, at)| *other != home && !tried.has(*other) && !is_away(&at.breaker))
            .count()
    }

    /// Whether an endpoint is away while others are not, so that they have its traces; or whether others are well while a probe is found
    /// out about, which alone returns there.
    pub fn has_moved(&self, home: usize, tried: Tried) -> bool {
        self.breaker(home).is_some_and(|breaker| {
            (breaker.is_away() && self.others(home, tried) > 0)
                || (is_doubtful(breaker) && self.count_others(home, tried, is_doubtful) > 0)
        })
    }

    /// Ends when the traces of an endpoint go to others.
    pub async fn moves(&self, home: usize) {
        match self.breaker(home) {
            // Who waits has not been tried a last time anywhere.
            Some(breaker) => breaker.turned(|| self.has_moved(home, Tried::default())).await,
            None => std::future::pending().await,
        }
    }

    /// Where traces are at home now: among the endpoints that are well and were not tried in vain, or, if there are none, those that are not
    /// away, or the others.
    pub fn homes(&self, tried: Tried) -> Homes {
        let usable = self.usable(tried);
        let homes = self.homes.iter().zip(usable);
        Homes(homes.map(|(home, usable)| usable.then_some(home.seed)).collect())
    }

    fn usable(&self, tried: Tried) -> Vec<bool> {
        let untried = |home: usize| !tried.has(home);
        let is_free = |home: usize| !is_doubtful(&self.homes[home].breaker);
        let is_in = |home: usize| !self.homes[home].breaker.is_away();
        let all = |which: &dyn Fn(usize) -> bool| (0..self.len()).map(which).collect::<Vec<_>>();
        let some = [
            all(&|home| untried(home) && is_free(home)),
            all(&|home| untried(home) && is_in(home)),
            all(&untried),
        ];
        let found = some.into_iter().find(|usable| usable.contains(&true));
        found.unwrap_or_else(|| all(&|_| true))
    }
}

/// The endpoints that traces may be at home at, at one moment: of each its seed, if it is one.
pub struct Homes(Vec<Option<u64>>);

impl Homes {
    /// Divides a request by where its traces are at home. Nothing if the request cannot be read.
    pub fn divide(&self, signal: Signal, request: &[u8]) -> Option<Vec<(usize, Part)>> {
        envelope::divide(signal, request, self.0.len(), |trace_id| self.of(trace_id))
    }

    /// The endpoint of what cannot be divided.
    pub fn any(&self) -> usize {
        self.of(&[])
    }

    fn of(&self, trace_id: &[u8]) -> usize {
        let scores = self.0.iter().map(|seed| seed.map(|seed| hash(seed, trace_id)));
        let best = scores.enumerate().filter_map(|(home, score)| Some((home, score?)));
        best.max_by_key(|&(_, score)| score).map_or(0, |(home, _)| home)
    }
}

/// Whether it is away, or a probe is to find out whether it is.
fn is_doubtful(breaker: &Breaker) -> bool {
    breaker.is_away() || breaker.is_probed()
}

/// Of 64 bits, all of which depend on each bit of the input; the same in all versions and on all machines, since each process of a service
/// must answer the same. The mixing is that of `SplitMix64`.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = seed ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = mix(hash ^ u64::from_le_bytes(word));
    }
    mix(hash)
}

fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A destination, at one of its endpoints if that is named.
pub struct At<'d, D>(pub &'d D, pub Option<usize>);

impl<D: Destination + Sync> Destination for At<'_, D> {
    async fn attempt(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        match self.1 {
            None => self.0.attempt(request, deadline, tally).await,
            Some(endpoint) => self.0.attempt_at(endpoint, request, deadline, tally).await,
        }
    }
}

#[cfg(test)]
mod tests;
