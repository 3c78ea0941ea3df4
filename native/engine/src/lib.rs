//! The worker: one native thread a process that exports without the GIL, its counts, and fork.
//!
//! Everything a process shares is in [`process`], behind one lock that is held for a few instructions only and across every
//! fork, so a child finds it whole. What belongs to the worker's runtime (connections, timers, TLS sessions) is reachable
//! from the worker's thread only; a child leaks it and starts its own worker when it has something to send.

pub mod account;
pub mod adopt;
mod breakers;
pub mod buffer;
pub mod client;
mod drive;
mod epoll;
pub mod events;
mod ffi;
mod flight;
mod flights;
pub mod ledger;
mod parcel;
pub mod pipeline;
mod process;
mod progress;
mod route;
mod sizes;
mod split;
mod spread;
pub mod stage;
mod target;
#[cfg(test)]
mod testing;
pub mod ticket;
mod traffic;
mod trial;
mod worker;

pub use account::{Account, DropReason};
pub use breakers::Breakers;
pub use client::Client;
pub use drive::BatchLimits;
pub use events::Event;
pub use ffi::fork::generation;
pub use ledger::Ledger;
pub use process::{accounts, breakers};
pub use stage::{Stage, Stages};
pub use ticket::{Answer, Ticket};
