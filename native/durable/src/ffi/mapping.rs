//! [`Mapping`]: a file's bytes in memory.
//!
//! The file may be written by its owner only, which is this process; whoever else writes there meanwhile can change bytes under a reader,
//! never what memory is touched: lengths are read once and checked. A file that is cut short by others, or a disk that fails, is a SIGBUS
//! (docs/adr/0014-sigbus.md); the folder is 0700 and locked.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::format::PAGE;
use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};

/// A shared mapping of a whole file. A forked child does not have it.
#[derive(Debug)]
pub struct Mapping {
    map: MmapRaw,
    is_file: AtomicBool,
}

impl Mapping {
    /// Maps `len` bytes, which the file has, and faults all pages in for writing, so that no writer waits for one later. No byte changes.
    pub fn new(file: &File, len: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(len).map_raw(file)?;
        map.advise(Advice::DontFork)?;
        let mapping = Self {
            map,
            is_file: AtomicBool::new(true),
        };
        if mapping.map.advise(Advice::PopulateWrite).is_err() {
            mapping.touch(); // Linux before 5.14
        }
        Ok(mapping)
    }

    /// Faults one page in after the other. The file is allocated, so that no page lacks room. Before the mapping is shared.
    fn touch(&self) {
        for at in (0..self.map.len()).step_by(PAGE) {
            let byte = self.range(at..at + 1);
            // SAFETY: within the mapping, which only this function has so far. Volatile, or the compiler would leave the write out.
            unsafe { byte.write_volatile(byte.read_volatile()) };
        }
    }

    /// Memory that is no file's, for what is written to one by write(2).
    pub fn anonymous(len: usize) -> io::Result<Self> {
        let map = MmapRaw::from(MmapOptions::new().len(len).map_anon()?);
        map.advise(Advice::DontFork)?;
        Ok(Self {
            map,
            is_file: AtomicBool::new(false),
        })
    }

    /// A range of a file, which has it, to [`replace`](Self::replace) one in memory.
    pub fn part(file: &File, range: &Range<usize>) -> io::Result<Self> {
        let map = MmapOptions::new()
            .offset(range.start as u64)
            .len(range.len())
            .map_raw(file)?;
        map.advise(Advice::DontFork)?;
        Ok(Self {
            map,
            is_file: AtomicBool::new(true),
        })
    }

    /// Whether what is in it is in a file, by itself; but for a header that nobody reads.
    pub fn is_file(&self) -> bool {
        self.is_file.load(Ordering::Acquire)
    }

    /// Puts other memory in the place of a range of whole pages, in one step for all who read there. Both have the same bytes, as far as
    /// anybody reads; nobody writes there meanwhile.
    ///
    /// # Panics
    /// If the range is not within the mapping, or not as long as what comes there.
    pub fn replace(&self, range: Range<usize>, by: Self) -> io::Result<()> {
        let place = self.range(range.clone());
        assert!(
            range.start.is_multiple_of(PAGE) && range.len().is_multiple_of(PAGE) && range.len() == by.map.len(),
            "not the same pages"
        );
        let flags = rustix::mm::MremapFlags::MAYMOVE;
        // SAFETY: both ranges are mapped, page by page, each owned by its mapping, and as long. Whoever reads `range` finds the same
        // bytes before and after; the system changes from one to the other in one step.
        unsafe {
            rustix::mm::mremap_fixed(
                by.map.as_mut_ptr().cast(),
                by.map.len(),
                range.len(),
                flags,
                place.as_ptr().cast(),
            )
        }?;
        std::mem::forget(by.map); // it is elsewhere now, and part of this one
        self.is_file.store(true, Ordering::Release);
        Ok(())
    }

    /// A word of a header.
    ///
    /// # Panics
    /// If it is not within the mapping, or not at a multiple of 8.
    pub fn word(&self, at: usize) -> &AtomicU64 {
        assert!(
            at.is_multiple_of(8) && at + 8 <= self.map.len(),
            "no word of the mapping"
        );
        // SAFETY: within the mapping, which begins at a page and lives as long as `self`; all use of headers' words is atomic.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(at).cast()) }
    }

    /// Where a range of it begins.
    ///
    /// # Panics
    /// If it is not within the mapping.
    pub fn range(&self, range: Range<usize>) -> NonNull<u8> {
        assert!(
            range.start <= range.end && range.end <= self.map.len(),
            "not of the mapping"
        );
        // SAFETY: within the mapping, so it is not null.
        unsafe { NonNull::new_unchecked(self.map.as_mut_ptr().add(range.start)) }
    }

    /// Writes bytes, each by a store of its own: they are few, and a reader that is too early sees old ones or new ones.
    ///
    /// # Panics
    /// If it is not within the mapping.
    pub fn write(&self, at: usize, bytes: &[u8]) {
        let to = self.range(at..at + bytes.len());
        for (offset, byte) in bytes.iter().enumerate() {
            // SAFETY: within the mapping, which lives as long as `self`.
            let place = unsafe { AtomicU8::from_ptr(to.as_ptr().add(offset)) };
            place.store(*byte, Ordering::Relaxed);
        }
    }

    /// Drops a range of whole pages from this process's tables: what is in the file is read again when it is needed. Memory that is no
    /// file's stays.
    ///
    /// # Panics
    /// If it is not within the mapping.
    pub fn forget(&self, range: Range<usize>) {
        self.range(range.clone());
        if !self.is_file() {
            return; // its content would be lost
        }
        // SAFETY: a shared mapping of a file keeps its content; pages are only not in this process's tables any more.
        let _ = unsafe {
            self.map
                .unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len())
        };
    }

    /// Has its file's content written to the disk, as fdatasync does.
    ///
    /// # Errors
    /// If the disk says so.
    pub fn sync(&self) -> io::Result<()> {
        self.map.flush()
    }

    /// A copy of a range. Another process, or a writer that has not committed yet, may change it meanwhile (docs/unsafe.md): the copy is
    /// of any bytes then, which whoever needs them checks.
    ///
    /// # Panics
    /// If it is not within the mapping.
    pub fn read(&self, range: Range<usize>) -> Vec<u8> {
        let mut bytes = vec![0; range.len()];
        let from = self.range(range);
        // SAFETY: within the mapping, as was checked; into memory of its own.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), bytes.as_mut_ptr(), bytes.len()) };
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn memory_that_is_no_files_is_not_forgotten() {
        let mapping = Mapping::anonymous(2 * PAGE).expect("memory");
        mapping.write(PAGE - 1, b"ab");
        mapping.forget(0..2 * PAGE);
        assert_eq!(mapping.read(PAGE - 1..PAGE + 1), b"ab");
    }

    #[test]
    fn pages_that_are_faulted_in_one_by_one_keep_their_bytes() {
        let file = tempfile::tempfile().expect("a file");
        let len = 3 * PAGE;
        file.set_len(len as u64).expect("room");
        for at in [0, PAGE, 2 * PAGE + 5] {
            file.write_all_at(b"header", at as u64).expect("written");
        }
        let mapping = Mapping::new(&file, len).expect("mapped");
        let before = mapping.read(0..len);
        mapping.touch();
        assert!(mapping.read(0..len) == before);
        assert_eq!(mapping.read(0..6), b"header");
    }
}
