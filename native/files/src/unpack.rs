//! Compressions around a file, found by their first bytes and taken off as it is read.

use std::io::{self, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::{SourceFailed, TooLarge};
use crate::input::Input;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip, of one or more members.
    Gzip,
    /// Zstandard, of one or more frames.
    Zstd,
}

impl Compression {
    /// The compression of this name: `gzip` or `zstd`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// From the first bytes: no OTLP begins like these.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1F, 0x8B, 0x08, ..] => Some(Self::Gzip),
            // A frame, or one to skip.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Compressions in each other.
const MAX_LAYERS: usize = 4;

/// zstd's own limit for what does not announce more: 128 MB.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What is inside, and what was around it from the outside in. Each layer gives `limit` bytes at most, then an error.
pub fn unpack(source: Box<dyn Read + Send + Sync>, limit: u64) -> io::Result<(Input, Vec<Compression>)> {
    let mut input = Input::new(Box::new(Marked(source)));
    let mut layers = Vec::new();
    while layers.len() < MAX_LAYERS {
        let Some(compression) = Compression::detect(input.fill(4)) else {
            break;
        };
        layers.push(compression);
        let plain: Box<dyn Read + Send + Sync> = match compression {
            Compression::Gzip => Box::new(MultiGzDecoder::new(input)),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        };
        input = Input::new(Box::new(Limited {
            plain,
            limit,
            left: limit,
        }));
    }
    Ok((input, layers))
}

/// All that is inside `bytes`; with an error, what came before it.
pub(crate) fn unpack_all(bytes: &[u8], limit: u64) -> (Vec<u8>, Option<io::Error>) {
    let mut plain = Vec::new();
    let error = unpack(Box::new(Cursor::new(bytes.to_vec())), limit)
        .and_then(|(mut input, _)| input.read_to_end(&mut plain))
        .err();
    (plain, error)
}

/// Marks the errors of a source as its own.
struct Marked(Box<dyn Read + Send + Sync>);

impl Read for Marked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, SourceFailed(error)),
        })
    }
}

struct Limited {
    plain: Box<dyn Read + Send + Sync>,
    limit: u64,
    left: u64,
}

impl Read for Limited {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // One byte more than is left tells whether there is more.
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX);
        let room = into.len().min(most);
        let count = self.plain.read(&mut into[..room])?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(TooLarge(self.limit))),
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pack(compression: Compression, plain: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder
                    .write_all(plain)
                    .and_then(|()| encoder.finish())
                    .expect("in memory")
            }
            Compression::Zstd => zstd::encode_all(plain, 1).expect("in memory"),
        }
    }

    #[test]
    fn compressions_in_each_other_are_taken_off() {
        for outer in [Compression::Gzip, Compression::Zstd] {
            for inner in [Compression::Gzip, Compression::Zstd] {
                let packed = pack(outer, &pack(inner, b"\x0A\x00"));
                let (mut input, layers) = unpack(Box::new(Cursor::new(packed)), 1000).expect("opens");
                assert_eq!((input.fill(100), layers), (&b"\x0A\x00"[..], vec![outer, inner]));
            }
        }
    }

    #[test]
    fn several_members_and_frames_are_one_file() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let packed = [pack(compression, b"one "), pack(compression, b"two")].concat();
            let (plain, error) = unpack_all(&packed, 1000);
            assert!(error.is_none() && plain == b"one two", "{compression:?}: {error:?}");
        }
    }

    #[test]
    fn bombs_end_at_the_limit() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let bomb = pack(compression, &pack(compression, &vec![0; 1 << 20]));
            let (plain, error) = unpack_all(&bomb, 1 << 16);
            assert!(plain.len() <= 1 << 16);
            assert!(error.expect("too large").to_string().contains("65536 bytes"));
            let (plain, error) = unpack_all(&bomb, 1 << 20);
            assert!(error.is_none() && plain.len() == 1 << 20, "exactly the limit");
        }
    }

    #[test]
    fn what_a_cut_stream_holds_comes_before_its_error() {
        let plain: Vec<u8> = (0_u32..100_000).flat_map(|number| (number / 7).to_le_bytes()).collect();
        for compression in [Compression::Gzip, Compression::Zstd] {
            let packed = pack(compression, &plain);
            let (kept, error) = unpack_all(&packed[..packed.len() / 2], 1 << 20);
            assert!(
                error.is_some() && !kept.is_empty() && plain.starts_with(&kept),
                "{compression:?}"
            );
        }
    }
}
