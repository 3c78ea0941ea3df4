//! What stands in front of a call's message: the method, and the headers that gRPC asks for.

use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue};

use crate::config::Config;

/// The head of every call to one destination, but for the method.
pub struct Head {
    encoding: Option<&'static str>,
}

impl Head {
    pub fn new(config: &Config) -> Self {
        Self {
            encoding: config.compression().content_encoding(),
        }
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
