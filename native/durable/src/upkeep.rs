//! What the thread `spanwire-disk` does, so that the application's do not wait for a disk.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use spanwire_ground::spawn_quietly;

use crate::directory::Directory;
use crate::format::Shape;
use crate::plan::Sync;
use crate::segment::Segment;
use crate::standby::Standby;

/// How often what was committed is sealed, if nothing else is to be done.
const SEAL: Duration = Duration::from_millis(250);
/// How often it is seen whether the folder is there.
const LOOK: Duration = Duration::from_secs(1);
/// How often what was committed is written where it is not mapped.
const WRITE: Duration = Duration::from_millis(10);
/// After a panic the thread rests for so long, at least: it may happen again.
const AFTER_PANIC: Duration = Duration::from_secs(1);
/// How often the disk is told, if as soon as it can follow.
const SYNC: Duration = Duration::from_millis(20);

impl Directory {
    /// Begins the thread.
    pub(crate) fn keep_up(self: &Arc<Self>) -> io::Result<()> {
        let directory = Arc::downgrade(self);
        let pause = match self.plan.sync {
            _ if self.not_mapped.is_some() => WRITE,
            Sync::Never => SEAL,
            Sync::Interval(often) => often.min(SEAL),
            Sync::Batch => SYNC,
        };
        let upkeep = spawn_quietly("spanwire-disk", move || {
            let mut looked = Instant::now();
            while let Some(directory) = directory.upgrade().filter(|one| !one.lock().has_ended) {
                let is_done = directory.survive(|| {
                    if looked.elapsed() >= LOOK {
                        looked = Instant::now();
                        directory.see_to_place();
                    }
                    directory.upkeep();
                });
                let pause = match directory.is_in_memory() {
                    _ if !is_done => pause.max(AFTER_PANIC),
                    true => pause.min(WRITE),
                    false => pause,
                };
                drop(directory);
                thread::park_timeout(pause);
            }
        })?;
        self.lock().upkeep = Some(upkeep.thread().clone());
        Ok(())
    }

    /// Does some of it. A defect of ours there is told and counted, and ends neither the thread nor the queue; whether there was none.
    fn survive(&self, work: impl FnOnce()) -> bool {
        let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) else {
            return true;
        };
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let mut state = self.lock();
        state.is_making = false;
        state.note(&io::Error::other(format!(
            "a defect in the thread that sees to the files, which goes on ({}). Please report this",
            text.unwrap_or_default()
        )));
        drop(state);
        self.made_one.notify_all();
        false
    }

    /// What its thread does now and then.
    #[doc(hidden)]
    pub fn upkeep(&self) {
        if self.lock().folder.is_none() {
            self.begin_late();
        }
        self.remove_unneeded();
        // Whoever needs the file says why there is none.
        while matches!(self.file_next(), Ok(true)) | matches!(self.prepare(), Ok(true)) {
            self.settle();
        }
        self.remove_unneeded();
        self.seal_left();
        self.seal();
        self.settle();
    }

    /// Whether frames come into memory that is no file's, though files are mapped.
    fn is_in_memory(&self) -> bool {
        let is_one = |segment: &Segment| !segment.is_to_be_left() || !segment.is_stored(0);
        self.lock().standbys.iter().any(|standby| is_one(&standby.segment))
    }

    /// Makes the file of the oldest standby that has none; false if all have one.
    fn file_next(&self) -> io::Result<bool> {
        let next = {
            let state = self.lock();
            let next = state.standbys.iter().find(|standby| !standby.segment.is_filed());
            let Some(next) = next.filter(|_| state.folder.is_some()).cloned() else {
                return Ok(false);
            };
            state.check_patience()?;
            next
        };
        let filed = self.file(&next.segment, next.number);
        let mut state = self.lock();
        match &filed {
            Ok(()) => state.failed = None,
            Err(error) => state.has_failed(error),
        }
        filed.map(|()| true)
    }

    /// Makes the files of all standbys, and writes there what was committed before the call.
    fn file_all(&self) -> io::Result<()> {
        if self.lock().standbys.iter().all(|standby| standby.segment.is_all_free()) {
            return Ok(());
        }
        self.begin_late();
        let standbys = self.lock().standbys.clone();
        let needed = standbys.iter().filter(|standby| !standby.segment.is_all_free());
        let all = needed.map(|standby| self.file(&standby.segment, standby.number));
        all.fold(Ok(()), Result::and) // one that fails keeps no other from it
    }

    /// Standbys that are complete become files like all others.
    fn settle(&self) {
        let (standbys, has_block) = {
            let state = self.lock();
            (state.standbys.clone(), state.has_block())
        };
        for Standby { segment, interrupt, .. } in standbys.iter().filter(|standby| standby.segment.is_filed()) {
            // Before what is committed is written: what comes later comes elsewhere.
            if has_block && segment.be_left() {
                interrupt();
            }
            match segment.settle(self.not_mapped.is_none()) {
                Ok(false) => {}
                Ok(true) => self.lock().standbys.retain(|standby| !standby.is(segment)),
                Err(error) => self.lock().note(&error),
            }
        }
    }

    /// Seals the files that only a later process delivers.
    pub(crate) fn seal_left(&self) {
        let left = std::mem::take(&mut self.lock().left);
        for file in left {
            file.seal_all(u64::MAX);
            self.note(file.write_out());
        }
    }

    /// Removes the files of which nobody needs anything.
    pub(crate) fn remove_unneeded(&self) {
        let files = std::mem::take(&mut self.lock().unneeded);
        for file in files {
            let _ = file.remove();
        }
    }

    /// Makes the next file before it is needed; false if it is not needed soon.
    pub(crate) fn prepare(&self) -> io::Result<bool> {
        self.remove_unneeded(); // their room is another's by now
        let number = {
            let mut state = self.lock();
            if !state.wants_file() || (state.folder.is_none() && state.failed.is_none()) {
                return Ok(false);
            }
            let number = state.next_file(Shape::USUAL, self.plan.limit);
            state.is_making = number.is_ok();
            drop(state);
            number.inspect_err(|_| self.made_one.notify_all())?
        };
        let made = self.make(number, Shape::USUAL);
        let mut state = self.lock();
        state.is_making = false;
        let made = state
            .made(made, Shape::USUAL)
            .map(|segment| state.spares.push(Arc::new(segment)))
            .map(|()| true);
        drop(state);
        self.made_one.notify_all();
        made
    }

    /// Checksums of what is complete, and the disk is told, where that is wanted.
    fn seal(&self) {
        let files = self.files();
        let newest = self.block.load(Ordering::Relaxed);
        for file in &files {
            file.seal_all(newest);
            self.note(file.write_out());
        }
        let is_due = match self.plan.sync {
            Sync::Never => false,
            Sync::Batch => true,
            Sync::Interval(often) => self.lock().synced.is_none_or(|last| last.elapsed() >= often),
        };
        if is_due {
            self.note(self.sync());
        }
    }

    /// Has all that was committed before the call written to the disk; when it returns it is there even if the power fails.
    ///
    /// # Errors
    /// If the disk says so: nothing is sure then.
    pub fn sync(&self) -> io::Result<()> {
        if !self.is_here() {
            return Ok(()); // the parent's
        }
        let now = Instant::now();
        self.file_all()?;
        let newest = self.block.load(Ordering::Relaxed);
        let all = self.files().into_iter().map(|file| {
            file.seal_all(newest);
            file.write_out()?;
            file.sync_if_changed()
        });
        all.fold(Ok(()), Result::and)?; // one that fails keeps no other from it
        let folder = self.lock().folder.clone();
        if let (Some(folder), Sync::Never) = (folder, self.plan.sync) {
            folder.sync()?; // otherwise it is whenever there is a new name
        }
        self.lock().synced = Some(now);
        Ok(())
    }

    /// Writes what was committed before the call and is in no mapped file, so that it outlives the process.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_out(&self) -> io::Result<()> {
        if !self.is_here() {
            return Ok(());
        }
        let filed = self.file_all();
        let all = self.files().into_iter().map(|file| file.write_out());
        all.fold(filed, Result::and)
    }

    /// Files that were deleted, or whose folder is another by now, get no more spans; there is a new folder.
    fn see_to_place(self: &Arc<Self>) {
        let (folder, spares) = {
            let state = self.lock();
            let Some(folder) = state.folder.clone() else {
                drop(state);
                return self.begin_late();
            };
            (folder, state.spares.clone())
        };
        let is_in_place = folder.is_in_place();
        let is_lost = |file: &Segment| file.is_filed() && !file.is_lost() && (!is_in_place || file.is_deleted());
        let lost_spares: Vec<_> = spares.into_iter().filter(|spare| is_lost(spare)).collect();
        let lost: Vec<_> = self.files().into_iter().filter(|file| is_lost(file)).collect();
        if is_in_place && lost.is_empty() && lost_spares.is_empty() {
            return;
        }
        let anew = if is_in_place {
            Ok(folder)
        } else {
            self.plan.new_folder()
        };
        let mut state = self.lock();
        for file in &lost {
            file.lose();
            state.bytes = state.bytes.saturating_sub(file.header.shape.file_len() as u64);
        }
        for spare in &lost_spares {
            // Else it was taken meanwhile, and is among those.
            if !spare.is_lost() {
                spare.lose();
                state.bytes = state.bytes.saturating_sub(spare.header.shape.file_len() as u64);
            }
        }
        state.spares.retain(|spare| !spare.is_lost());
        state.free.retain(|(file, _)| !file.is_lost());
        state.standbys.retain(|standby| !standby.segment.is_lost());
        state.note(&io::Error::new(
            io::ErrorKind::NotFound,
            "files or the folder were deleted or replaced: spans that were in them outlive this process no more",
        ));
        match anew {
            Ok(folder) => {
                state.folder = Some(folder);
                state.failed = None;
            }
            Err(error) => state.note(&error),
        }
    }

    pub(crate) fn files(&self) -> Vec<Arc<Segment>> {
        let mut state = self.lock();
        state.files.retain(|file| file.strong_count() > 0);
        state.files.iter().filter_map(Weak::upgrade).collect()
    }

    fn note(&self, done: io::Result<()>) {
        if let Err(error) = done {
            self.lock().note(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn a_panic_is_told_and_counted_and_ends_nothing() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = Directory::without_upkeep(&Plan::new(place.path().join("queue"), "tests")).expect("a folder");
        directory.lock().is_making = true;
        assert!(!directory.survive(|| panic!("as planned")));
        let report = directory.report().expect("of this process");
        assert_eq!(report.failures, 1);
        let error = report.last_error.expect("it was told");
        assert!(
            error.contains("(as planned)") && error.contains("Please report"),
            "{error}"
        );
        assert!(!directory.lock().is_making);
        assert!(directory.survive(|| directory.upkeep()));
        directory.block(Shape::USUAL).expect("a block");
    }
}
