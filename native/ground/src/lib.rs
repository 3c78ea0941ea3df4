//! Facts of the process: what holds for all of its threads and queues, whoever made them. Below every other crate that needs the system.

pub mod descriptors;
mod ffi;
mod quiet;

pub use ffi::fork::{Hook, Part, close, generation, watch, watch_by};
pub use ffi::here::Here;
#[cfg(any(test, feature = "testing"))]
pub use ffi::testing;
pub use quiet::spawn_quietly;
