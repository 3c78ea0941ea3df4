//! A request's body: read within limits, then decompressed within limits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use spanwire_net::compression::{Compression, DecompressError};
use spanwire_net::grpc::Code;
use tokio::time::{Instant, timeout_at};

use crate::config::Limits;
use crate::refusal::Refusal;

/// From the Content-Encoding header.
pub(crate) fn encoding(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(value) = values.next() else {
        return Ok(Compression::None);
    };
    named(value).filter(|_| values.next().is_none()).ok_or_else(|| {
        Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("content encoding {value:?} is not supported: send identity, gzip, deflate or zstd"),
        )
    })
}

/// By its name in a header.
pub(crate) fn named(value: &HeaderValue) -> Option<Compression> {
    Compression::from_header(value.to_str().ok()?)
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
pub(crate) fn decode(encoding: Compression, chunks: Vec<Bytes>, limit: usize) -> Result<Bytes, Refusal> {
    encoding.decompress(chunks, limit).map_err(|error| match error {
        DecompressError::TooLarge => too_large("after decompression", limit),
        DecompressError::Malformed(error) => {
            let text = format!("the body is not what its content encoding ({encoding:?}) says: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, text).grpc(Code::Internal)
        }
    })
}

pub(crate) fn too_large(when: &str, limit: usize) -> Refusal {
    let text = format!("the body is over {limit} bytes {when}: send fewer spans a request");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Vec<u8> {
        (0_u32..20_000).flat_map(|number| (number / 7).to_le_bytes()).collect()
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
