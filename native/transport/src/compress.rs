//! Request bodies, compressed. Pure CPU work: callers do it without the GIL and off the worker.

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::{GzEncoder, ZlibEncoder};

/// How request bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// HTTP's `deflate`, which is the zlib format.
    Deflate,
    /// gzip.
    Gzip,
    /// Zstandard, which the Collector's receivers take.
    Zstd,
    /// Not at all.
    #[default]
    None,
}

impl Compression {
    /// The compression of this name: `none`, `gzip`, `zstd` or `deflate`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    /// The `Content-Encoding` of such a body.
    #[must_use]
    pub fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Deflate => Some("deflate"),
        }
    }

    /// `body` compressed, or `None` where it goes out as it is.
    #[must_use]
    pub fn compress(self, body: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::None => None,
            Self::Zstd => zstd::bulk::compress(body, zstd::DEFAULT_COMPRESSION_LEVEL).ok(),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(room(body), LEVEL);
                encoder.write_all(body).and_then(|()| encoder.finish()).ok()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(room(body), LEVEL);
                encoder.write_all(body).and_then(|()| encoder.finish()).ok()
            }
        }
    }
}

/// Spans compress about ten to one.
fn room(body: &[u8]) -> Vec<u8> {
    Vec::with_capacity(body.len() / 8 + 64)
}

/// zlib's own default: what other SDKs and the Go collector use.
const LEVEL: Level = Level::new(6);

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::{GzDecoder, ZlibDecoder};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_compressed_inflates_to_the_same_bytes(body in prop::collection::vec(any::<u8>(), 0..4000)) {
            let mut gzip = Vec::new();
            let packed = Compression::Gzip.compress(&body).expect("compresses");
            GzDecoder::new(&packed[..]).read_to_end(&mut gzip).expect("valid gzip");
            let mut zlib = Vec::new();
            let packed = Compression::Deflate.compress(&body).expect("compresses");
            ZlibDecoder::new(&packed[..]).read_to_end(&mut zlib).expect("valid zlib");
            prop_assert_eq!(&gzip, &body);
            prop_assert_eq!(&zlib, &body);
            let packed = Compression::Zstd.compress(&body).expect("compresses");
            prop_assert_eq!(&zstd::decode_all(&packed[..]).expect("valid zstd"), &body);
            prop_assert_eq!(Compression::None.compress(&body), None);
        }
    }
}
