//! What a server is started with.

use std::path::PathBuf;
use std::time::Duration;

/// Where to listen, what to allow, and with which identity.
#[derive(Clone, Debug)]
pub struct Config {
    /// A name or an address, IPv4 or IPv6 (without brackets).
    pub host: String,
    /// 0 lets the kernel choose.
    pub port: u16,
    /// A port for gRPC alone, beside the first one, which speaks it too.
    pub grpc_port: Option<u16>,
    /// A Unix socket to listen on besides.
    pub unix_path: Option<PathBuf>,
    /// Bounds on everything that comes from the network.
    pub limits: Limits,
    /// TLS, where wanted.
    pub tls: Option<TlsIdentity>,
}

/// Bounds on everything that comes from the network.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one request's body, on the wire and again after decompression.
    pub request_bytes: usize,
    /// Bytes of all bodies being read at once; above it requests are refused with 503.
    pub in_flight_bytes: usize,
    /// Connections open at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Bytes of a request's line and headers.
    pub header_bytes: usize,
    /// Time for a TLS handshake, and for a request's headers to come, idle time between requests included.
    pub header_timeout: Duration,
    /// Time for a request's body to come.
    pub body_timeout: Duration,
    /// Bytes of a body that an HTTP/2 client may send before it is told to go on; None for a usual one.
    pub stream_window: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 64 << 20,
            in_flight_bytes: 256 << 20,
            connections: 1024,
            header_bytes: 64 << 10,
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            stream_window: None,
        }
    }
}

/// PEM texts for TLS. The private key is never shown by `Debug`.
#[derive(Clone)]
pub struct TlsIdentity {
    /// The certificate and its intermediates.
    pub certificate_chain: Vec<u8>,
    /// The certificate's private key.
    pub private_key: Vec<u8>,
    /// Who must have signed the clients' certificates; without it none is asked for.
    pub client_ca: Option<Vec<u8>>,
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TlsIdentity")
            .field("client_ca", &self.client_ca.is_some())
            .finish_non_exhaustive()
    }
}
