//! What can go wrong, said so that a person knows what to do.
#![allow(missing_docs)] // the texts say it

use std::io;
use std::time::Duration;

use spanwire_net::ConnectionError;
use spanwire_net::breaker::Failure;
use thiserror::Error;

use spanwire_net::grpc::Code;

/// A client that cannot be made.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("compression {0:?} is not known; use \"none\", \"gzip\", \"zstd\" or \"deflate\"")]
    Compression(String),
    #[error("{0}{example}", example = example(.0))]
    Peer(#[from] spanwire_net::ConfigError),
    #[error("protocol {0:?} is not known; use \"http/protobuf\", \"http/json\" or \"grpc\"")]
    Protocol(String),
    #[error("balance {0:?} is not known; use \"round_robin\", \"failover\", \"least_loaded\" or \"trace_id\"")]
    Strategy(String),
    #[error("timeout {0} is not valid; give a positive number of seconds")]
    Timeout(f64),
}

/// A request that was not accepted.
#[derive(Debug, Error)]
pub enum SendError {
    #[error("{0}{advice}", advice = advice(.0))]
    Connection(#[from] ConnectionError),
    #[error("headers_provider= has given no headers in time{}", behind_colon(last.as_deref()))]
    Headers {
        /// How the server refused the ones before.
        last: Option<Box<SendError>>,
    },
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error("none of the endpoints takes requests now{}", behind_colon(last.as_deref()))]
    NoneWell {
        retry_after: Option<Duration>,
        /// What one of them has met.
        last: Option<Box<SendError>>,
    },
    #[error("redirected by status {code} to {location}, which is not followed; set the endpoint to where it leads")]
    Redirected { code: u16, location: String },
    #[error("the response is larger than {limit} bytes; is this the address of an OTLP backend?")]
    ResponseTooLarge { limit: usize },
    #[error("gRPC status {}{}{message}", code.name(), if message.is_empty() { "" } else { ": " })]
    Rpc {
        code: Code,
        message: String,
        retry_delay: Option<Duration>,
    },
    #[error("interrupted by shutdown")]
    Shutdown,
    #[error("status {code}{}{message}", if message.is_empty() { "" } else { ": " })]
    Status {
        code: u16,
        message: String,
        retry_after: Option<Duration>,
    },
    #[error("no answer within the timeout; for a slow backend raise timeout= or OTEL_EXPORTER_OTLP_TIMEOUT")]
    TimedOut,
}

impl SendError {
    /// Whether the same bytes may be sent again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connection(error) => error.is_retryable(),
            Self::Headers { .. } | Self::Lost(_) | Self::NoneWell { .. } => true,
            Self::Rpc { code, retry_delay, .. } => {
                !self.is_too_large() && crate::status::grpc_retryable(*code, retry_delay.is_some())
            }
            Self::Status { code, .. } => crate::status::http_retryable(*code),
            Self::Redirected { .. } | Self::ResponseTooLarge { .. } | Self::Shutdown | Self::TimedOut => false,
        }
    }

    /// Whether the server did not accept the credentials: others may be.
    #[must_use]
    pub fn is_about_credentials(&self) -> bool {
        match self {
            Self::Status { code, .. } => [401, 403].contains(code),
            Self::Rpc { code, .. } => [Code::Unauthenticated, Code::PermissionDenied].contains(code),
            _ => false,
        }
    }

    /// Whether the server found the request too large: a smaller one may pass.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        match self {
            Self::Status { code, .. } => *code == 413,
            Self::Rpc { code, message, .. } => {
                [Code::ResourceExhausted, Code::OutOfRange].contains(code) && says_too_large(message)
            }
            _ => false,
        }
    }

    /// Whether TLS or a proxy is in the way: no server of OTLP has answered.
    #[must_use]
    pub fn is_before_the_backend(&self) -> bool {
        matches!(
            self,
            Self::Connection(ConnectionError::Tls { .. } | ConnectionError::Proxy { .. })
        )
    }

    /// How long the server asked us to wait.
    #[must_use]
    pub fn hint(&self) -> Option<Duration> {
        match self {
            Self::Rpc { retry_delay, .. } => *retry_delay,
            Self::Status { retry_after, .. } | Self::NoneWell { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Failure for SendError {
    fn hint(&self) -> Option<Duration> {
        self.hint()
    }

    /// Several endpoints have waits of their own: there is none beside them.
    fn wait(&self) -> Option<Duration> {
        match self {
            Self::NoneWell { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// gRPC has no status of its own for a message over a server's limit, so its words decide: those of the servers for Go, Python and C++
/// ("larger than max"), Java, .NET, and Rust ("length too large", and "size limit" when it was compressed).
fn says_too_large(message: &str) -> bool {
    [
        "larger than max",
        "exceeds maximum size",
        "exceeds the maximum configured message size",
        "message length too large",
        "size limit, of",
        "send fewer spans a request", // our own sink
    ]
    .iter()
    .any(|words| message.contains(words))
}

fn behind_colon(error: Option<&SendError>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// What the endpoint of an OTLP backend looks like.
fn example(error: &spanwire_net::ConfigError) -> &'static str {
    match error {
        spanwire_net::ConfigError::Endpoint { .. } => "; give a whole URL such as http://localhost:4318/v1/traces",
        _ => "",
    }
}

/// What to do about a backend that cannot be reached.
fn advice(error: &ConnectionError) -> &'static str {
    match error {
        ConnectionError::Connect { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => {
            "; does a backend listen there (OTLP/HTTP usually has port 4318, OTLP/gRPC 4317)?"
        }
        ConnectionError::Resolve { .. } => "; is the endpoint's host right?",
        _ => "",
    }
}
