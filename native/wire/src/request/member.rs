//! What groups are made of: a [`Head`] and [`Member`]s.

use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Parts, View};
use crate::schema::Type;
use crate::signal::Signal;

/// What stands at the head of a group: a resource or a scope.
pub(crate) trait Head<'a>: Sized {
    /// Reads its own fields.
    fn read(parts: Parts<'a>) -> Result<Self, DecodeError>;
}

/// What a group, or a request, holds a list of.
pub(crate) trait Member<'a>: View<'a> {
    /// The signal whose requests it is found in.
    const SIGNAL: Signal;
    /// The message that holds the list.
    const WITHIN: Type;
}
