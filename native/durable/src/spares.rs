//! Files that are ready before they are needed, and who waits for them.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_queue::storage::Interrupt;

use crate::format::Shape;
use crate::segment::Segment;
use crate::standby::Standby;
use crate::state::State;

/// Bytes at most of standbys that are in no file yet.
const MOST_IN_MEMORY: u64 = 64 << 20;
/// With so many blocks that nobody has, the next file is not made yet.
const FREE: usize = 8;
/// So many blocks of a file that were used soon after it was begun are a burst, before the file is full.
const FIRST: usize = 4;
/// Two files in so short a time are a burst.
const BURST: Duration = Duration::from_secs(1);

impl State {
    /// Whether there is a block of a file that is ready.
    pub fn has_block(&self) -> bool {
        !self.spares.is_empty() || !self.free.is_empty()
    }

    /// Whether the next file is to be made: one ahead, once half of the last is used; two in a burst, at once.
    pub fn wants_file(&self) -> bool {
        let has_enough = if self.busy_until.is_some_and(|until| Instant::now() < until) {
            self.spares.len() >= 2
        } else {
            !self.spares.is_empty() || self.free.len() > FREE
        };
        !has_enough && !self.has_ended
    }

    pub fn take_spare(&mut self) -> Option<Arc<Segment>> {
        let spare = self.spares.pop()?;
        let now = Instant::now();
        if self.taken.is_some_and(|taken| now < taken + BURST) {
            self.busy_until = Some(now + BURST);
        }
        self.taken = Some(now);
        Some(spare)
    }

    /// A block of a file that is used already.
    pub fn take_free(&mut self) -> Option<(Arc<Segment>, u32)> {
        let block = self.free.pop()?;
        let used = Shape::USUAL.blocks as usize - self.free.len();
        let now = Instant::now();
        if used >= FIRST && self.taken.is_some_and(|taken| now < taken + BURST / 4) {
            self.busy_until = Some(now + BURST);
        }
        Some(block)
    }

    /// A segment in memory, whose file is made later: as many as the thread and the disk may soon have made, and none while files fail.
    pub fn take_standby(&mut self, shape: Shape, limit: u64, interrupt: &Interrupt) -> io::Result<Arc<Segment>> {
        let in_memory = self.standbys.iter().filter(|standby| !standby.segment.is_filed());
        let in_memory: u64 = in_memory
            .map(|standby| standby.segment.header.shape.file_len() as u64)
            .sum();
        if let Some((_, kind)) = self.failed.filter(|_| in_memory > 0) {
            return Err(kind.into());
        }
        if in_memory > 0 && in_memory + shape.file_len() as u64 > MOST_IN_MEMORY {
            let now = Instant::now();
            if self.crowded.is_some_and(|last| now < last + BURST) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.crowded = Some(now);
            let error = io::Error::new(
                io::ErrorKind::TimedOut,
                "the next file is not ready in time: spans come too fast, or the disk or the processors are too busy",
            );
            self.note(&error);
            return Err(error);
        }
        let number = self.next_file(shape, limit)?;
        let standby = match Segment::standby(shape) {
            Ok(standby) => Arc::new(standby),
            Err(error) => return self.made(Err(error), shape),
        };
        if shape.frames_len() == Shape::USUAL.frames_len() {
            self.busy_until = Some(Instant::now() + BURST);
        }
        self.files.push(Arc::downgrade(&standby));
        self.standbys.push(Standby {
            segment: Arc::clone(&standby),
            number,
            interrupt: Arc::clone(interrupt),
        });
        Ok(standby)
    }

    /// Files that nobody needs and that are still there have blocks, if there are no others.
    pub fn reuse(&mut self, limit: u64) {
        let is_usual = |file: &Arc<Segment>| file.header.shape == Shape::USUAL;
        if self.free.iter().any(|(free, _)| is_usual(free)) || self.is_at_bound(Shape::USUAL, limit) {
            return;
        }
        if let Some(at) = self.unneeded.iter().rposition(|file| is_usual(file) && !file.is_lost()) {
            let file = self.unneeded.remove(at);
            self.bytes += Shape::USUAL.file_len() as u64;
            let blocks = (0..file.header.shape.blocks).rev();
            self.free.extend(blocks.map(|index| (Arc::clone(&file), index)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::directory::Directory;
    use crate::format::{PAGE, joined, word};
    use crate::plan::Plan;

    fn directory(place: &tempfile::TempDir) -> Arc<Directory> {
        let plan = Plan::new(place.path().join("queue"), "tests");
        Directory::without_upkeep(&plan).expect("a folder")
    }

    fn use_a_file(directory: &Directory) -> Vec<(Arc<Segment>, u32)> {
        let blocks = 0..Shape::USUAL.blocks;
        blocks
            .map(|_| directory.block(Shape::USUAL).expect("a block"))
            .collect()
    }

    #[test]
    fn what_finds_no_file_is_in_memory_until_its_file_is_made() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = directory(&place);
        let _used = use_a_file(&directory);
        let (standby, index) = directory.block(Shape::USUAL).expect("memory");
        assert!(standby.is_standby() && !standby.is_filed());
        assert_eq!(standby.header.shape.frames_len(), Shape::USUAL.frames_len());
        standby.begin(index, 1);
        assert!(standby.add_group(index, b"group"));
        standby
            .word(index, word::COMMITTED)
            .store(joined(1, 5), Ordering::Release);
        assert!(!standby.is_stored(index));
        assert!(standby.is_all_free() || directory.lock().standbys.len() == 1);
        directory.upkeep();
        assert!(standby.is_filed() && standby.is_stored(index));
        assert!(standby.is_to_be_left(), "there is a spare now");
        assert_eq!(directory.lock().standbys.len(), 1);
        standby.complete();
        standby.set_done(index, 0);
        directory.upkeep();
        assert_eq!(directory.lock().standbys.len(), 0);
        assert_eq!(
            standby.word(index, word::COMMITTED).load(Ordering::Acquire),
            joined(1, 5)
        );
        standby.free(index);
        directory.give_back(&standby, index);
        directory.upkeep();
        assert!(standby.is_deleted());
        let files = 3; // the used one, and two ahead in a burst
        assert_eq!(directory.lock().bytes, files * Shape::USUAL.file_len() as u64);
    }

    #[test]
    fn so_much_is_in_memory_and_no_more() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = directory(&place);
        let _used = use_a_file(&directory);
        let standbys: Vec<_> = std::iter::from_fn(|| directory.block(Shape::USUAL).ok()).collect();
        assert_eq!(
            standbys.len() as u64,
            MOST_IN_MEMORY / (Shape::USUAL.block_len + PAGE) as u64
        );
        for _ in 0..3 {
            let refused = directory.block(Shape::USUAL).expect_err("too much");
            assert_eq!(refused.kind(), ErrorKind::TimedOut);
        }
        let report = directory.report().expect("of this process");
        assert_eq!(report.failures, 1);
        assert!(report.last_error.is_some_and(|error| error.contains("too busy")));
        directory.upkeep();
        assert!(standbys.iter().all(|(standby, _)| standby.is_filed()));
        directory.block(Shape::USUAL).expect("a block");
    }

    #[test]
    fn in_a_burst_two_files_are_made_ahead() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = directory(&place);
        let _first = directory.block(Shape::USUAL).expect("a block");
        directory.lock().taken = None; // long ago
        directory.upkeep();
        assert_eq!(directory.lock().spares.len(), 0, "there are blocks enough");
        let blocks = 1..Shape::USUAL.blocks;
        let _used: Vec<_> = blocks
            .map(|_| directory.block(Shape::USUAL).expect("a block"))
            .collect();
        directory.upkeep();
        assert_eq!(directory.lock().spares.len(), 1);
        directory.lock().taken = Some(Instant::now()); // however slow this machine is
        let _burst = directory.block(Shape::USUAL).expect("a block");
        directory.upkeep();
        assert_eq!(directory.lock().spares.len(), 2);
        directory.lock().busy_until = None;
        directory.upkeep();
        assert_eq!(directory.lock().spares.len(), 2, "they stay");
    }

    #[test]
    fn a_burst_is_seen_before_its_first_file_is_full() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = directory(&place);
        let _used: Vec<_> = (0..=FIRST)
            .map(|_| {
                directory.lock().taken = Some(Instant::now()); // however slow this machine is
                directory.block(Shape::USUAL).expect("a block")
            })
            .collect();
        directory.upkeep();
        assert_eq!(directory.lock().spares.len(), 2);
    }

    #[test]
    fn a_file_that_nobody_needs_any_more_is_used_again() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = directory(&place);
        let used = use_a_file(&directory);
        for (segment, block) in &used {
            directory.give_back(segment, *block);
        }
        assert_eq!(directory.lock().unneeded.len(), 1);
        let (segment, block) = directory.block(Shape::USUAL).expect("a block");
        assert!(Arc::ptr_eq(&segment, &used[0].0));
        assert_eq!((block, directory.lock().unneeded.len()), (0, 0));
        assert_eq!(directory.lock().bytes, Shape::USUAL.file_len() as u64);
    }
}
