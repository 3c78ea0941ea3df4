//! Where requests go.

use std::future::Future;

use bytes::Bytes;
use spanwire_net::{Tally, Trouble};
use spanwire_wire::Signal;
use tokio::time::Instant;

use crate::error::SendError;

/// One finished request; retries and several destinations share its bytes.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it carries, which decides on the path or the method.
    pub signal: Signal,
    /// The body as it goes out, compressed if at all.
    pub body: Bytes,
    /// Items in it: spans, log records, data points or profiles.
    pub items: u64,
}

/// A request that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Items the server refused; never to be sent again.
    pub rejected: u64,
    /// What the server said about them, or a warning when none was rejected.
    pub message: Option<String>,
    /// The answer's body was no OTLP response. It was accepted all the same.
    pub unreadable: bool,
}

/// A backend.
pub trait Destination {
    /// Sends `request` once and answers; gives connecting up by `deadline`. The future may be dropped at any time.
    fn attempt(
        &self,
        request: &Request,
        deadline: Instant,
        tally: &Tally,
    ) -> impl Future<Output = Result<Accepted, SendError>> + Send;

    /// As [`attempt`](Self::attempt), at one of its endpoints, by number, if it has several.
    fn attempt_at(
        &self,
        _endpoint: usize,
        request: &Request,
        deadline: Instant,
        tally: &Tally,
    ) -> impl Future<Output = Result<Accepted, SendError>> + Send {
        self.attempt(request, deadline, tally)
    }

    /// Whether it can be reached, by less than a request; gives up by `deadline`. One that cannot be asked is said to be.
    fn check(&self, _deadline: Instant) -> impl Future<Output = Result<(), SendError>> + Send {
        std::future::ready(Ok(()))
    }

    /// What people must hear though it may be used; to be asked after each try.
    fn trouble(&self) -> Option<Trouble> {
        None
    }
}
