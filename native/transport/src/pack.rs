//! From a plain request to what goes out. Pure CPU work, done without the GIL.

use bytes::Bytes;
use spanwire_json::from_wire;
use spanwire_wire::DecodeError;
use thiserror::Error;

use crate::config::Config;
use spanwire_net::Compression;
use spanwire_wire::{Protocol, Signal};

/// A request that cannot be brought into the form that its destination wants.
#[derive(Debug, Error)]
#[allow(missing_docs)] // the texts say it
pub enum PackError {
    #[error("the request is no OTLP, so it cannot be written as JSON: {0}")]
    Json(#[from] DecodeError),
    #[error("the request cannot be compressed by {0}")]
    Compress(&'static str),
}

impl Config {
    /// Whether what goes out are other bytes than those of the request.
    #[must_use]
    pub fn packs(&self) -> bool {
        self.protocol() == Protocol::HttpJson || self.compression() != Compression::None
    }

    /// What goes out for `plain`, a serialized request of `signal`: as JSON where that is the protocol, compressed. Bytes that
    /// go out as they are are shared, not copied. The frame round a message of gRPC is no part of it: it is written apart, so that
    /// destinations with other protocols can share the body.
    pub fn pack(&self, signal: Signal, plain: &Bytes) -> Result<Bytes, PackError> {
        if self.protocol() != Protocol::HttpJson {
            return Ok(packed(self.compression(), plain)?.unwrap_or_else(|| plain.clone()));
        }
        // Ids double, numbers become text, names are spelled out.
        let mut json = Vec::with_capacity(plain.len() * 3);
        from_wire(signal, plain, &mut json)?;
        Ok(packed(self.compression(), &json)?.unwrap_or_else(|| json.into()))
    }
}

/// `None` where it goes out as it is.
fn packed(compression: Compression, body: &[u8]) -> Result<Option<Bytes>, PackError> {
    checked(compression, compression.compress(body))
}

/// The headers say that a body is compressed, so one that is not must not go out with them.
fn checked(compression: Compression, made: Option<Vec<u8>>) -> Result<Option<Bytes>, PackError> {
    match (made, compression.content_encoding()) {
        (None, Some(name)) => Err(PackError::Compress(name)),
        (made, _) => Ok(made.map(Bytes::from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TlsFiles;

    fn config(protocol: Protocol, compression: Compression) -> Config {
        Config::new(protocol, "http://h:1/", &[], compression, &TlsFiles::default()).expect("valid")
    }

    /// A request with one empty resource.
    const PLAIN: &[u8] = &[0x0A, 2, 0x0A, 0];

    #[test]
    fn what_goes_out_as_it_is_is_not_copied() {
        let plain = Bytes::from_static(PLAIN);
        for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
            let body = config(protocol, Compression::None)
                .pack(Signal::Traces, &plain)
                .expect("packed");
            assert_eq!(body.as_ptr(), plain.as_ptr());
        }
    }

    #[test]
    fn json_is_written_of_what_is_protobuf() {
        let json = config(Protocol::HttpJson, Compression::None);
        let body = json.pack(Signal::Traces, &Bytes::from_static(PLAIN)).expect("packed");
        assert_eq!(&body[..], br#"{"resourceSpans":[{"resource":{}}]}"#);
        let error = json
            .pack(Signal::Traces, &Bytes::from_static(&[0x0A, 9]))
            .expect_err("cut off");
        assert!(error.to_string().contains("no OTLP"), "{error}");
    }

    #[test]
    fn what_could_not_be_compressed_does_not_go_out_as_if_it_were() {
        for compression in [Compression::Gzip, Compression::Zstd, Compression::Deflate] {
            let error = checked(compression, None).expect_err("not compressed").to_string();
            assert!(error.starts_with("the request cannot be compressed by "), "{error}");
        }
        assert!(matches!(checked(Compression::None, None), Ok(None)));
    }

    #[test]
    fn json_is_compressed_as_protobuf_is() {
        let plain = Bytes::from_static(PLAIN);
        let json = config(Protocol::HttpJson, Compression::None)
            .pack(Signal::Traces, &plain)
            .expect("packed");
        let packed = config(Protocol::HttpJson, Compression::Gzip)
            .pack(Signal::Traces, &plain)
            .expect("packed");
        assert_eq!(Some(packed), Compression::Gzip.compress(&json).map(Bytes::from));
    }
}
