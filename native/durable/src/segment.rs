//! [`Segment`]: a file of blocks.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crc32fast::Hasher;

use spanwire_ground::Here;

use crate::clock::now;
use crate::ffi::Mapping;
use crate::format::{self, FREE, Header, Shape, USED, word};
use crate::synced;

mod file;

use file::{Place, make_file};

/// A file of blocks, mapped; or, where that is not safe, as it is to be, in memory.
///
/// A standby is a segment of one block in memory, for a frame that cannot wait for a file: [`file`](Self::file) makes its file later.
#[derive(Debug)]
pub struct Segment {
    /// Of a standby: none until its file is made.
    place: OnceLock<Place>,
    pub header: Header,
    /// Let go only in the process that made it: in a child its memory may be another's by now.
    pub mapping: Here<Mapping>,
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
    /// Of a standby: its writer was told to go on elsewhere.
    is_to_be_left: AtomicBool,
    /// Of a standby: nothing more is written to its block.
    is_complete: AtomicBool,
}

type Words = [u64; word::ALL.len()];

/// A file that is written to by write(2). What is mapped needs no descriptor: children would inherit it, and with it the room of a file
/// that is removed, and the process may have few.
#[derive(Debug)]
struct Written {
    is_standby: bool,
    /// Of a standby: the word for what is committed, as it is in the file.
    stored: AtomicU64,
    /// Of a standby, taken while the file's pages take the place of memory, and by whoever stores into the block's header then.
    swap: Mutex<()>,
    /// Taken while the disk is waited for.
    copy: Mutex<Copy>,
}

/// What is in such a file.
#[derive(Debug)]
struct Copy {
    /// Of a standby: none until it is made.
    file: Option<File>,
    /// Of each block, the words in the file.
    words: Box<[Words]>,
    /// Nobody needs it any more: it is not made.
    is_removed: bool,
    /// The file's pages have taken the place of memory: there is nothing to write any more.
    is_mapped: bool,
}

impl Written {
    fn new(blocks: u32, file: Option<File>) -> Self {
        Self {
            is_standby: file.is_none(),
            stored: AtomicU64::new(0),
            swap: Mutex::new(()),
            copy: Mutex::new(Copy {
                file,
                words: vec![Words::default(); blocks as usize].into(),
                is_removed: false,
                is_mapped: false,
            }),
        }
    }

    fn swap(&self) -> MutexGuard<'_, ()> {
        self.swap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn copy(&self) -> MutexGuard<'_, Copy> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let map = |file: &File| {
            if is_mapped {
                Mapping::new(file, len)
            } else {
                Mapping::anonymous(len)
            }
        };
        let (place, file, mapping) = make_file(folder, number, &header, is_mapped, is_synced, map)?;
        let written = (!is_mapped).then(|| Written::new(header.shape.blocks, Some(file)));
        Ok(Self::new(header, mapping, OnceLock::from(place), written))
    }

    /// One block in memory, without a file so far.
    pub fn standby(shape: Shape) -> io::Result<Self> {
        let header = Header {
            shape,
            created: now(),
            process: 0,
            boot: 0,
        };
        let mapping = Mapping::anonymous(shape.file_len())?;
        Ok(Self::new(
            header,
            mapping,
            OnceLock::new(),
            Some(Written::new(shape.blocks, None)),
        ))
    }

    fn new(header: Header, mapping: Mapping, place: OnceLock<Place>, written: Option<Written>) -> Self {
        Self {
            place,
            mapping: Here::new(mapping),
            synced: AtomicU64::new(0),
            seals: Mutex::new(vec![Seal::default(); header.shape.blocks as usize].into()),
            reading: (0..header.shape.blocks).map(|_| Mutex::new(())).collect(),
            written,
            is_lost: AtomicBool::new(false),
            // What comes behind a large frame has a block of a file.
            is_to_be_left: AtomicBool::new(header.shape.frames_len() > Shape::USUAL.frames_len()),
            is_complete: AtomicBool::new(false),
            header,
        }
    }

    /// Whether its file is made after its memory was used, or was.
    pub fn is_standby(&self) -> bool {
        self.written.as_ref().is_some_and(|written| written.is_standby)
    }

    /// Whether there is a file, so far.
    pub fn is_filed(&self) -> bool {
        self.place.get().is_some()
    }

    /// Makes the file of a standby, as [`create`](Self::create), and writes there what is committed; nothing, if it has one or nobody needs it.
    ///
    /// # Errors
    /// If there is no file then, or what is committed is not in it.
    pub fn file(
        &self,
        folder: &Path,
        number: u64,
        header: Header,
        is_allocated: bool,
        is_synced: bool,
    ) -> io::Result<()> {
        let Some(written) = &self.written else { return Ok(()) };
        let mut copy = written.copy();
        if copy.file.is_none() && !copy.is_removed {
            let (place, file, ()) = make_file(folder, number, &header, is_allocated, is_synced, |_| Ok(()))?;
            copy.file = Some(file);
            let _ = self.place.set(place); // once
        }
        self.write_copy(written, &mut copy)
    }

    /// Whether its writer is to go on in another one.
    pub fn is_to_be_left(&self) -> bool {
        self.is_to_be_left.load(Ordering::Relaxed)
    }

    /// From now on its writer is; whether it writes there still.
    pub fn be_left(&self) -> bool {
        self.is_to_be_left.store(true, Ordering::Relaxed);
        !self.is_complete.load(Ordering::Acquire)
    }

    /// Nothing more is written to its one block.
    pub fn complete(&self) {
        self.is_complete.store(true, Ordering::Release);
    }

    /// Has the pages of its file take the place of the memory of a standby that is complete. Whether that is so, or never will be.
    ///
    /// # Errors
    /// If what is committed cannot be written, or the file not be mapped.
    pub fn settle(&self, may_be_mapped: bool) -> io::Result<bool> {
        let Some(written) = &self.written else { return Ok(true) };
        // Before the words are read.
        let is_complete = self.is_complete.load(Ordering::Acquire);
        let _not_sealed = self.seals.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = written.copy();
        self.write_copy(written, &mut copy)?;
        let Some(file) = &copy.file else {
            return Ok(copy.is_removed || copy.is_mapped);
        };
        if is_complete && may_be_mapped {
            let shape = self.header.shape;
            let block = shape.block(0)..shape.block(1);
            let pages = Mapping::part(file, &block)?;
            let _not_stored_into = written.swap();
            for word in word::ALL {
                let value = self.word(0, word).load(Ordering::Acquire);
                pages.word(word).store(value, Ordering::Release);
            }
            self.mapping.replace(block, pages)?;
            copy.is_mapped = true;
            copy.file = None;
        }
        Ok(is_complete)
    }

    /// The first so many frames of a block are acknowledged.
    pub fn set_done(&self, block: u32, frames: u32) {
        let _not_swapped = self.written.as_ref().map(Written::swap);
        self.word(block, word::DONE)
            .store(format::twice(frames), Ordering::Release);
    }

    /// Whether what is committed in the block is where it outlives the process.
    pub fn is_stored(&self, block: u32) -> bool {
        let standby = self.written.as_ref().filter(|written| written.is_standby);
        standby.is_none_or(|standby| {
            standby.stored.load(Ordering::Acquire) == self.word(block, word::COMMITTED).load(Ordering::Acquire)
        })
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
        let Some(place) = self.place.get() else { return false };
        match std::fs::symlink_metadata(&place.path) {
            Ok(found) => (found.dev(), found.ino()) != place.identity,
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
        let _not_swapped = self.written.as_ref().map(Written::swap);
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
                if self.is_standby() && !self.mapping.is_file() {
                    continue; // it may be soon
                }
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
        let Some(place) = self.place.get() else { return Ok(()) };
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
            let copy = self.written.as_ref().map(Written::copy);
            match copy.as_ref().and_then(|copy| copy.file.as_ref()) {
                Some(file) => synced::file(file, &place.path)?,
                None => synced::mapping(&self.mapping, &place.path)?,
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
        self.write_copy(written, &mut written.copy())
    }

    /// [`write_out`](Self::write_out), if there is a file.
    fn write_copy(&self, written: &Written, copy: &mut Copy) -> io::Result<()> {
        let Some(file) = &copy.file else { return Ok(()) };
        for (block, words) in (0..self.header.shape.blocks).zip(&mut *copy.words) {
            self.write_block(file, block, words)?;
            written
                .stored
                .store(words[word::COMMITTED / word::LINE], Ordering::Release);
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
        if let Some(written) = &self.written {
            written.copy().is_removed = true;
        }
        self.place
            .get()
            .map_or(Ok(()), |place| std::fs::remove_file(&place.path))
    }
}
