//! [`Stop`]: whether to go on; and how fast.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whether what was begun then, in nanoseconds since the Unix epoch, is older than `max_age`. A clock that was put back makes nothing old.
pub fn is_past(begun: u64, max_age: Option<Duration>) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = now.saturating_sub(Duration::from_nanos(begun));
    begun > 0 && max_age.is_some_and(|most| age > most)
}

/// Ends something early.
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
    pub fn is_set(&self) -> bool {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long for it to be set; whether it was.
    pub fn wait(&self, limit: Duration) -> bool {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.was_set.wait_timeout_while(is_set, limit, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
