//! [`Standby`]: a segment whose file comes after it is used.

use std::fmt;
use std::sync::Arc;

use spanwire_queue::storage::Interrupt;

use crate::segment::Segment;

/// A segment in memory whose file is made after it is used.
#[derive(Clone)]
pub struct Standby {
    pub segment: Arc<Segment>,
    /// Of its file.
    pub number: u64,
    /// Its writer is told by that to go on elsewhere.
    pub interrupt: Interrupt,
}

impl Standby {
    pub fn is(&self, segment: &Arc<Segment>) -> bool {
        Arc::ptr_eq(&self.segment, segment)
    }
}

impl fmt::Debug for Standby {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Standby").field(&self.number).finish()
    }
}
