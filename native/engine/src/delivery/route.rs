//! [`Route`]: a destination by one configuration, and what is known about it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use spanwire_transport::{Breaker, Config};
use tokio::time::Instant;

use crate::delivery::sizes::Sizes;
use crate::delivery::spread::{At, Spread};

/// That items wait is said so often at most.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Where requests of a client go.
#[derive(Debug)]
pub struct Route<D> {
    pub config: Arc<Config>,
    pub destination: D,
    pub breaker: Arc<Breaker>,
    pub sizes: Sizes,
    /// If each trace has an endpoint of its own.
    pub spread: Option<Spread>,
    said: Mutex<Option<Instant>>,
}

impl<D> Route<D> {
    pub fn new(config: Arc<Config>, destination: D) -> Self {
        Self {
            config,
            destination,
            breaker: Arc::default(),
            sizes: Sizes::default(),
            spread: None,
            said: Mutex::default(),
        }
    }

    /// The same, where each trace has one of these endpoints.
    pub fn spread_over(self, spread: Spread) -> Self {
        Self {
            spread: Some(spread),
            ..self
        }
    }

    /// How many endpoints have requests of their own.
    pub fn homes(&self) -> usize {
        self.spread.as_ref().map_or(1, Spread::len)
    }

    /// Of this endpoint, or of all.
    pub fn breaker(&self, home: Option<usize>) -> &Breaker {
        let own = self
            .spread
            .as_ref()
            .zip(home)
            .and_then(|(spread, home)| spread.breaker(home));
        own.unwrap_or(&self.breaker)
    }

    /// Whether the last tries failed everywhere.
    pub fn is_failing(&self) -> bool {
        self.spread
            .as_ref()
            .map_or_else(|| self.breaker.is_failing(), Spread::is_failing)
    }

    /// Where requests for this endpoint go.
    pub fn at(&self, home: Option<usize>) -> At<'_, D> {
        At(&self.destination, home)
    }

    /// Whether people should hear now that items wait.
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
