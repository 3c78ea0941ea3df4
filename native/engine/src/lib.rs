//! The worker: one native thread a process that exports without the GIL, its counts, and fork.
//!
//! Everything a process shares is in [`process`], behind one lock that is held for a few instructions only and across every
//! fork, so a child finds it whole. What belongs to the worker's runtime (connections, timers, TLS sessions) is reachable
//! from the worker's thread only; a child leaks it and starts its own worker when it has something to send.

pub mod adopt;
pub mod client;
pub mod delivery;
mod epoll;
mod ffi;
pub mod pipeline;
mod pool;
pub mod process;
pub mod stage;
#[cfg(test)]
mod testing;
mod worker;

pub use client::Client;
pub use delivery::drive::BatchLimits;
pub use process::account::{Account, DropReason};
pub use process::breakers::Breakers;
pub use process::events::Event;
pub use process::ledger::Ledger;
pub use process::ticket::{Answer, Ticket};
pub use process::{accounts, accounts_and, breakers};
pub use spanwire_ground::generation;
pub use stage::{Stage, Stages};
