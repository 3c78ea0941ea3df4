//! Finished frames that wait to be sent.
//!
//! A frame is a whole encoded span. One writer appends it by about a memcpy, and a batch is one contiguous request made of the
//! oldest frames by one more. Nothing here locks: whoever calls has the queue for itself (in Python, by holding the GIL).
//!
//! `accepted = taken + queued + dropped`, always.

mod arena;
mod batch;
mod ffi;
mod group;
mod queue;

pub use batch::Batch;
pub use group::{Attached, Group};
pub use queue::{Appended, Counts, FrameQueue, Limits};
