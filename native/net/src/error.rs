//! What can go wrong before there is a connection, said so that a person knows what to do.
#![allow(missing_docs)] // the texts say it

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A peer that cannot be configured so.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error(
        "a client certificate needs its private key: {0}; give client_key_file, or put the key into the certificate's file"
    )]
    ClientKey(String),
    #[error("the client certificate and key do not fit: {0}")]
    ClientPair(String),
    #[error("the endpoint {shown:?} is not valid: {why}")]
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
    #[error(
        "the proxy {shown:?} is not valid: {why}; give a URL such as http://proxy.example:3128, or except the backend's host (NO_PROXY)"
    )]
    Proxy {
        /// The proxy without user and password.
        shown: String,
        why: String,
    },
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A connection that was not opened, or that TLS has ended.
#[derive(Debug, Error)]
pub enum ConnectionError {
    #[error("cannot connect to {address}: {source}")]
    Connect { address: String, source: io::Error },
    #[error("no way through the proxy {proxy}: {why}")]
    Proxy { proxy: String, why: String, is_final: bool },
    #[error("cannot find the address of {host}: {source}")]
    Resolve { host: String, source: io::Error },
    #[error("TLS failed: {message}")]
    Tls { message: String, is_final: bool },
}

impl ConnectionError {
    /// Whether another try may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Resolve { .. } => true,
            Self::Proxy { is_final, .. } | Self::Tls { is_final, .. } => !is_final,
        }
    }
}

/// The rustls error inside `error`, if any: it says more than the I/O error around it, and may be final.
#[must_use]
pub fn tls_error(error: &(dyn std::error::Error + 'static)) -> Option<ConnectionError> {
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
            return Some(ConnectionError::Tls {
                message: format!("{found}{}", advice(found)),
                is_final: is_final(found),
            });
        }
        next = error.source();
    }
    None
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
