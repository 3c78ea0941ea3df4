//! Why a request has no columns.

use super::limits::Table;

/// The first thing in a request that cannot be decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// Not OTLP: what [`validate`](spanwire_wire::validate) says of the same bytes.
    #[error(transparent)]
    Malformed(#[from] spanwire_wire::DecodeError),
    /// Lengths in columns are 31 bits wide.
    #[error("a string or value of 2 GiB or more at byte {offset}")]
    TooLong {
        /// Where it begins.
        offset: usize,
    },
}

/// Why one pass over the input, or the quick way through one span, ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Halt {
    /// Not a shape that the quick way knows: the careful way reads it, and says whether it is an error.
    Odd,
    /// Absent values would take too much memory: once more, with fewer columns.
    Sparse(Table),
    /// An error.
    Error(DecodeError),
}

impl From<DecodeError> for Halt {
    fn from(error: DecodeError) -> Self {
        Self::Error(error)
    }
}

impl From<spanwire_wire::DecodeError> for Halt {
    fn from(error: spanwire_wire::DecodeError) -> Self {
        Self::Error(error.into())
    }
}
