//! What can go wrong, said so that a person knows what to do.
#![allow(missing_docs)] // the texts say it

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::code::Code;

/// A client that cannot be made.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error(
        "a client certificate needs its private key: {0}; give client_key_file, or put the key into the certificate's file"
    )]
    ClientKey(String),
    #[error("the client certificate and key do not fit: {0}")]
    ClientPair(String),
    #[error("compression {0:?} is not known; use \"none\", \"gzip\", \"zstd\" or \"deflate\"")]
    Compression(String),
    #[error("the endpoint {shown:?} is not valid: {why}; give a whole URL such as http://localhost:4318/v1/traces")]
    Endpoint {
        /// The endpoint without its secrets.
        shown: String,
        why: String,
    },
    #[error("header {name:?} is not valid: {why}")]
    Header {
        name: String,
        /// Never shows the value.
        why: &'static str,
    },
    #[error("no CA certificates found on this system; install its ca-certificates package or give certificate_file=")]
    NoRoots,
    #[error("cannot read certificates from {path:?}: {why}; give a PEM file with at least one certificate")]
    PemFile { path: PathBuf, why: String },
    #[error("protocol {0:?} is not known; use \"http/protobuf\", \"http/json\" or \"grpc\"")]
    Protocol(String),
    #[error(
        "the proxy {shown:?} is not valid: {why}; give a URL such as http://proxy.example:3128, or except the backend's host (NO_PROXY)"
    )]
    Proxy {
        /// The proxy without user and password.
        shown: String,
        why: String,
    },
    #[error("balance {0:?} is not known; use \"round_robin\", \"failover\", \"least_loaded\" or \"trace_id\"")]
    Strategy(String),
    #[error("timeout {0} is not valid; give a positive number of seconds")]
    Timeout(f64),
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A request that was not accepted.
#[derive(Debug, Error)]
pub enum SendError {
    #[error("cannot connect to {address}: {source}{}", refusal(source))]
    Connect { address: String, source: io::Error },
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
    #[error("no way through the proxy {proxy}: {why}")]
    Proxy { proxy: String, why: String, is_final: bool },
    #[error("redirected by status {code} to {location}, which is not followed; set the endpoint to where it leads")]
    Redirected { code: u16, location: String },
    #[error("cannot find the address of {host}: {source}; is the endpoint's host right?")]
    Resolve { host: String, source: io::Error },
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
    #[error("TLS failed: {message}")]
    Tls { message: String, is_final: bool },
}

impl SendError {
    /// Whether the same bytes may be sent again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Headers { .. }
            | Self::Lost(_)
            | Self::NoneWell { .. }
            | Self::Resolve { .. } => true,
            Self::Rpc { code, retry_delay, .. } => !self.is_too_large() && code.is_retryable(retry_delay.is_some()),
            Self::Status { code, .. } => crate::status::http_retryable(*code),
            Self::Tls { is_final, .. } | Self::Proxy { is_final, .. } => !is_final,
            Self::Redirected { .. } | Self::ResponseTooLarge { .. } | Self::Shutdown | Self::TimedOut => false,
        }
    }

    /// Whether the server did not accept the credentials: others may be.
    #[must_use]
    pub fn is_about_credentials(&self) -> bool {
        match self {
            Self::Status { code, .. } => [401, 403].contains(code),
            Self::Rpc { code, .. } => [Code::UNAUTHENTICATED, Code::PERMISSION_DENIED].contains(code),
            _ => false,
        }
    }

    /// Whether the server found the request too large: a smaller one may pass.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        match self {
            Self::Status { code, .. } => *code == 413,
            Self::Rpc { code, message, .. } => {
                [Code::RESOURCE_EXHAUSTED, Code::OUT_OF_RANGE].contains(code) && says_too_large(message)
            }
            _ => false,
        }
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

/// The rustls error inside `error`, if any: it says more than the I/O error around it, and may be final.
pub(crate) fn tls_error(error: &(dyn std::error::Error + 'static)) -> Option<SendError> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn std::error::Error + 'static));
        if let Some(found) = error
            .downcast_ref::<rustls::Error>()
            .or_else(|| inner?.downcast_ref::<rustls::Error>())
        {
            return Some(SendError::Tls {
                message: format!("{found}{}", advice(found)),
                is_final: is_final(found),
            });
        }
        next = error.source();
    }
    None
}

fn behind_colon(error: Option<&SendError>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// What to do about the one that people meet first.
fn refusal(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        "; does a backend listen there (OTLP/HTTP usually has port 4318, OTLP/gRPC 4317)?"
    } else {
        ""
    }
}

/// What to do about the errors that people meet first.
fn advice(error: &rustls::Error) -> &'static str {
    use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "; the server does not speak TLS here: is its endpoint http://?"
        }
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "; give the CA that issued the server's certificate as certificate_file="
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "; the server wants a client certificate: give client_certificate_file= and client_key_file="
        }
        _ => "",
    }
}

/// Certificates and protocol versions do not change by trying again; a peer's own trouble may.
fn is_final(error: &rustls::Error) -> bool {
    use rustls::AlertDescription::{CloseNotify, InternalError, UserCanceled};
    !matches!(
        error,
        rustls::Error::AlertReceived(CloseNotify | InternalError | UserCanceled)
    )
}
