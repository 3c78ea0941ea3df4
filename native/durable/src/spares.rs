//! Files that are ready before they are needed, and who waits for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::directory::State;
use crate::segment::{Segment, Shape};

/// After so many waits in vain nobody waits for a while, unless there is a file meanwhile.
const WAITS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);
/// With so many blocks that nobody has, the next file is not made yet.
const FREE: usize = 8;
/// Two files in so short a time are a burst.
const BURST: Duration = Duration::from_secs(1);

impl State {
    /// Whether nobody waits for the thread now, since others did in vain.
    pub fn is_late(&self) -> bool {
        let (waits, last) = self.late;
        waits >= WAITS && last.is_some_and(|last| last.elapsed() < PAUSE)
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

    pub fn take_spare(&mut self) -> Option<Segment> {
        let spare = self.spares.pop()?;
        let now = Instant::now();
        if self.taken.is_some_and(|taken| now < taken + BURST) {
            self.busy_until = Some(now + BURST);
        }
        self.taken = Some(now);
        Some(spare)
    }

    /// Files that nobody needs and that are still there have blocks, if there are no others.
    pub fn reuse(&mut self) {
        let is_usual = |file: &Arc<Segment>| file.header.shape == Shape::USUAL;
        if self.free.iter().any(|(free, _)| is_usual(free)) {
            return;
        }
        if let Some(at) = self.unneeded.iter().rposition(|file| is_usual(file) && !file.is_lost()) {
            let file = self.unneeded.remove(at);
            let blocks = (0..file.header.shape.blocks).rev();
            self.free.extend(blocks.map(|index| (Arc::clone(&file), index)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::thread;

    use super::*;
    use crate::directory::{Directory, Plan};

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
    fn a_file_that_was_waited_for_in_vain_is_made_and_used_at_once() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = directory(&place);
        let _used = use_a_file(&directory);
        directory.lock().upkeep = Some(thread::current()); // who has no time
        for _ in 0..WAITS {
            assert!(!directory.lock().is_late());
            let late = directory.block(Shape::USUAL).expect_err("no file");
            assert_eq!(late.kind(), ErrorKind::TimedOut);
        }
        assert!(directory.lock().is_late(), "nobody waits");
        let late = directory.block(Shape::USUAL).expect_err("no file");
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        let report = directory.report().expect("of this process");
        assert_eq!(report.failures, u64::from(WAITS));
        assert!(report.last_error.is_some_and(|error| error.contains("too busy")));
        assert!(directory.prepare().expect("room"), "nothing keeps the thread from it");
        directory.block(Shape::USUAL).expect("it is there");
        assert!(!directory.lock().is_late());
    }

    #[test]
    fn in_a_burst_two_files_are_made_ahead() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = directory(&place);
        let _first = directory.block(Shape::USUAL).expect("a block");
        directory.upkeep();
        assert_eq!(directory.lock().spares.len(), 0, "there are blocks enough");
        let _used = use_a_file(&directory); // of the file that it makes itself
        directory.upkeep();
        assert_eq!(directory.lock().spares.len(), 0);
        directory.lock().free.clear();
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
