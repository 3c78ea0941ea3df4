//! [`Head`]: what a group of a request begins with.

use std::sync::Arc;

/// An encoded `Resource` or `InstrumentationScope`.
#[derive(Clone)]
pub struct Head {
    /// The message with its tag and length.
    pub message: Arc<[u8]>,
    /// Of the group that it heads; empty if there is none.
    pub schema_url: Arc<[u8]>,
}
