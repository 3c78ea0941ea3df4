//! The one kind of destination that the worker knows: whichever protocol its configuration names.

use std::sync::Arc;

use tokio::time::Instant;

use crate::config::Config;
use crate::destination::{Accepted, Destination, Request, Tally};
use crate::error::SendError;
use crate::grpc::GrpcDestination;
use crate::http::HttpDestination;
use crate::protocol::Protocol;

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

impl Destination for OtlpDestination {
    async fn attempt(&self, request: &Request, deadline: Instant, tally: &Tally) -> Result<Accepted, SendError> {
        match self {
            Self::Http(http) => http.attempt(request, deadline, tally).await,
            Self::Grpc(grpc) => grpc.attempt(request, deadline, tally).await,
        }
    }

    async fn check(&self, deadline: Instant) -> Result<(), SendError> {
        match self {
            Self::Grpc(grpc) => grpc.check(deadline).await,
            Self::Http(http) => http.check(deadline).await,
        }
    }
}
