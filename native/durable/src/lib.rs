//! Finished frames that outlive their process.
//!
//! A queue's chunks lie in mapped files: what a process has committed there belongs to the kernel, and is there after SIGKILL. A
//! [`Directory`] is a process's; [`read`](mod@read) reads what another one left.

pub mod boot;
mod clock;
mod directory;
mod end;
mod ffi;
mod file_system;
mod folder;
pub mod format;
mod heads;
pub mod orphans;
mod own;
mod plan;
pub mod progress;
pub mod read;
mod report;
mod segment;
mod spares;
mod standby;
mod state;
mod storage;
mod summary;
#[doc(hidden)]
pub mod synced;
mod upkeep;

pub use directory::{Directory, directories};
pub use file_system::MapPolicy;
pub use folder::{LOCK, OWNER};
pub use format::Shape;
pub use orphans::{Orphan, orphans};
pub use plan::{Plan, Sync};
pub use progress::Progress;
pub use report::Report;
pub use summary::{Summary, summaries};
