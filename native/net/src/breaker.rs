//! [`Breaker`]: whether a destination may be tried now, by what became of the tries before.
//!
//! After a failure nobody tries again before a back-off is over, or the wait that the server asked for. After several in a row one
//! tries at a time: a probe, whose success lets the others on. Of several endpoints one that is so broken is out: it is asked by a
//! connection alone, also by nobody's request, before a probe goes there.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::race::race;
use crate::retry::Backoff;

/// So long after a check a probe goes without another one.
const TRUSTED: Duration = Duration::from_secs(10);

/// While one is away whoever waits for it looks so often at the others.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Who asks for a longer wait than this is away for so long.
const LONG: Duration = Duration::from_secs(10);

/// Why a try failed, as far as it decides when the next one may be made.
pub trait Failure {
    /// How long the server asked us to wait: a lower bound of the back-off.
    fn hint(&self) -> Option<Duration>;

    /// The wait in the place of a back-off, where something else backs off already.
    fn wait(&self) -> Option<Duration>;
}

/// How a destination is seen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Health {
    /// It takes requests, or has failed a few times only.
    #[default]
    Closed,
    /// It has failed too often: nothing is sent for a while.
    Open,
    /// One request is under way to find out, or may be, since it could be connected to.
    HalfOpen,
}

impl Health {
    /// The name in statistics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Guards one destination. Used on one runtime, by any number of tasks.
#[derive(Debug)]
pub struct Breaker {
    threshold: u32,
    state: Mutex<State>,
    changed: Notify,
    went_out: Notify,
}

#[derive(Debug)]
struct State {
    backoff: Backoff,
    /// Failures since the last success.
    failures: u32,
    /// Nobody tries before.
    not_before: Option<Instant>,
    /// That is a long wait.
    is_long: bool,
    has_probe: bool,
    /// Since it failed too often, it could be connected to at this time.
    reached: Option<Instant>,
    /// Counts waits: of tries that began beside each other only the first failure makes it longer.
    epoch: u64,
}

/// Why nobody may try now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotNow {
    /// Somebody may at this time.
    Until(Instant),
    /// A probe is under way.
    Probing,
}

/// Leave to try once. Dropped without a word, nothing has become of the try.
#[derive(Debug)]
#[must_use]
pub struct Permit<'b> {
    breaker: &'b Breaker,
    epoch: u64,
    is_probe: bool,
    needs_check: bool,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new(Self::THRESHOLD, Backoff::default())
    }
}

impl Breaker {
    /// Failures in a row that open it.
    pub const THRESHOLD: u32 = 5;

    /// Opens after `threshold` failures in a row.
    #[must_use]
    pub fn new(threshold: u32, backoff: Backoff) -> Self {
        Self {
            threshold,
            state: Mutex::new(State {
                backoff,
                failures: 0,
                not_before: None,
                is_long: false,
                has_probe: false,
                reached: None,
                epoch: 0,
            }),
            changed: Notify::new(),
            went_out: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the destination is seen.
    #[must_use]
    pub fn health(&self) -> Health {
        let state = self.lock();
        match (
            state.failures >= self.threshold,
            state.has_probe || state.reached.is_some(),
        ) {
            (false, _) => Health::Closed,
            (true, false) => Health::Open,
            (true, true) => Health::HalfOpen,
        }
    }

    /// Whether the last try failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.lock().failures > 0
    }

    /// Whether it has failed too often, and could not be connected to since.
    #[must_use]
    pub fn is_out(&self) -> bool {
        let state = self.lock();
        state.failures >= self.threshold && state.reached.is_none()
    }

    /// Whether it is out, or has asked for a long wait that is not over: where several may be asked, the others do its part.
    #[must_use]
    pub fn is_away(&self) -> bool {
        let state = self.lock();
        let is_out = state.failures >= self.threshold && state.reached.is_none();
        is_out || (state.is_long && state.not_before.is_some_and(|time| Instant::now() < time))
    }

    /// Whether it has failed too often, so that who is let on next is a probe.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.lock().failures >= self.threshold
    }

    /// Whether a probe is under way.
    #[must_use]
    pub fn is_probed(&self) -> bool {
        let state = self.lock();
        state.failures >= self.threshold && state.has_probe
    }

    /// Ends when this has become true, as it may when the destination goes away or a probe begins.
    pub async fn turned(&self, is_so: impl Fn() -> bool) {
        loop {
            let turned = self.went_out.notified(); // from now on
            if is_so() {
                return;
            }
            if self.is_away() {
                race(turned, sleep(LOOK_AGAIN)).await; // others may be back
            } else {
                turned.await;
            }
        }
    }

    /// Ends when it is out.
    pub async fn out(&self) {
        loop {
            let went_out = self.went_out.notified(); // from now on
            if self.is_out() {
                return;
            }
            went_out.await;
        }
    }

    /// When somebody may try, in the past if now; nothing while a probe is under way, which decides.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        let state = self.lock();
        let is_probed = state.failures >= self.threshold && state.has_probe;
        (!is_probed).then(|| state.not_before.unwrap_or_else(Instant::now))
    }

    /// Whether somebody may try now.
    #[must_use]
    pub fn may_try(&self) -> bool {
        self.next().is_some_and(|time| time <= Instant::now())
    }

    /// Leave to try now, or when to ask again.
    pub fn try_admit(&self) -> Result<Permit<'_>, NotNow> {
        let mut state = self.lock();
        if let Some(time) = state.not_before.filter(|&time| Instant::now() < time) {
            return Err(NotNow::Until(time));
        }
        let is_probe = state.failures >= self.threshold;
        if is_probe && state.has_probe {
            return Err(NotNow::Probing);
        }
        state.has_probe |= is_probe;
        if is_probe {
            self.went_out.notify_waiters();
        }
        Ok(Permit {
            breaker: self,
            epoch: state.epoch,
            is_probe,
            needs_check: is_probe && state.reached.is_none_or(|at| at.elapsed() > TRUSTED),
        })
    }

    /// Waits for leave to try. Whoever asks first is let on first.
    pub async fn admit(&self) -> Permit<'_> {
        loop {
            let changed = self.changed.notified(); // from now on
            match self.try_admit() {
                Ok(permit) => return permit,
                Err(NotNow::Until(time)) => {
                    race(sleep_until(time), changed).await;
                }
                Err(NotNow::Probing) => changed.await,
            }
        }
    }
}

impl State {
    fn put_off(&mut self, delay: Duration) {
        self.not_before = Some(Instant::now() + delay);
        self.is_long = delay > LONG;
    }
}

impl Permit<'_> {
    /// Whether all others wait for this try.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.is_probe
    }

    /// Whether it should be connected to first, where others can be asked instead.
    #[must_use]
    pub fn needs_check(&self) -> bool {
        self.needs_check
    }

    /// It could be connected to: the next probe may go there.
    pub fn reached(self) {
        let mut state = self.breaker.lock();
        state.reached = Some(Instant::now());
        if self.epoch == state.epoch {
            state.not_before = None;
        }
    }

    /// The destination has answered, though perhaps with a refusal: it is there.
    pub fn succeeded(self) {
        let mut state = self.breaker.lock();
        state.failures = 0;
        state.reached = None;
        // A try that began later has failed meanwhile: the wait that it met holds.
        if self.epoch == state.epoch {
            state.not_before = None;
            state.backoff.reset();
        }
    }

    /// It was not reached, or said "later", perhaps when.
    pub fn failed(self, hint: Option<Duration>) {
        let mut state = self.fail();
        if self.epoch == state.epoch {
            state.epoch += 1;
            let delay = state.backoff.after(hint, fastrand::f64());
            state.put_off(delay);
        } else if let Some(hint) = hint {
            let delay = state.backoff.after(Some(hint), fastrand::f64());
            if state.not_before < Some(Instant::now() + delay) {
                state.put_off(delay);
            }
        }
        if state.is_long {
            self.breaker.went_out.notify_waiters();
        }
    }

    /// As [`failed`](Self::failed), by an error.
    pub fn failed_by(self, error: &impl Failure) {
        let Some(wait) = error.wait() else {
            return self.failed(error.hint());
        };
        let mut state = self.fail();
        state.epoch += u64::from(self.epoch == state.epoch);
        state.put_off(wait);
    }

    fn fail(&self) -> MutexGuard<'_, State> {
        let mut state = self.breaker.lock();
        state.failures = state.failures.saturating_add(1);
        state.reached = None;
        if state.failures >= self.breaker.threshold {
            self.breaker.went_out.notify_waiters();
        }
        state
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.lock().has_probe = false;
        }
        self.breaker.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
