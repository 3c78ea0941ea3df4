//! The format of segment files, version 1. All numbers are little-endian.
//!
//! A file is a page of header, then blocks of equal length. A block is a page of header, `heads_len` bytes for groups, then frames as a
//! queue's chunk has them: each as in `ScopeSpans` (tag, length, `Span` message), and before the first of another group a marker of two
//! bytes, 0 and the group's number in the block.
//!
//! What is in a block counts only below its committed word. The header of a file never changes after it was named; the words of a
//! block's header change by one store each.

use std::fmt;

/// What this crate writes, and the newest that it reads.
pub const VERSION: u32 = 1;
/// The unit of headers.
pub const PAGE: usize = 4096;
/// How file names end.
pub const SUFFIX: &str = "spans";

const MAGIC: [u8; 8] = *b"spanwire";

/// Where a block's words are in its header; each has a line of the caches for itself.
pub mod word {
    /// What the block is: [`super::FREE`], [`super::USED`].
    pub const STATE: usize = 0;
    /// Of all blocks of the process, the number of this one.
    pub const NUMBER: usize = 64;
    /// Frames (upper half) and bytes (lower half) that are committed.
    pub const COMMITTED: usize = 128;
    /// The first so many frames are acknowledged: [`super::twice`].
    pub const DONE: usize = 192;
    /// Groups (upper half) and their bytes (lower half).
    pub const GROUPS: usize = 256;
    /// Two seals: bytes of frames (upper half) and the checksum of them (lower half). One stays as the last sync left it while the other
    /// is written: when the power fails, the frames of the newer may not be there.
    pub const SEALS: [usize; 2] = [320, 384];
    /// When the block was begun, in nanoseconds since the Unix epoch.
    pub const BEGUN: usize = 448;
    /// Bytes from one to the next.
    pub const LINE: usize = 64;
    /// All of them, in order.
    pub const ALL: [usize; 8] = [STATE, NUMBER, COMMITTED, DONE, GROUPS, SEALS[0], SEALS[1], BEGUN];
}

/// Nothing in the block is needed.
pub const FREE: u64 = 0;
/// What is committed and not acknowledged is to be delivered.
pub const USED: u64 = u64::from_le_bytes(*b"in use\0\0");

/// How the blocks of a file lie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shape {
    /// How many they are.
    pub blocks: u32,
    /// Bytes of each, header and groups included.
    pub block_len: usize,
    /// Bytes for groups in each.
    pub heads_len: usize,
}

impl Shape {
    /// What most files have: a frame is small.
    pub const USUAL: Self = Self {
        blocks: 16,
        block_len: 1 << 20,
        heads_len: 64 << 10,
    };

    /// A file for one block that has room for so many bytes of frames and groups.
    #[must_use]
    pub fn for_one(frames: usize, heads: usize) -> Self {
        let heads_len = heads.max(Self::USUAL.heads_len).next_multiple_of(PAGE);
        Self {
            blocks: 1,
            block_len: PAGE + heads_len + frames.next_multiple_of(PAGE),
            heads_len,
        }
    }

    /// Whether a file can have it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_paged = self.block_len.is_multiple_of(PAGE) && self.heads_len.is_multiple_of(PAGE);
        let has_room = self
            .heads_len
            .checked_add(PAGE)
            .is_some_and(|begin| begin < self.block_len);
        is_paged && has_room && u32::try_from(self.block_len).is_ok() && self.blocks > 0 && self.blocks <= 1 << 16
    }

    /// Bytes of the file.
    #[must_use]
    pub fn file_len(&self) -> usize {
        PAGE + self.blocks_len()
    }

    /// Bytes of the blocks of a file.
    #[must_use]
    pub fn blocks_len(&self) -> usize {
        self.blocks as usize * self.block_len
    }

    /// Bytes of a block for frames.
    #[must_use]
    pub fn frames_len(&self) -> usize {
        self.block_len - PAGE - self.heads_len
    }

    /// Where a block begins.
    #[must_use]
    pub fn block(&self, index: u32) -> usize {
        PAGE + index as usize * self.block_len
    }

    /// Where a block's groups begin.
    #[must_use]
    pub fn heads(&self, index: u32) -> usize {
        self.block(index) + PAGE
    }

    /// Where a block's frames begin.
    #[must_use]
    pub fn frames(&self, index: u32) -> usize {
        self.heads(index) + self.heads_len
    }
}

/// The header of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// How its blocks lie.
    pub shape: Shape,
    /// When it was made, in nanoseconds since the Unix epoch.
    pub created: u64,
    /// The process that made it: a random number.
    pub process: u128,
    /// The run of the system in which it was made: [`crate::boot::id`].
    pub boot: u128,
}

/// Why a file cannot be read at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadHeader {
    /// It is none of ours, or its beginning is lost.
    Foreign,
    /// It is of a newer version.
    Newer(u32),
    /// Its checksum does not fit.
    Damaged,
}

impl fmt::Display for BadHeader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => out.write_str("it is no file of spans, or its beginning is lost"),
            Self::Newer(version) => write!(out, "it is of version {version}; this spanwire reads up to {VERSION}"),
            Self::Damaged => out.write_str("its header is damaged"),
        }
    }
}

const LEN: usize = 76;

impl Header {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.shape.blocks.to_le_bytes());
        bytes[16..24].copy_from_slice(&(self.shape.block_len as u64).to_le_bytes());
        bytes[24..32].copy_from_slice(&(self.shape.heads_len as u64).to_le_bytes());
        bytes[32..40].copy_from_slice(&self.created.to_le_bytes());
        bytes[40..56].copy_from_slice(&self.process.to_le_bytes());
        bytes[56..72].copy_from_slice(&self.boot.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..72]);
        bytes[72..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// What is assumed of a file whose header is lost.
    pub(crate) fn lost() -> Self {
        Self {
            shape: Shape::USUAL,
            created: 0,
            process: 0,
            boot: 0,
        }
    }

    /// Whether the run of the system in it is that one, whatever the rest is.
    pub(crate) fn names_boot(bytes: &[u8], boot: u128) -> bool {
        bytes.get(56..72) == Some(&boot.to_le_bytes())
    }

    /// Reads it from a file's first bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        let bytes: &[u8; LEN] = bytes.first_chunk().ok_or(BadHeader::Foreign)?;
        if bytes[..8] != MAGIC {
            return Err(BadHeader::Foreign);
        }
        let version = u32::from_le_bytes(part(bytes, 8));
        if version > VERSION {
            return Err(BadHeader::Newer(version));
        }
        let shape = Shape {
            blocks: u32::from_le_bytes(part(bytes, 12)),
            block_len: usize::try_from(u64::from_le_bytes(part(bytes, 16))).map_err(|_| BadHeader::Damaged)?,
            heads_len: usize::try_from(u64::from_le_bytes(part(bytes, 24))).map_err(|_| BadHeader::Damaged)?,
        };
        let sum = u32::from_le_bytes(part(bytes, 72));
        if version == 0 || sum != crc32fast::hash(&bytes[..72]) || !shape.is_sound() {
            return Err(BadHeader::Damaged);
        }
        Ok(Self {
            shape,
            created: u64::from_le_bytes(part(bytes, 32)),
            process: u128::from_le_bytes(part(bytes, 40)),
            boot: u128::from_le_bytes(part(bytes, 56)),
        })
    }
}

fn part<const N: usize>(bytes: &[u8; LEN], at: usize) -> [u8; N] {
    std::array::from_fn(|offset| bytes[at + offset])
}

/// The checksum of a block's frames, or the first of them. It is of that block of the process: what was there before it is no other's.
#[must_use]
pub fn checksum(number: u64, frames: &[u8]) -> u32 {
    let mut sum = checksum_of(number);
    sum.update(frames);
    sum.finalize()
}

/// The same, of no frames so far.
#[must_use]
pub fn checksum_of(number: u64) -> crc32fast::Hasher {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&number.to_le_bytes());
    sum
}

/// Two halves of a word.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn halves(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

/// A word of two halves.
#[must_use]
pub fn joined(upper: u32, lower: u32) -> u64 {
    u64::from(upper) << 32 | u64::from(lower)
}

/// A number and its complement: a flipped bit is seen, where nothing else says what is right.
#[must_use]
pub fn twice(number: u32) -> u64 {
    joined(!number, number)
}

/// The number, of a word that [`twice`] made, or that was never written; none if it is damaged.
#[must_use]
pub fn once(word: u64) -> Option<u32> {
    let (complement, number) = halves(word);
    (word == 0 || complement == !number).then_some(number)
}
