//! A wrong answer, or none: what a server does with a request where its consumer orders it, for tests of clients.

use std::time::Duration;

use bytes::Bytes;

/// How one request is answered instead of as it should be. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fault {
    /// This status instead of the right one.
    pub status: Option<u16>,
    /// Time between the request's last byte and the answer's first.
    pub delay: Duration,
    /// The Retry-After header: seconds or an HTTP date.
    pub retry_after: Option<String>,
    /// No answer at all, or half a one.
    pub disconnect: Option<Disconnect>,
    /// When the disconnect happens.
    pub stage: Stage,
    /// The HTTP/2 error code of a GOAWAY or `RST_STREAM`.
    pub error_code: u32,
    /// Instead of the right one, this gRPC status, in an answer that is trailers only.
    pub grpc_status: Option<u32>,
    /// The `RetryInfo` in grpc-status-details-bin.
    pub retry_delay: Option<Duration>,
    /// The answer's Content-Type.
    pub content_type: Option<String>,
    /// These bytes as the answer's body.
    pub body: Option<Bytes>,
    /// The answer's body is filled up to this many bytes.
    pub body_size: Option<u64>,
    /// The answer's body comes in pieces of this many bytes …
    pub chunk_size: Option<usize>,
    /// … with this time before each.
    pub chunk_delay: Duration,
    /// Items reported as rejected in a partial success.
    pub rejected: u64,
    /// The text of the partial success, or of the Status when the status is not 2xx.
    pub message: Option<String>,
}

/// Ways to end a connection, or an HTTP/2 stream, badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// An orderly end (FIN) instead of an answer.
    Close,
    /// A reset (RST) instead of an answer.
    Reset,
    /// Our direction is ended (FIN), the other is read until the client closes.
    HalfClose,
    /// The answer's headers promise a body of which only half comes.
    Truncate,
    /// GOAWAY that takes no request, then an orderly end. On HTTP/1.1 the end alone.
    GoAway,
    /// GOAWAY, then the right answer: the client must connect anew. On HTTP/1.1 `Connection: close`.
    GoAwayAfter,
    /// `RST_STREAM`; the connection goes on. On HTTP/1.1 an orderly end.
    ResetStream,
    /// The request's body is never read, so its window stays full, and it is never answered.
    Stall,
    /// Nothing of the connection is read or written any more, pings included; it stays open.
    Freeze,
}

/// When a disconnect happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// As soon as the next connection is made, before TLS: no request meets such a step.
    Connect,
    /// When a request's headers have come.
    Head,
    /// When a request has come whole.
    #[default]
    Body,
    /// When half of the answer is sent.
    Answer,
}

impl Fault {
    /// Whether the client is told that its request was accepted.
    #[must_use]
    pub fn accepts(&self) -> bool {
        matches!(self.disconnect, None | Some(Disconnect::GoAwayAfter)) && self.says_success()
    }

    /// Whether the request's connection ends before the request is read.
    #[must_use]
    pub fn is_before_body(&self) -> bool {
        self.before_body().is_some()
    }

    /// Whether the answer reports a partial success.
    #[must_use]
    pub fn is_partial_success(&self) -> bool {
        self.says_success() && (self.rejected > 0 || self.message.is_some())
    }

    /// How the request's connection ends before the request is read.
    pub(crate) fn before_body(&self) -> Option<Disconnect> {
        self.disconnect
            .filter(|kind| *kind == Disconnect::Stall || self.stage == Stage::Head)
    }

    /// How the request's connection ends instead of an answer.
    pub(crate) fn instead_of_answer(&self) -> Option<Disconnect> {
        self.disconnect
            .filter(|kind| *kind != Disconnect::GoAwayAfter && self.inside_answer().is_none())
    }

    /// How the request's connection ends inside the answer.
    pub(crate) fn inside_answer(&self) -> Option<Disconnect> {
        self.disconnect.filter(|kind| match kind {
            Disconnect::GoAwayAfter => false,
            Disconnect::Truncate => true,
            _ => self.stage == Stage::Answer,
        })
    }

    fn says_success(&self) -> bool {
        self.status.is_none_or(|status| (200..300).contains(&status)) && self.grpc_status.is_none_or(|code| code == 0)
    }
}
