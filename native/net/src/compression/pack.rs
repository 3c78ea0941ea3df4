//! Compression of a whole body.

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::{GzEncoder, ZlibEncoder};

/// gzip of one member.
pub fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(room(body), LEVEL);
    encoder.write_all(body).and_then(|()| encoder.finish()).ok()
}

/// zlib.
pub fn zlib(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(room(body), LEVEL);
    encoder.write_all(body).and_then(|()| encoder.finish()).ok()
}

/// Zstandard of one frame.
pub fn zstd(body: &[u8]) -> Option<Vec<u8>> {
    zstd::bulk::compress(body, zstd::DEFAULT_COMPRESSION_LEVEL).ok()
}

/// Spans compress about ten to one.
fn room(body: &[u8]) -> Vec<u8> {
    Vec::with_capacity(body.len() / 8 + 64)
}

/// zlib's own default: what other SDKs and the Go collector use.
const LEVEL: Level = Level::new(6);
