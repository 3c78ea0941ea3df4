//! Misbehaviour that a test orders: what, for how many requests, in which order.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
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
    /// Spans reported as rejected in a partial success.
    pub rejected: u64,
    /// The text of the partial success, or of the Status when the status is not 2xx.
    pub message: Option<String>,
    /// Whether the request is kept and counted. By default as the answer says: if it is a 2xx that arrives.
    pub keep: Option<bool>,
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
    /// Whether the request counts as received.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.keep
            .unwrap_or_else(|| matches!(self.disconnect, None | Some(Disconnect::GoAwayAfter)) && self.says_success())
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

/// The schedule: each arriving request takes the next step.
#[derive(Debug, Default)]
pub struct Faults(Mutex<VecDeque<Step>>);

#[derive(Debug)]
struct Step {
    fault: Option<Fault>,
    /// None is for ever.
    times: Option<u64>,
}

impl Step {
    fn is_for_connection(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.stage == Stage::Connect)
    }
}

impl Faults {
    /// Adds a step at the end: this fault, or none, for so many requests, or for ever.
    pub fn push(&self, fault: Option<Fault>, times: Option<u64>) {
        if times != Some(0) {
            self.lock().push_back(Step { fault, times });
        }
    }

    /// What the next request meets. A step for a connection stays for the next one.
    pub fn next(&self) -> Option<Fault> {
        self.take(|step| !step.is_for_connection())
    }

    /// What a new connection meets.
    pub(crate) fn next_for_connection(&self) -> Option<Fault> {
        self.take(Step::is_for_connection)
    }

    fn take(&self, wanted: impl Fn(&Step) -> bool) -> Option<Fault> {
        let mut steps = self.lock();
        let step = steps.front_mut().filter(|step| wanted(step))?;
        let fault = step.fault.clone();
        if let Some(times) = &mut step.times {
            *times -= 1;
            if *times == 0 {
                steps.pop_front();
            }
        }
        fault
    }

    /// Requests that the schedule still covers; None when one of its steps has no end.
    #[must_use]
    pub fn pending(&self) -> Option<u64> {
        self.lock().iter().map(|step| step.times).sum()
    }

    /// Forgets the schedule.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Step>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Fault {
        Fault {
            status: Some(status),
            ..Fault::default()
        }
    }

    #[test]
    fn steps_are_taken_in_order_and_as_often_as_asked() {
        let faults = Faults::default();
        faults.push(Some(status(503)), Some(2));
        faults.push(None, Some(1));
        faults.push(Some(status(400)), Some(1));
        assert_eq!(faults.pending(), Some(4));
        let met: Vec<_> = (0..5).map(|_| faults.next().and_then(|fault| fault.status)).collect();
        assert_eq!(met, [Some(503), Some(503), None, Some(400), None]);
    }

    #[test]
    fn endless_step_lasts_until_cleared() {
        let faults = Faults::default();
        faults.push(Some(status(500)), None);
        assert_eq!(faults.pending(), None);
        assert!((0..100).all(|_| faults.next().is_some()));
        faults.clear();
        assert_eq!(faults.next(), None);
        assert_eq!(faults.pending(), Some(0));
    }

    #[test]
    fn step_for_a_connection_waits_for_one() {
        let faults = Faults::default();
        let connect = Fault {
            stage: Stage::Connect,
            disconnect: Some(Disconnect::Close),
            ..Fault::default()
        };
        faults.push(Some(connect.clone()), Some(1));
        faults.push(Some(status(503)), Some(1));
        assert_eq!(faults.next(), None);
        assert_eq!(faults.next_for_connection(), Some(connect));
        assert_eq!(faults.next_for_connection(), None);
        assert_eq!(faults.next(), Some(status(503)));
    }

    #[test]
    fn request_is_kept_only_when_the_answer_says_so_or_the_test_does() {
        assert!(Fault::default().keeps());
        assert!(!status(503).keeps());
        let unavailable = Fault {
            grpc_status: Some(14),
            ..Fault::default()
        };
        assert!(!unavailable.keeps());
        assert!(
            !Fault {
                disconnect: Some(Disconnect::Reset),
                ..Fault::default()
            }
            .keeps()
        );
        let lost_answer = Fault {
            disconnect: Some(Disconnect::Reset),
            keep: Some(true),
            ..Fault::default()
        };
        assert!(lost_answer.keeps());
    }
}
