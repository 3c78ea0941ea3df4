//! [`Segment`]: a file of blocks.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crc32fast::Hasher;
use rustix::fs::{FallocateFlags, fallocate};

use spanwire_ground::Here;

use crate::ffi::Mapping;
use crate::folder::now;
use crate::format::{self, FREE, Header, PAGE, SUFFIX, USED, word};
use crate::synced;

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

/// A bound on the size of files (`RLIMIT_FSIZE`) would be a signal that ends the process, when a file gets its length or is written to: it
/// is asked before.
fn check_bound(len: u64) -> io::Result<()> {
    let most = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    if most.is_some_and(|most| most < len) {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "the system's bound on the size of files (ulimit -f) is too low",
        ));
    }
    Ok(())
}

/// A file of blocks, mapped; or, where that is not safe, as it is to be, in memory.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    pub header: Header,
    /// Let go only in the process that made it: in a child its memory may be another's by now.
    pub mapping: Here<Mapping>,
    /// Device and inode.
    identity: (u64, u64),
    /// What was committed when the disk was told last.
    synced: AtomicU64,
    /// Of each block.
    seals: Mutex<Box<[Seal]>>,
    /// Of each block, taken while it is read beside its writer: until then it is not begun anew.
    reading: Box<[Mutex<()>]>,
    /// If what is committed does not get into the file by itself.
    written: Option<Written>,
    /// It was deleted, or its folder was.
    is_lost: AtomicBool,
}

type Words = [u64; word::ALL.len()];

/// A file that is written to by write(2). What is mapped needs no descriptor: children would inherit it, and with it the room of a file
/// that is removed, and the process may have few.
#[derive(Debug)]
struct Written {
    file: File,
    /// Of each block, the words in the file.
    words: Mutex<Box<[Words]>>,
}

/// What was sealed of a block.
#[derive(Clone, Debug, Default)]
struct Seal {
    /// The block's number, and bytes of frames.
    number: u64,
    bytes: u32,
    /// Of those: goes on when there are more.
    sum: Option<Hasher>,
    /// In which of the two words.
    last: usize,
    /// In which of them the last sync found it: that one is not written to.
    kept: usize,
    /// The number under which its memory was let go.
    forgotten: u64,
}

impl Segment {
    /// Makes the file `number` of a folder: all of it is allocated and, if it is to be mapped, touched; it is named when its header is
    /// there, on the disk, if `is_synced`.
    pub fn create(folder: &Path, number: u64, header: Header, is_mapped: bool, is_synced: bool) -> io::Result<Self> {
        let len = header.shape.file_len();
        let temporary = folder.join(format!("{number:016x}.new"));
        let made = Self::make(&temporary, len, &header, is_mapped, is_synced).and_then(|(file, mapping)| {
            let path = folder.join(format!("{number:016x}.{SUFFIX}"));
            std::fs::rename(&temporary, &path)?;
            if is_synced {
                synced::folder(folder).inspect_err(|_| {
                    let _ = std::fs::remove_file(&path);
                })?;
            }
            let found = file.metadata()?;
            Ok(Self {
                path,
                header,
                mapping: Here::new(mapping),
                identity: (found.dev(), found.ino()),
                synced: AtomicU64::new(0),
                seals: Mutex::new(vec![Seal::default(); header.shape.blocks as usize].into()),
                reading: (0..header.shape.blocks).map(|_| Mutex::new(())).collect(),
                written: (!is_mapped).then(|| Written {
                    file,
                    words: Mutex::new(vec![Words::default(); header.shape.blocks as usize].into()),
                }),
                is_lost: AtomicBool::new(false),
            })
        });
        if made.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        made
    }

    fn make(path: &Path, len: usize, header: &Header, is_mapped: bool, is_synced: bool) -> io::Result<(File, Mapping)> {
        check_bound(len as u64)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        // Not a sparse file: to write into a hole of a full disk is a SIGBUS. By write(2) it is an error, which is told.
        let allocated = fallocate(&file, FallocateFlags::empty(), 0, len as u64);
        if is_mapped {
            allocated?;
        } else if allocated.is_err() {
            file.set_len(len as u64)?;
        }
        file.write_all_at(&header.encode(), 0)?;
        if is_synced {
            synced::file(&file, path)?; // before all pages are touched: it is one
        }
        if !is_mapped {
            return Ok((file, Mapping::anonymous(len)?));
        }
        let mapped = Mapping::new(&file, len)?;
        Ok((file, mapped))
    }

    /// It is not where it can be found any more.
    pub fn lose(&self) {
        self.is_lost.store(true, Ordering::Release);
    }

    /// Whether it was said so.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// Whether it has its name no more.
    pub fn is_deleted(&self) -> bool {
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) => (found.dev(), found.ino()) != self.identity,
            Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        }
    }

    /// A word of a block's header.
    pub fn word(&self, block: u32, word: usize) -> &AtomicU64 {
        self.mapping.word(self.header.shape.block(block) + word)
    }

    /// Makes a block a new one: empty, of that number.
    pub fn begin(&self, block: u32, number: u64) {
        let _not_read = self.reading(block);
        self.word(block, word::STATE).store(FREE, Ordering::Release);
        let [one, other] = word::SEALS;
        for zero in [word::COMMITTED, word::DONE, word::GROUPS, one, other] {
            self.word(block, zero).store(0, Ordering::Release);
        }
        self.word(block, word::NUMBER).store(number, Ordering::Release);
        self.word(block, word::BEGUN).store(now(), Ordering::Release);
        self.word(block, word::STATE).store(USED, Ordering::Release);
    }

    fn reading(&self, block: u32) -> MutexGuard<'_, ()> {
        self.reading[block as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing in the block is needed.
    pub fn free(&self, block: u32) {
        self.word(block, word::STATE).store(FREE, Ordering::Release);
    }

    /// Whether nothing in the block is needed: it is free, or all of it is acknowledged.
    pub fn is_free(&self, block: u32) -> bool {
        let (frames, _) = format::halves(self.word(block, word::COMMITTED).load(Ordering::Acquire));
        self.word(block, word::STATE).load(Ordering::Acquire) == FREE
            || format::once(self.word(block, word::DONE).load(Ordering::Acquire)).is_some_and(|done| done >= frames)
    }

    /// Whether that is so of all its blocks.
    pub fn is_all_free(&self) -> bool {
        (0..self.header.shape.blocks).all(|block| self.is_free(block))
    }

    /// Adds a group to a block; false if there is no room.
    pub fn add_group(&self, block: u32, head: &[u8]) -> bool {
        let shape = self.header.shape;
        let (count, len) = format::halves(self.word(block, word::GROUPS).load(Ordering::Relaxed));
        let end = len as usize + head.len();
        let (Ok(end_word), true) = (u32::try_from(end), end <= shape.heads_len) else {
            return false;
        };
        self.mapping.write(shape.heads(block) + len as usize, head);
        self.word(block, word::GROUPS)
            .store(format::joined(count.saturating_add(1), end_word), Ordering::Release);
        true
    }

    /// The bytes of frames, or of groups, that a word says are there: no more than have room, whatever it says.
    fn bytes(&self, block: u32, word: usize) -> u32 {
        self.bounded(word, self.word(block, word).load(Ordering::Acquire))
    }

    fn bounded(&self, word: usize, value: u64) -> u32 {
        let shape = self.header.shape;
        let room = if word == word::GROUPS {
            shape.heads_len
        } else {
            shape.frames_len()
        };
        format::halves(value).1.min(u32::try_from(room).unwrap_or(u32::MAX))
    }

    /// Writes the checksum of what is committed, if it is not that already.
    fn seal(&self, block: u32, seal: &mut Seal) {
        let shape = self.header.shape;
        let _not_begun_anew = self.reading(block);
        let number = self.word(block, word::NUMBER).load(Ordering::Acquire);
        let bytes = self.bytes(block, word::COMMITTED);
        if (seal.number, seal.bytes) == (number, bytes) {
            return;
        }
        let (before, mut sum) = match seal.sum.take() {
            Some(sum) if seal.number == number && seal.bytes <= bytes => (seal.bytes, sum),
            _ => (0, format::checksum_of(number)),
        };
        let at = shape.frames(block);
        sum.update(&self.mapping.read(at + before as usize..at + bytes as usize));
        seal.last = 1 - seal.kept;
        self.word(block, word::SEALS[seal.last])
            .store(format::joined(bytes, sum.clone().finalize()), Ordering::Release);
        (seal.number, seal.bytes, seal.sum) = (number, bytes, Some(sum));
    }

    /// Seals all blocks that are in use, and lets go of the memory of those before `newest`, which are mostly complete.
    pub fn seal_all(&self, newest: u64) {
        let shape = self.header.shape;
        let mut seals = self.seals.lock().unwrap_or_else(PoisonError::into_inner);
        for (block, seal) in (0..shape.blocks).zip(&mut *seals) {
            let word = |word| self.word(block, word).load(Ordering::Acquire);
            if word(word::STATE) != USED {
                continue;
            }
            self.seal(block, seal); // older ones too: another queue may write to the same files
            if seal.number < newest && seal.forgotten != seal.number {
                self.mapping.forget(shape.heads(block)..shape.block(block + 1));
                seal.forgotten = seal.number;
            }
        }
    }

    /// Has what is in it written to the disk, if something was committed or sealed since the last time.
    ///
    /// # Errors
    /// If the disk says so.
    pub fn sync_if_changed(&self) -> io::Result<()> {
        let mut seals = self.seals.lock().unwrap_or_else(PoisonError::into_inner);
        let committed = (0..self.header.shape.blocks).map(|block| {
            let word = |word| self.word(block, word).load(Ordering::Acquire);
            if word(word::STATE) != USED {
                return 0;
            }
            let words = [word::COMMITTED, word::SEALS[0], word::SEALS[1]].map(word);
            words.iter().fold(word(word::NUMBER), |sum, word| {
                sum.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .rotate_left(29)
                    .wrapping_add(*word)
            })
        });
        let now = committed.fold(1, |sum: u64, word| sum.rotate_left(7) ^ word);
        if self.synced.load(Ordering::Acquire) != now {
            match &self.written {
                Some(written) => synced::file(&written.file, &self.path)?,
                None => synced::mapping(&self.mapping, &self.path)?,
            }
            self.synced.store(now, Ordering::Release);
            for seal in &mut *seals {
                seal.kept = seal.last;
            }
        }
        Ok(())
    }

    /// Writes what was committed since the last time, if it does not get into the file by itself: the bytes before the word for them.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_out(&self) -> io::Result<()> {
        let Some(written) = &self.written else { return Ok(()) };
        let mut all = written.words.lock().unwrap_or_else(PoisonError::into_inner);
        for (block, words) in (0..self.header.shape.blocks).zip(&mut *all) {
            self.write_block(&written.file, block, words)?;
        }
        Ok(())
    }

    fn write_block(&self, file: &File, block: u32, written: &mut Words) -> io::Result<()> {
        let shape = self.header.shape;
        let get = |words: &Words, word: usize| words[word / word::LINE];
        let not_begun_anew = self.reading(block);
        let words = word::ALL.map(|word| self.word(block, word).load(Ordering::Acquire));
        if words == *written {
            return Ok(());
        }
        let is_other = get(&words, word::NUMBER) != get(written, word::NUMBER);
        let to = |word| self.bounded(word, get(&words, word)) as usize;
        let before = |word| self.bounded(word, get(written, word)) as usize;
        let from = |word| if is_other { 0 } else { before(word).min(to(word)) };
        let frames_at = shape.frames(block) + from(word::COMMITTED);
        let heads_at = shape.heads(block) + from(word::GROUPS);
        let frames = self.mapping.read(frames_at..shape.frames(block) + to(word::COMMITTED));
        let heads = self.mapping.read(heads_at..shape.heads(block) + to(word::GROUPS));
        drop(not_begun_anew);
        let place = shape.block(block) as u64;
        if is_other && get(written, word::STATE) != FREE {
            let free = FREE.to_le_bytes();
            file.write_all_at(&free, place + word::STATE as u64)?;
            written[word::STATE / word::LINE] = FREE;
        }
        file.write_all_at(&heads, heads_at as u64)?;
        file.write_all_at(&frames, frames_at as u64)?;
        let mut page = [0; word::ALL.len() * word::LINE];
        for (word, value) in word::ALL.into_iter().zip(words) {
            page[word..word + 8].copy_from_slice(&value.to_le_bytes());
        }
        file.write_all_at(&page, place)?;
        *written = words;
        Ok(())
    }

    /// Removes the file; the mapping stays.
    pub fn remove(&self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}
