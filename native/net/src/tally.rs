//! [`Tally`]: what requests cost.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a request cost, kept outside its future so that it survives an interruption. Relaxed: read after the end.
#[derive(Debug, Default)]
pub struct Tally {
    bytes: AtomicU64,
    connections: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
}

impl Tally {
    /// A request with so long a body is written.
    pub fn request(&self, bytes: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A connection was opened.
    pub fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// One more try is made.
    pub fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Body bytes handed to connections.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Connections opened.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Requests written, each try counted.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Tries after the first, each after a back-off.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }
}
