//! Finished frames that wait to be sent.
//!
//! A frame is a whole encoded item of the queue's [signal](spanwire_wire::Signal); what has no encoding waits beside the frames as an object
//! ([`Writer::append_object`]). One [`Writer`] appends it by about a memcpy and one release store; any number of [`Lane`]s
//! read, each at its own pace, without stopping it. What a lane takes makes one contiguous request by one more copy.
//!
//! For each lane `accepted = taken + queued + dropped`, always.

mod arena;
mod batch;
mod ffi;
mod group;
mod group_cache;
mod lane;
mod lanes;
mod limits;
mod object;
mod position;
mod state;
pub mod storage;
mod sync;
mod writer;

pub use batch::{Batch, Entry, Request, Verdict};
pub use ffi::generation;
pub use group::{Attached, Group};
pub use group_cache::GroupCache;
pub use lane::{Lane, View, Waited};
pub use lanes::Lanes;
pub use limits::{Counts, Dropped, Limits, WhenFull};
pub use object::OBJECT_BYTES;
pub use writer::{Appended, Writer};

#[cfg(all(test, not(loom)))]
mod tests;
