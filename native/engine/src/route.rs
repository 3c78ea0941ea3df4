//! [`Route`]: a destination by one configuration, and what is known about it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use spanwire_transport::{Breaker, Config};
use tokio::time::Instant;

use crate::sizes::Sizes;

/// That spans wait is said so often at most.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Where requests of a client go.
#[derive(Debug)]
pub struct Route<D> {
    pub config: Arc<Config>,
    pub destination: D,
    pub breaker: Arc<Breaker>,
    pub sizes: Sizes,
    said: Mutex<Option<Instant>>,
}

impl<D> Route<D> {
    pub fn new(config: Arc<Config>, destination: D) -> Self {
        Self {
            config,
            destination,
            breaker: Arc::default(),
            sizes: Sizes::default(),
            said: Mutex::default(),
        }
    }

    /// Whether people should hear now that spans wait.
    pub fn may_say(&self) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let may = said.is_none_or(|said| now.duration_since(said) >= SAY_AGAIN);
        if may {
            *said = Some(now);
        }
        may
    }
}
