//! [`Compression`]: bodies, compressed and decompressed. Pure CPU work, done without the GIL.

use std::io;

use bytes::Bytes;

mod pack;
mod unpack;

use unpack::Chunks;

/// How a body is compressed: a content coding of HTTP, or the encoding of a message of gRPC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// HTTP's `deflate`, which is the zlib format.
    Deflate,
    /// gzip.
    Gzip,
    /// Zstandard, which the Collector's receivers take.
    Zstd,
    /// Not at all: `identity`.
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
            Self::Zstd => pack::zstd(body),
            Self::Gzip => pack::gzip(body),
            Self::Deflate => pack::zlib(body),
        }
    }

    /// By the value of a header, as a client may write it.
    #[must_use]
    pub fn from_header(value: &str) -> Option<Self> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::None),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The body that came in these pieces, decompressed; of at most `limit` bytes. `deflate` may be zlib, as RFC 9110 says, or raw as
    /// some clients send it.
    pub fn decompress(self, chunks: Vec<Bytes>, limit: usize) -> Result<Bytes, DecompressError> {
        let source = Chunks::new(chunks);
        let mut body = Vec::new();
        match self {
            Self::None => return Ok(source.join()),
            Self::Gzip => unpack::gzip(source, &mut body, limit)?,
            Self::Deflate => unpack::inflate(source, &mut body, limit)?,
            Self::Zstd => unpack::zstd(source, &mut body, limit)?,
        }
        if body.len() > limit {
            return Err(DecompressError::TooLarge);
        }
        body.shrink_to_fit();
        Ok(body.into())
    }
}

/// Why a body cannot be decompressed.
#[derive(Debug)]
pub enum DecompressError {
    /// It is not what its encoding says, or it is cut.
    Malformed(io::Error),
    /// It is longer than allowed.
    TooLarge,
}

impl From<io::Error> for DecompressError {
    fn from(error: io::Error) -> Self {
        Self::Malformed(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use flate2::Compression as Level;
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

    fn compress(encoding: Compression, plain: &[u8]) -> Vec<u8> {
        match encoding {
            Compression::None => plain.to_vec(),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Level::fast());
                encoder
                    .write_all(plain)
                    .and_then(|()| encoder.finish())
                    .expect("in memory")
            }
            Compression::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Level::fast());
                encoder
                    .write_all(plain)
                    .and_then(|()| encoder.finish())
                    .expect("in memory")
            }
            Compression::Zstd => zstd::encode_all(plain, 1).expect("in memory"),
        }
    }

    fn split(bytes: &[u8], size: usize) -> Vec<Bytes> {
        bytes.chunks(size).map(Bytes::copy_from_slice).collect()
    }

    fn plain() -> Vec<u8> {
        (0_u32..20_000).flat_map(|number| (number / 7).to_le_bytes()).collect()
    }

    const COMPRESSED: [Compression; 3] = [Compression::Gzip, Compression::Deflate, Compression::Zstd];

    #[test]
    fn each_encoding_gives_the_plain_body_however_it_is_cut() {
        for encoding in [
            Compression::None,
            Compression::Gzip,
            Compression::Deflate,
            Compression::Zstd,
        ] {
            let compressed = compress(encoding, &plain());
            for size in [1, 7, 1000, usize::MAX] {
                let body = encoding.decompress(split(&compressed, size), 1 << 20).expect("valid");
                assert!(body == plain(), "{encoding:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn raw_deflate_is_understood() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Level::fast());
        let raw = encoder
            .write_all(&plain())
            .and_then(|()| encoder.finish())
            .expect("in memory");
        assert!(
            Compression::Deflate
                .decompress(split(&raw, 100), 1 << 20)
                .expect("valid")
                == plain()
        );
    }

    #[test]
    fn several_gzip_members_and_zstd_frames_are_one_body() {
        for encoding in [Compression::Gzip, Compression::Zstd] {
            let mut twice = compress(encoding, &plain());
            twice.extend(compress(encoding, &plain()));
            let body = encoding.decompress(split(&twice, 999), 1 << 20).expect("valid");
            assert_eq!(body.len(), 2 * plain().len());
        }
    }

    #[test]
    fn stream_cut_at_any_byte_is_refused() {
        for encoding in COMPRESSED {
            let compressed = compress(encoding, b"twenty spans, or fewer");
            // Nothing at all is no zstd frame, thus an empty body.
            for length in 1..compressed.len() {
                let cut = split(&compressed[..length], 5);
                let error = encoding.decompress(cut, 1000).expect_err("cut");
                assert!(
                    matches!(error, DecompressError::Malformed(_)),
                    "{encoding:?} cut at {length}"
                );
            }
        }
    }

    #[test]
    fn bomb_is_refused_at_its_limit() {
        let zeros = vec![0; 2 << 20];
        for encoding in COMPRESSED {
            let bomb = compress(encoding, &zeros);
            assert!(bomb.len() < 20 << 10, "{encoding:?}");
            let error = encoding.decompress(split(&bomb, 4096), 1 << 16).expect_err("too large");
            assert!(matches!(error, DecompressError::TooLarge));
            assert!(
                encoding.decompress(split(&bomb, 4096), 2 << 20).is_ok(),
                "exactly the limit"
            );
        }
    }

    #[test]
    fn bytes_after_the_stream_are_refused() {
        for encoding in COMPRESSED {
            let mut compressed = compress(encoding, &plain());
            compressed.extend(b"more");
            assert!(
                encoding.decompress(split(&compressed, 4096), 1 << 20).is_err(),
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn a_header_names_an_encoding_in_any_case() {
        for (value, encoding) in [
            ("", Some(Compression::None)),
            (" Identity", Some(Compression::None)),
            ("GZIP", Some(Compression::Gzip)),
            ("x-gzip", Some(Compression::Gzip)),
            ("deflate ", Some(Compression::Deflate)),
            ("zstd", Some(Compression::Zstd)),
            ("br", None),
            ("gzip, gzip", None),
        ] {
            assert_eq!(Compression::from_header(value), encoding, "{value:?}");
        }
    }
}
