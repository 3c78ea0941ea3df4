//! Decompression within a bound: at most one byte more than allowed is made before it stops, so a bomb costs its limit and no more.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

/// gzip of one or more members.
pub fn gzip(source: Chunks, body: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    read_within(&mut MultiGzDecoder::new(source), body, limit)
}

/// Zstandard of one or more frames.
pub fn zstd(source: Chunks, body: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    read_within(&mut decoder, body, limit)
}

fn read_within(decoder: &mut impl Read, body: &mut Vec<u8>, limit: usize) -> io::Result<()> {
    decoder.take(limit as u64 + 1).read_to_end(body)?;
    Ok(())
}

/// zlib or raw deflate, told apart by zlib's header check. The stream must end where the body ends: the decoders of
/// flate2 take a cut stream for a finished one.
pub fn inflate(mut source: Chunks, body: &mut Vec<u8>, limit: usize) -> io::Result<()> {
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
pub struct Chunks {
    chunks: Vec<Bytes>,
    at: usize,
}

impl Chunks {
    /// From the first to the last.
    pub fn new(chunks: Vec<Bytes>) -> Self {
        Self { chunks, at: 0 }
    }

    /// All of them as one.
    pub fn join(mut self) -> Bytes {
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
