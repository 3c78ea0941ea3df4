//! OTLP server: the sink today, the collector's entrance later.
//!
//! A [`Server`] is one native thread with a tokio current-thread runtime that listens on one port, checks every
//! request strictly, keeps it in a bounded [`Store`] and only then acknowledges it. Tests order it to misbehave
//! through [`Faults`]. Invariants: nothing is acknowledged that was not counted; nothing read from the network is
//! unbounded; no Python.

mod body;
mod config;
mod error;
mod faults;
mod ffi;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http;
mod respond;
mod server;
mod store;
mod stream;
mod tls;

pub use config::{Config, Limits, TlsIdentity};
pub use error::StartError;
pub use faults::{Disconnect, Fault, Faults};
pub use server::Server;
pub use store::{Counts, ReceivedRequest, Store, Waited};
