//! What can be wrong with columns.

use std::fmt::Display;

/// A column that cannot be encoded: which, where and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// A value.
    #[error("{column}, row {row}: {why}")]
    Value {
        /// The column's name.
        column: String,
        /// Which row.
        row: usize,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A whole column.
    #[error("{column}: {why}")]
    Column {
        /// The column's name.
        column: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Another thread changed a column meanwhile.
    #[error("a column was changed while it was encoded: encode a copy of what other threads write to")]
    Changed,
    /// A request does not fit a protobuf message.
    #[error("a request of {0} bytes is over protobuf's limit of 2 GiB: give max_request_bytes")]
    RequestTooLarge(usize),
    /// There is no memory for a request.
    #[error("there is no memory for a request of {0} bytes: give max_request_bytes, or encode fewer rows at a time")]
    NoMemory(usize),
}

impl EncodeError {
    #[cold]
    pub(crate) fn value(column: &str, row: usize, why: impl Display) -> Self {
        Self::Value {
            column: column.to_owned(),
            row,
            why: why.to_string(),
        }
    }

    /// A number that a field of 32 bits cannot hold.
    #[cold]
    pub(crate) fn no_u32(column: &str, row: usize, number: impl Display) -> Self {
        let why = format!("{number} is no number of 32 bits without a sign");
        Self::value(column, row, why)
    }

    /// A number that an attribute cannot hold.
    #[cold]
    pub(crate) fn no_i64(column: &str, row: usize, number: impl Display) -> Self {
        let why = format!("{number} is beyond 64 bits with a sign, which is all that OTLP holds");
        Self::value(column, row, why)
    }

    pub(crate) fn column(column: &str, why: impl Display) -> Self {
        Self::Column {
            column: column.to_owned(),
            why: why.to_string(),
        }
    }
}
