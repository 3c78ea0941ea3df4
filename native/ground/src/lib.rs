//! Facts of the process: what holds for all of its threads and queues, whoever made them. Below every other crate that needs the system.

mod ffi;
mod quiet;

pub use quiet::spawn_quietly;
