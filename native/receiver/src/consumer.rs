//! The consumer of a server: it takes the requests, and decides what their clients are told.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use spanwire_wire::{Protocol, Signal};

use crate::fault::Fault;
use crate::refusal::Refusal;

/// One request: whole, decompressed, and known to be valid.
#[derive(Debug)]
pub struct Received {
    /// What it carries.
    pub signal: Signal,
    /// How it came.
    pub protocol: Protocol,
    /// Whether the body was compressed: with gRPC a header alone does not say so.
    pub is_encoded: bool,
    /// The request's headers as they came.
    pub headers: HeaderMap,
    /// The export request in protobuf, decompressed; converted where JSON came.
    pub body: Bytes,
    /// Length of the body on the wire, before decompression; of gRPC with the message's prefix.
    pub wire_size: usize,
    /// Wall clock when the body was complete, in nanoseconds since the Unix epoch.
    pub received_at: u64,
    /// Spans, log records, data points or profiles in the body.
    pub items: u64,
    /// The client's address; None over a Unix socket.
    pub peer: Option<SocketAddr>,
}

/// What became of a request, which the server tells its client.
#[derive(Debug)]
pub enum Outcome {
    /// All of it was accepted.
    Taken,
    /// All but some items were accepted; the client must not send these again.
    Partial {
        /// How many items were rejected.
        rejected: u64,
        /// Why.
        message: String,
    },
    /// Nothing was accepted; the client may send it again after this time.
    Later(Duration),
    /// Nothing was accepted.
    Refused(Refusal),
    /// The answer that a test of clients ordered.
    Faulty(Box<Fault>),
}

/// Takes requests from a server. All its calls come from the server's thread: none may wait but in a future.
pub trait Consumer: Send + Sync + 'static {
    /// What the consumer knows of a request while its body is read.
    type Call: Send;

    /// A connection was made. A fault ends it before anything is said.
    fn connect(&self) -> Option<Fault> {
        None
    }

    /// The head of an export request has come, and its body is to be read. A fault ends the connection instead.
    ///
    /// # Errors
    /// The fault that the request meets.
    fn begin(&self, signal: Signal) -> Result<Self::Call, Box<Fault>>;

    /// Takes a request. The server acknowledges it only afterwards.
    fn consume(&self, call: Self::Call, received: Received) -> impl Future<Output = Outcome> + Send;

    /// The request of `call` could not be read.
    fn refuse(&self, call: Self::Call, refusal: Refusal) -> impl Future<Output = Outcome> + Send {
        drop(call);
        async { Outcome::Refused(refusal) }
    }

    /// The server ends: nothing more will come.
    fn stop(&self) {}
}
