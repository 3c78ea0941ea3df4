//! What stands in front of a call's message: the method, and the headers that gRPC asks for.

use http::header::{CONTENT_TYPE, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri};
use spanwire_wire::Signal;

use crate::config::Config;

/// The head of every call to one destination.
pub struct Head {
    uri: Uri,
    encoding: Option<&'static str>,
}

impl Head {
    /// For requests of `signal`.
    pub fn new(config: &Config, signal: Signal) -> Self {
        let mut parts = config.uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static(signal.method()));
        Self {
            // The configuration's has scheme and authority, with which any path makes a whole.
            uri: Uri::from_parts(parts).unwrap_or_else(|_| config.uri.clone()),
            encoding: config.compression().content_encoding(),
        }
    }

    /// The server and the method.
    pub fn uri(&self) -> Uri {
        self.uri.clone()
    }

    /// Adds the headers, over those that the user gave.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity"));
        if let Some(encoding) = self.encoding {
            headers.insert("grpc-encoding", HeaderValue::from_static(encoding));
        }
    }
}
