//! What the answer to a try means for a subrequest.

use spanwire_transport::deliver::{Cause, GaveUp};
use spanwire_transport::{Accepted, SendError};
use spanwire_wire::Signal;

use super::{Step, Subrequest};
use crate::delivery::payload::Payload;
use crate::delivery::route::Route;

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

pub(super) fn judge<D>(
    route: &Route<D>,
    payload: &Payload,
    answer: Result<Accepted, GaveUp>,
    last: Option<SendError>,
) -> Step {
    match answer {
        Ok(accepted) => {
            route.sizes.passed(payload.len());
            Step::Taken(accepted)
        }
        Err(GaveUp { error, .. }) if error.is_too_large() => {
            let why = error.to_string();
            if payload.items() == 1 {
                route.sizes.refused_alone(&why);
            }
            route.sizes.too_large(payload.len(), payload.items() == 1);
            Step::TooLarge(why)
        }
        // What the tries before met says more.
        Err(GaveUp {
            error: SendError::Shutdown | SendError::TimedOut,
            cause,
        }) if last.is_some() => Step::GaveUp(GaveUp {
            error: last.unwrap_or(SendError::Shutdown),
            cause,
        }),
        Err(gave_up) => Step::GaveUp(gave_up),
    }
}

/// It is closed for good; what the tries before met says more.
pub(super) fn interrupted(subrequest: &mut Subrequest) -> Step {
    Step::GaveUp(GaveUp {
        error: subrequest.last.take().unwrap_or(SendError::Shutdown),
        cause: Cause::Interrupted,
    })
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
