//! Bytes of a source, looked at before they are taken.

use std::io::{self, BufRead, Read};

/// The largest message in memory: in protobuf without lengths the spans of a resource, else a request.
pub const MAX_MESSAGE: usize = 1 << 30;

/// How much is asked of the source at once: at first, and twice as much each time up to the most. Many sources are small.
const FIRST_CHUNK: usize = 4 << 10;
const CHUNK: usize = 256 << 10;

/// A source with what was read of it and not yet taken. An error of the source waits until all before it is taken.
pub struct Input {
    source: Box<dyn Read + Send + Sync>,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were taken.
    taken: usize,
    position: u64,
    chunk: usize,
    ended: bool,
    failure: Option<io::Error>,
}

impl Input {
    /// What `source` gives.
    #[must_use]
    pub fn new(source: Box<dyn Read + Send + Sync>) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            taken: 0,
            position: 0,
            chunk: FIRST_CHUNK,
            ended: false,
            failure: None,
        }
    }

    /// Reads until so many bytes wait, or no more come. The buffer grows with what comes, not with what is wanted.
    pub fn fill(&mut self, wanted: usize) -> &[u8] {
        while self.buffered().len() < wanted && !self.ended {
            self.read_chunk();
        }
        self.buffered()
    }

    /// What waits to be taken.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    /// Takes so many of the waiting bytes.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.buffered().len());
        self.taken += count;
        self.position += count as u64;
    }

    /// Bytes taken so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Why no more comes, if it is not the end.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    fn read_chunk(&mut self) {
        if self.taken > 0 && self.taken >= self.buffer.len() / 2 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        let before = self.buffer.len();
        self.buffer.resize(before + self.chunk, 0);
        let read = loop {
            match self.source.read(&mut self.buffer[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let count = read.as_ref().map_or(0, |count| (*count).min(self.chunk));
        self.buffer.truncate(before + count);
        self.chunk = (self.chunk * 2).min(CHUNK);
        match read {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) => {
                self.ended = true;
                self.failure = Some(error);
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.fill(1).is_empty()
            && let Some(error) = self.failure.take()
        {
            return Err(error);
        }
        Ok(self.buffered())
    }

    fn consume(&mut self, count: usize) {
        Self::consume(self, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, then an error.
    struct Drip(&'static [u8]);

    impl Read for Drip {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let (first, rest) = self.0.split_first().ok_or_else(|| io::Error::other("dry"))?;
            self.0 = rest;
            into[0] = *first;
            Ok(1)
        }
    }

    #[test]
    fn what_came_before_an_error_can_be_taken() {
        let mut input = Input::new(Box::new(Drip(b"abc")));
        assert_eq!(input.fill(2), b"ab");
        input.consume(1);
        assert_eq!(input.fill(100), b"bc");
        input.consume(100);
        assert_eq!((input.position(), input.fill(1)), (3, &b""[..]));
        assert_eq!(input.fill_buf().expect_err("dry").to_string(), "dry");
        assert!(input.fill_buf().expect("said once").is_empty());
    }
}
