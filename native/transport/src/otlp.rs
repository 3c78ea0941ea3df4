//! The one kind of destination that the worker knows: whichever protocol its configuration names.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Config;
use crate::destination::{Accepted, Destination, Request};
use crate::error::SendError;
use crate::grpc::GrpcDestination;
use crate::http::HttpDestination;
use spanwire_net::Tally;
use spanwire_net::trouble::{Subject, Trouble};
use spanwire_wire::Protocol;

/// So many newer headers may be refused; then the request is.
const MOST_REFUSED: usize = 3;

/// A request that waits for headers gives up so long before its time is over.
const ANSWERED_BEFORE: Duration = Duration::from_millis(50);

/// A backend over the protocol that its configuration names. Belongs to one runtime: it is made where it is used, and again in a
/// forked child.
pub enum OtlpDestination {
    /// Over HTTP/1.1.
    Http(HttpDestination),
    /// Over gRPC.
    Grpc(GrpcDestination),
}

impl OtlpDestination {
    /// A destination without connections yet.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        match config.protocol() {
            Protocol::Grpc => Self::Grpc(GrpcDestination::new(config)),
            Protocol::HttpJson | Protocol::HttpProtobuf => Self::Http(HttpDestination::new(config)),
        }
    }

    /// Where to and how.
    #[must_use]
    pub fn config(&self) -> &Config {
        match self {
            Self::Http(http) => http.config(),
            Self::Grpc(grpc) => grpc.config(),
        }
    }

    /// Closes kept connections, now and when they become idle.
    pub fn close(&self) {
        match self {
            Self::Http(http) => http.close(),
            Self::Grpc(grpc) => grpc.close(),
        }
    }
}

impl OtlpDestination {
    async fn send(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        match self {
            Self::Http(http) => http.attempt(request, deadline, tally).await,
            Self::Grpc(grpc) => grpc.attempt(request, deadline, tally).await,
        }
    }
}

impl Destination for OtlpDestination {
    /// Where headers change it waits for the first, and for newer ones where those were refused.
    async fn attempt(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        let Some(fresh) = self.config().peer.fresh() else {
            return self.send(request, deadline, tally).await;
        };
        // Before the deadline, so that the answer says what it waited for.
        let by = deadline.checked_sub(ANSWERED_BEFORE).unwrap_or(deadline);
        let mut last = None;
        let mut generation = 0;
        for _ in 0..=MOST_REFUSED {
            let Some(newer) = fresh.newer(generation, by).await else {
                return Err(SendError::Headers {
                    last: last.map(Box::new),
                });
            };
            generation = newer;
            if last.is_some() {
                tally.retry();
            }
            match self.send(request, deadline, tally).await {
                Err(error) if error.is_about_credentials() => {
                    fresh.refused(generation);
                    last = Some(error);
                }
                answer => return answer,
            }
        }
        Err(last.unwrap_or(SendError::Headers { last: None }))
    }

    async fn check(&self, deadline: Instant) -> Result<(), SendError> {
        match self {
            Self::Grpc(grpc) => grpc.check(deadline).await,
            Self::Http(http) => http.check(deadline).await,
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        let dialer = match self {
            Self::Http(http) => http.dialer(),
            Self::Grpc(grpc) => grpc.dialer(),
        };
        let headers = || {
            let message = self.config().peer.fresh()?.trouble()?;
            let subject = Subject::Headers;
            Some(Trouble { subject, message })
        };
        dialer.trouble().or_else(headers)
    }
}
