//! [`Target`]: one endpoint, or several that mean the same.

use std::sync::Arc;

use spanwire_transport::{
    Accepted, Balancer, Breaker, Config, Destination, OtlpDestination, Request, SendError, Tally, Trouble,
};
use tokio::time::Instant;

/// Where requests by one configuration go.
pub enum Target {
    One(Box<OtlpDestination>),
    Several(Balancer<OtlpDestination>),
}

impl Target {
    /// Without connections yet.
    pub fn new(config: &Arc<Config>) -> Self {
        let one = OtlpDestination::new(Arc::clone(config));
        if config.others().is_empty() {
            return Self::One(Box::new(one));
        }
        let others = config
            .others()
            .iter()
            .map(|other| OtlpDestination::new(Arc::clone(other)));
        let several = Balancer::new(std::iter::once(one).chain(others), config.strategy());
        several.watch();
        Self::Several(several)
    }

    /// Its endpoints and whether each is tried, if they are several.
    pub fn breakers(&self) -> Vec<(String, Arc<Breaker>)> {
        let Self::Several(several) = self else {
            return Vec::new();
        };
        let members = several.members();
        members
            .map(|(one, breaker)| (one.config().endpoint_name().to_owned(), Arc::clone(breaker)))
            .collect()
    }

    /// Closes kept connections, now and when they become idle.
    pub fn close(&self) {
        match self {
            Self::One(one) => one.close(),
            Self::Several(several) => {
                several.close();
                several.members().for_each(|(one, _)| one.close());
            }
        }
    }
}

impl Destination for Target {
    async fn attempt(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        match self {
            Self::One(one) => one.attempt(request, deadline, tally).await,
            Self::Several(several) => several.attempt(request, deadline, tally).await,
        }
    }

    async fn attempt_at(
        &self,
        endpoint: usize,
        request: &Request,
        deadline: Instant,
        tally: &Tally,
    ) -> Result<Accepted, SendError> {
        match self {
            Self::One(one) => one.attempt(request, deadline, tally).await,
            Self::Several(several) => several.attempt_at(endpoint, request, deadline, tally).await,
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::One(one) => one.trouble(),
            Self::Several(several) => several.trouble(),
        }
    }
}
