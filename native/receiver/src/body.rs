//! A request's body: read within limits, then decompressed within limits.
//!
//! The wire bytes are bounded while they come in; decompression produces at most one byte more than allowed before it
//! stops, so a bomb costs its limit and no more.

use std::io::{self, BufRead, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::config::Limits;
use crate::refusal::Refusal;
use spanwire_net::grpc::Code;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    /// zlib as RFC 9110 says, or raw deflate as some clients send.
    Deflate,
    Zstd,
}

impl Encoding {
    /// From the Content-Encoding header.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(value) = values.next() else {
            return Ok(Self::Identity);
        };
        Self::named(value).filter(|_| values.next().is_none()).ok_or_else(|| {
            Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("content encoding {value:?} is not supported: send identity, gzip, deflate or zstd"),
            )
        })
    }

    /// By its name in a header.
    pub(crate) fn named(value: &HeaderValue) -> Option<Self> {
        match value.to_str().ok()?.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Bytes of all bodies being held at once.
#[derive(Debug, Default)]
pub(crate) struct InFlight(AtomicUsize);

/// A part of [`InFlight`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    of: &'a InFlight,
    bytes: usize,
}

impl InFlight {
    pub(crate) fn share(&self) -> Share<'_> {
        Share { of: self, bytes: 0 }
    }
}

impl Share<'_> {
    fn grow(&mut self, bytes: usize, limit: usize) -> Result<(), Refusal> {
        let before = self.of.0.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before.saturating_add(bytes) > limit {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{limit} bytes of requests are being read already: try again later"),
            )
            .retry_after(1));
        }
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads the body as it is on the wire. What is over the limit is read on for a while and thrown away, since most
/// clients look at an answer only after they have sent everything. `framing` bytes are allowed above the limit.
pub(crate) async fn read(
    body: &mut Incoming,
    limits: &Limits,
    framing: usize,
    share: &mut Share<'_>,
) -> Result<Vec<Bytes>, Refusal> {
    let deadline = Instant::now().checked_add(limits.body_timeout);
    let mut chunks = Vec::new();
    let mut small = BytesMut::new();
    let mut size = 0;
    loop {
        let frame = match deadline {
            Some(deadline) => timeout_at(deadline, body.frame()).await,
            None => Ok(body.frame().await),
        };
        let frame = frame.map_err(|_| {
            Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                format!("the body did not come within {:?}", limits.body_timeout),
            )
            .closing()
        })?;
        let frame = match frame {
            None => {
                flush(&mut chunks, &mut small);
                return Ok(chunks);
            }
            Some(Err(error)) => {
                let text = format!("the body can't be read: {error}");
                return Err(Refusal::new(StatusCode::BAD_REQUEST, text).closing());
            }
            Some(Ok(frame)) => frame,
        };
        let Ok(chunk) = frame.into_data() else { continue };
        size += chunk.len();
        let refusal = if size.saturating_sub(framing) > limits.request_bytes {
            Some(too_large("on the wire", limits.request_bytes))
        } else {
            share.grow(chunk.len(), limits.in_flight_bytes).err()
        };
        if let Some(refusal) = refusal {
            drop((chunks, small));
            discard(body).await;
            return Err(refusal.closing());
        }
        push(&mut chunks, &mut small, chunk);
    }
}

/// Keeps a chunk; small ones are joined, since each would cost many times its size by itself, uncounted.
fn push(chunks: &mut Vec<Bytes>, small: &mut BytesMut, chunk: Bytes) {
    if chunk.len() < SMALL_CHUNK {
        small.extend_from_slice(&chunk);
        if small.len() >= SMALL_CHUNK {
            chunks.push(small.split().freeze());
        }
        return;
    }
    flush(chunks, small);
    chunks.push(chunk);
}

fn flush(chunks: &mut Vec<Bytes>, small: &mut BytesMut) {
    if !small.is_empty() {
        chunks.push(small.split().freeze());
    }
}

const SMALL_CHUNK: usize = 4096;

/// Reads and throws away what is left of a body, within [`DISCARDED_BYTES`] and a second of time: a client that is still
/// sending when the connection is closed never sees the answer.
pub(crate) async fn discard(body: &mut Incoming) {
    let mut bytes = DISCARDED_BYTES;
    let deadline = Instant::now() + Duration::from_secs(1);
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if length > bytes {
            break;
        }
        bytes -= length;
    }
}

const DISCARDED_BYTES: usize = 16 << 20;

/// The body without its encoding; at most `limit` bytes.
pub(crate) fn decode(encoding: Encoding, chunks: Vec<Bytes>, limit: usize) -> Result<Bytes, Refusal> {
    let mut source = Chunks { chunks, at: 0 };
    let malformed = |error: io::Error| {
        let text = format!("the body is not what its content encoding ({encoding:?}) says: {error}");
        Refusal::new(StatusCode::BAD_REQUEST, text).grpc(Code::Internal)
    };
    let mut body = Vec::new();
    match encoding {
        Encoding::Identity => return Ok(source.join()),
        Encoding::Gzip => {
            let mut decoder = flate2::bufread::MultiGzDecoder::new(source);
            read_within(&mut decoder, &mut body, limit).map_err(malformed)?;
        }
        Encoding::Deflate => inflate(&mut source, &mut body, limit).map_err(malformed)?,
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source).map_err(malformed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(malformed)?;
            read_within(&mut decoder, &mut body, limit).map_err(malformed)?;
        }
    }
    if body.len() > limit {
        return Err(too_large("after decompression", limit));
    }
    body.shrink_to_fit();
    Ok(body.into())
}

pub(crate) fn too_large(when: &str, limit: usize) -> Refusal {
    let text = format!("the body is over {limit} bytes {when}: send fewer spans a request");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

fn read_within(decoder: &mut impl Read, body: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    decoder.take(limit as u64 + 1).read_to_end(body)?;
    Ok(())
}

/// zlib or raw deflate, told apart by zlib's header check. The stream must end where the body ends: the decoders of
/// flate2 take a cut stream for a finished one.
fn inflate(source: &mut Chunks, body: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    let mut state = Decompress::new(source.looks_like_zlib());
    let mut piece = vec![0; 32 << 10];
    loop {
        let input = source.fill_buf()?;
        let at_end = input.is_empty();
        let (read_before, written_before) = (state.total_in(), state.total_out());
        let flush = if at_end {
            FlushDecompress::Finish
        } else {
            FlushDecompress::None
        };
        let status = state.decompress(input, &mut piece, flush).map_err(io::Error::other)?;
        let read = usize::try_from(state.total_in() - read_before).map_err(io::Error::other)?;
        let written = usize::try_from(state.total_out() - written_before).map_err(io::Error::other)?;
        source.consume(read);
        body.extend_from_slice(&piece[..written]);
        if body.len() > limit {
            return Ok(());
        }
        if status == Status::StreamEnd {
            return match source.fill_buf()? {
                [] => Ok(()),
                _ => Err(io::Error::other("bytes after the end of the compressed stream")),
            };
        }
        if at_end && written == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the compressed stream is cut",
            ));
        }
    }
}

/// RFC 9659: a decoder of the zstd content encoding supports windows up to 8 MB, an encoder uses none larger.
const ZSTD_WINDOW_LOG: u32 = 23;

/// The chunks of a body as one reader; a chunk that is read is freed.
struct Chunks {
    chunks: Vec<Bytes>,
    at: usize,
}

impl Chunks {
    fn join(mut self) -> Bytes {
        if self.chunks.len() == 1 {
            return self.chunks.swap_remove(0);
        }
        let mut joined = Vec::with_capacity(self.chunks.iter().map(Bytes::len).sum());
        for chunk in self.chunks {
            joined.extend_from_slice(&chunk);
        }
        joined.into()
    }

    fn looks_like_zlib(&self) -> bool {
        let mut first = self.chunks.iter().flatten().take(2).map(|byte| u16::from(*byte));
        match (first.next(), first.next()) {
            (Some(method), Some(flags)) => method & 0x0f == 8 && (method << 8 | flags) % 31 == 0,
            _ => false,
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at < self.chunks.len() && self.chunks[self.at].is_empty() {
            self.at += 1;
        }
        Ok(self.chunks.get(self.at).map_or(&[], Bytes::as_ref))
    }

    fn consume(&mut self, count: usize) {
        if count > 0 {
            let chunk = &mut self.chunks[self.at];
            *chunk = chunk.slice(count..);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;

    use super::*;

    fn compress(encoding: Encoding, plain: &[u8]) -> Vec<u8> {
        match encoding {
            Encoding::Identity => plain.to_vec(),
            Encoding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
                encoder
                    .write_all(plain)
                    .and_then(|()| encoder.finish())
                    .expect("in memory")
            }
            Encoding::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder
                    .write_all(plain)
                    .and_then(|()| encoder.finish())
                    .expect("in memory")
            }
            Encoding::Zstd => zstd::encode_all(plain, 1).expect("in memory"),
        }
    }

    fn split(bytes: &[u8], size: usize) -> Vec<Bytes> {
        bytes.chunks(size).map(Bytes::copy_from_slice).collect()
    }

    fn plain() -> Vec<u8> {
        (0_u32..20_000).flat_map(|number| (number / 7).to_le_bytes()).collect()
    }

    const COMPRESSED: [Encoding; 3] = [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd];

    #[test]
    fn each_encoding_gives_the_plain_body_however_it_is_cut() {
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
            let compressed = compress(encoding, &plain());
            for size in [1, 7, 1000, usize::MAX] {
                let body = decode(encoding, split(&compressed, size), 1 << 20).expect("valid");
                assert!(body == plain(), "{encoding:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn raw_deflate_is_understood() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        let raw = encoder
            .write_all(&plain())
            .and_then(|()| encoder.finish())
            .expect("in memory");
        assert!(decode(Encoding::Deflate, split(&raw, 100), 1 << 20).expect("valid") == plain());
    }

    #[test]
    fn several_gzip_members_and_zstd_frames_are_one_body() {
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            let mut twice = compress(encoding, &plain());
            twice.extend(compress(encoding, &plain()));
            let body = decode(encoding, split(&twice, 999), 1 << 20).expect("valid");
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
                let refusal = decode(encoding, cut, 1000).expect_err("cut");
                assert_eq!(refusal.status, StatusCode::BAD_REQUEST, "{encoding:?} cut at {length}");
            }
        }
    }

    #[test]
    fn bomb_is_refused_at_its_limit() {
        let zeros = vec![0; 2 << 20];
        for encoding in COMPRESSED {
            let bomb = compress(encoding, &zeros);
            assert!(bomb.len() < 20 << 10, "{encoding:?}");
            let refusal = decode(encoding, split(&bomb, 4096), 1 << 16).expect_err("too large");
            assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
            assert!(
                decode(encoding, split(&bomb, 4096), 2 << 20).is_ok(),
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
                decode(encoding, split(&compressed, 4096), 1 << 20).is_err(),
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn small_chunks_are_joined_in_order() {
        let (mut chunks, mut small) = (Vec::new(), BytesMut::new());
        let plain = plain();
        let (first, rest) = plain.split_at(10_000);
        let (second, third) = rest.split_at(20_000);
        for byte in first {
            push(&mut chunks, &mut small, Bytes::copy_from_slice(&[*byte]));
        }
        push(&mut chunks, &mut small, Bytes::copy_from_slice(second));
        for byte in third {
            push(&mut chunks, &mut small, Bytes::copy_from_slice(&[*byte]));
        }
        flush(&mut chunks, &mut small);
        assert!(chunks.len() < plain.len() / SMALL_CHUNK + 3, "{}", chunks.len());
        assert!(chunks.concat() == plain);
    }
}
