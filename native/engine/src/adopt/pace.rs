//! [`Pace`] and [`Stop`]: how fast, and whether to go on.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How fast, and whether to go on.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Spans a second at most; 0: as fast as they are taken.
    pub spans_per_second: u64,
    /// Blocks that were begun longer ago are dropped, and counted.
    pub max_age: Option<Duration>,
    /// Set to end early; what is not delivered by then stays.
    pub stop: Arc<Stop>,
}

impl Pace {
    pub(super) fn is_over(&self) -> bool {
        self.stop.is_set()
    }

    /// Whether what was begun then is too old. A clock that was put back makes nothing old.
    pub(super) fn is_past(&self, begun: u64) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = now.saturating_sub(Duration::from_nanos(begun));
        begun > 0 && self.max_age.is_some_and(|most| age > most)
    }
}

/// Ends an adoption early.
#[derive(Debug, Default)]
pub struct Stop {
    is_set: Mutex<bool>,
    was_set: Condvar,
}

impl Stop {
    /// From now on.
    pub fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.was_set.notify_all();
    }

    /// Whether it was set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long for it to be set; whether it was.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> bool {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.was_set.wait_timeout_while(is_set, limit, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
