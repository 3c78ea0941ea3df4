//! Compression of a whole body, by an encoder that is kept between bodies.
//!
//! Making a context costs more than compressing a small body by it. One of each kind is kept for the process: who compresses takes it
//! out, and puts it back after. Whoever finds none makes one.

use std::sync::Mutex;

use flate2::{Compress, Compression as Level, Crc, FlushCompress, Status};
use zstd::bulk::Compressor;

/// The encoder of the last body. Its lock is only tried, never waited for: a fork may have caught it locked.
struct Spare<T>(Mutex<Option<T>>);

impl<T> Spare<T> {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn take(&self) -> Option<T> {
        self.0.try_lock().ok()?.take()
    }

    fn keep(&self, encoder: T) {
        if let Ok(mut spare) = self.0.try_lock() {
            *spare = Some(encoder);
        }
    }
}

static ZLIB: Spare<Compress> = Spare::new();
static RAW: Spare<Compress> = Spare::new();
static ZSTD: Spare<Compressor<'static>> = Spare::new();

/// gzip of one member: without a name or a time, from an unknown system.
pub fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut packed = room(body);
    packed.extend_from_slice(&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]);
    deflate(&RAW, false, body, &mut packed)?;
    let mut sum = Crc::new();
    sum.update(body);
    packed.extend_from_slice(&sum.sum().to_le_bytes());
    packed.extend_from_slice(&sum.amount().to_le_bytes());
    Some(packed)
}

/// zlib.
pub fn zlib(body: &[u8]) -> Option<Vec<u8>> {
    let mut packed = room(body);
    deflate(&ZLIB, true, body, &mut packed)?;
    Some(packed)
}

/// Zstandard of one frame.
pub fn zstd(body: &[u8]) -> Option<Vec<u8>> {
    let spare = ZSTD.take();
    let mut encoder = match spare {
        Some(encoder) => encoder,
        None => Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL).ok()?,
    };
    let packed = encoder.compress(body).ok()?; // an encoder that failed is not kept
    ZSTD.keep(encoder);
    Some(packed)
}

/// Appends the deflated body to `packed`.
fn deflate(kept: &Spare<Compress>, has_header: bool, body: &[u8], packed: &mut Vec<u8>) -> Option<()> {
    let spare = kept.take();
    let mut encoder = spare.unwrap_or_else(|| Compress::new(LEVEL, has_header));
    encoder.reset();
    let mut rest = body;
    loop {
        if packed.capacity() - packed.len() < LEAST_ROOM {
            packed.reserve(packed.capacity().max(LEAST_ROOM));
        }
        let (before, length) = (encoder.total_in(), packed.len());
        let status = encoder.compress_vec(rest, packed, FlushCompress::Finish).ok()?;
        let read = usize::try_from(encoder.total_in() - before).ok()?;
        rest = &rest[read..];
        if status == Status::StreamEnd {
            kept.keep(encoder);
            return Some(());
        }
        if read == 0 && packed.len() == length {
            return None; // with input and room it makes nothing: it would go on so for ever
        }
    }
}

/// Spans compress about ten to one.
fn room(body: &[u8]) -> Vec<u8> {
    Vec::with_capacity(body.len() / 8 + LEAST_ROOM)
}

const LEAST_ROOM: usize = 64;

/// zlib's own default: what other SDKs and the Go collector use.
const LEVEL: Level = Level::new(6);

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::thread;

    use flate2::read::{GzDecoder, ZlibDecoder};
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    /// Kept encoders make of `body` what fresh ones make of it, and it inflates to the same.
    fn check(body: &[u8]) {
        let fresh = |has_header| {
            let mut packed = room(body);
            deflate(&Spare::new(), has_header, body, &mut packed).expect("compressed");
            packed
        };
        let packed = gzip(body).expect("compressed");
        assert!(
            packed[10..packed.len() - 8] == fresh(false),
            "gzip of {} bytes",
            body.len()
        );
        let mut plain = Vec::new();
        GzDecoder::new(&packed[..])
            .read_to_end(&mut plain)
            .expect("valid, with its sum");
        assert!(plain == body, "gzip of {} bytes", body.len());
        let packed = zlib(body).expect("compressed");
        assert!(packed == fresh(true), "zlib of {} bytes", body.len());
        plain.clear();
        ZlibDecoder::new(&packed[..]).read_to_end(&mut plain).expect("valid");
        assert!(plain == body, "zlib of {} bytes", body.len());
        let fresh = zstd::bulk::compress(body, zstd::DEFAULT_COMPRESSION_LEVEL);
        assert!(zstd(body) == fresh.ok(), "zstd of {} bytes", body.len());
    }

    #[test]
    fn a_small_body_is_what_flate2_makes_of_it() {
        let body = text(3, 4096);
        let mut encoder = GzEncoder::new(Vec::new(), LEVEL);
        encoder.write_all(&body).expect("in memory");
        assert_eq!(gzip(&body), encoder.finish().ok());
        let mut encoder = ZlibEncoder::new(Vec::new(), LEVEL);
        encoder.write_all(&body).expect("in memory");
        assert_eq!(zlib(&body), encoder.finish().ok());
    }

    /// Text of few words: compressible, and other for each seed.
    fn text(seed: u64, length: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(seed);
        let words = ["http.method", "GET", "/orders/", "\u{0}\u{1}", "42", "server"];
        let mut text = Vec::new();
        while text.len() < length {
            text.extend_from_slice(words[random.usize(..words.len())].as_bytes());
            text.push(random.u8(..));
        }
        text.truncate(length);
        text
    }

    #[test]
    fn nothing_of_one_body_is_in_the_next() {
        for (seed, length) in [1, 4096, 2_000_000, 0, 3, 300_000, 4096, 70_000, 1]
            .into_iter()
            .enumerate()
        {
            check(&text(seed as u64, length));
        }
    }

    #[test]
    fn a_body_that_does_not_shrink_is_whole() {
        let mut random = fastrand::Rng::with_seed(7);
        let body: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
        check(&body);
    }

    #[test]
    fn threads_that_compress_at_once_do_not_share_an_encoder() {
        thread::scope(|scope| {
            for seed in 0..4 {
                scope.spawn(move || (0..50).for_each(|round| check(&text(seed * 100 + round, 5000))));
            }
        });
    }

    #[test]
    fn an_encoder_whose_lock_a_fork_has_caught_is_not_waited_for() {
        let kept: Spare<Compress> = Spare::new();
        let caught = kept.0.lock().expect("unpoisoned");
        let mut packed = Vec::new();
        deflate(&kept, true, b"spans", &mut packed).expect("compressed");
        assert_eq!(Some(packed), zlib(b"spans"));
        drop(caught);
        assert!(kept.take().is_none());
    }

    proptest! {
        #[test]
        fn bytes_are_those_of_a_fresh_encoder(body in prop::collection::vec(any::<u8>(), 0..6000)) {
            check(&body);
        }
    }
}
