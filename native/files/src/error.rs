//! What can be wrong with a file, and where.

use std::error::Error;
use std::fmt;
use std::io;

/// Why reading ended before the file did.
#[derive(Debug)]
pub enum FileError {
    /// The source cannot be read.
    Source(io::Error),
    /// The bytes are not what they should be.
    Broken(Broken),
}

/// The first malformed item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Bytes from the start of the file, after decompression.
    pub offset: u64,
    /// Whether the file is compressed, so that the offset is not the file's own.
    pub unpacked: bool,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = if self.unpacked { " after decompression" } else { "" };
        write!(f, "broken at byte {}{after}: {}", self.offset, self.what)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Broken(broken) => broken.fmt(f),
        }
    }
}

impl Error for FileError {}

/// Marks an error of the source itself among those of the decompressors above it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct SourceFailed(pub io::Error);

/// More came out of a decompressor than is allowed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("more than the limit of {0} bytes after decompression")]
pub(crate) struct TooLarge(pub u64);

/// The source's own error, if it is one.
pub(crate) fn of_source(error: io::Error) -> Result<io::Error, io::Error> {
    error.downcast::<SourceFailed>().map(|failed| failed.0)
}
