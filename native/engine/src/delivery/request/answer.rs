//! What the answer to a try means, and how people are told.

use spanwire_transport::SendError;
use spanwire_transport::deliver::Cause;
use spanwire_wire::Signal;

/// Whether the items wait for better times. A certificate that is wrong, or a proxy that refuses, is no answer of the destination's, and is mended one day.
pub(super) fn waits(error: &SendError, cause: Cause) -> bool {
    matches!(cause, Cause::Exhausted | Cause::TimedOut) || (cause == Cause::Final && error.is_before_the_backend())
}

/// Whether the destination, or somebody in front of it, has answered.
pub(super) fn is_answer(error: &SendError) -> bool {
    match error {
        SendError::Status { .. } | SendError::Rpc { .. } => true,
        SendError::NoneWell { last: Some(last), .. } | SendError::Headers { last: Some(last) } => is_answer(last),
        _ => false,
    }
}

pub(super) fn unsent(signal: Signal, items: u64, why: &str) -> String {
    let names = signal.names().items;
    format!(
        "{items} {names} were not sent, each is too large: the backend has just refused single {names} of that size: {why}"
    )
}

pub(super) fn too_large(signal: Signal, items: u64, bytes: usize, why: &str) -> String {
    match items {
        1 => format!("a {} of {bytes} bytes is too large: {why}", signal.names().item),
        _ => format!("a request of {bytes} bytes is too large and cannot be divided: {why}"),
    }
}
