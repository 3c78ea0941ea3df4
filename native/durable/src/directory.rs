//! [`Directory`]: the files of a process.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use spanwire_queue::Limits;
use spanwire_queue::storage::Interrupt;

use crate::boot;
use crate::clock::now;
use crate::folder::Folder;
use crate::format::Header;
use crate::format::Shape;
use crate::own::{self, Listed, Own};
use crate::plan::{Plan, Sync, may_be_written, may_pass};
use crate::report::Report;
use crate::segment::Segment;
use crate::state::State;

/// The files of one process, in a folder of its own, which is locked as long as it lives.
#[derive(Debug)]
pub struct Directory {
    pub(crate) plan: Plan,
    /// Why files are not mapped, if they are not.
    pub(crate) not_mapped: Option<String>,
    /// Its name; none where it could not be asked for.
    pub(crate) file_system: Option<String>,
    pub(crate) block: AtomicU64,
    generation: u64,
    listed: Own,
    state: Mutex<State>,
    /// Taken while the folder is made: by one thread.
    folder_making: Mutex<()>,
    /// The thread has made a file, or could not.
    pub(crate) made_one: Condvar,
}

impl Directory {
    /// Makes the folder of this process under the plan's path, which is made too, and must be ours.
    ///
    /// # Errors
    /// If the path is another's, a symbolic link, no folder, or may not be written to. That there is no room, no
    /// descriptor or no memory, or that the disk fails, is no error but told and counted: it is tried again until there is a folder.
    pub fn create(plan: &Plan) -> io::Result<Arc<Self>> {
        let directory = Self::without_upkeep(plan)?;
        directory.keep_up()?;
        Ok(directory)
    }

    /// The same without a thread: for tests, which say when it does what it does.
    #[doc(hidden)]
    pub fn without_upkeep(plan: &Plan) -> io::Result<Arc<Self>> {
        let directory = Arc::new(Self::new(plan)?);
        directory.listed.tell(&(Arc::clone(&directory) as Listed));
        Ok(directory)
    }

    /// The directory of a forked child, for whoever must not wait: its thread makes the folder and the files.
    pub(crate) fn create_later(
        plan: &Plan,
        not_mapped: Option<String>,
        file_system: Option<String>,
    ) -> io::Result<Arc<Self>> {
        let directory = Arc::new(Self::with(plan, not_mapped, file_system, State::new()));
        directory.listed.tell(&(Arc::clone(&directory) as Listed));
        directory.keep_up()?;
        Ok(directory)
    }

    fn new(plan: &Plan) -> io::Result<Self> {
        let mut state = State::new();
        match plan.new_folder() {
            Ok(folder) => state.folder = Some(folder),
            Err(error) if may_pass(&error) => state.has_no_folder(&error),
            Err(error) => return Err(error),
        }
        let found = plan.file_system()?;
        let not_mapped = plan.why_not_mapped(&found);
        let mut directory = Self::with(plan, not_mapped, found.map(|found| found.name).ok(), state);
        directory.begin()?; // else it is dropped, with its folder
        Ok(directory)
    }

    fn with(plan: &Plan, not_mapped: Option<String>, file_system: Option<String>, state: State) -> Self {
        Self {
            plan: plan.clone(),
            not_mapped,
            file_system,
            block: AtomicU64::new(0),
            generation: spanwire_ground::generation(),
            listed: own::list(),
            state: Mutex::new(state),
            folder_making: Mutex::default(),
            made_one: Condvar::new(),
        }
    }

    /// Makes the first file. That there is no room for it now is told, counted, and may change.
    fn begin(&mut self) -> io::Result<()> {
        if self.lock().folder.is_none() {
            return Ok(());
        }
        let mut made = self.prepare();
        if let (Err(error), None) = (&made, &self.not_mapped)
            && may_be_written(error)
        {
            self.not_mapped = Some(error.to_string());
            self.lock().failed = None;
            made = self.prepare();
        }
        match made {
            Err(error) if !may_pass(&error) => return Err(error),
            _ => {}
        }
        if self.plan.sync != Sync::Never
            && let Err(error) = self.sync()
        {
            if !may_pass(&error) {
                return Err(error);
            }
            self.lock().note(&error);
        }
        Ok(())
    }

    /// Makes the folder that was not, or could not be, made at the start, if it is time to try that again.
    pub(crate) fn begin_late(&self) {
        let _one = self.folder_making.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let state = self.lock();
            if state.folder.is_some() || state.has_ended || state.next_try.0 > Instant::now() {
                return;
            }
        }
        let made = self.plan.new_folder();
        let mut state = self.lock();
        match made {
            Ok(folder) => {
                state.folder = Some(folder);
                state.failed = None;
            }
            Err(error) => state.has_no_folder(&error),
        }
    }

    /// Where the files are; in a child of the process that made it, and as long as there is no folder, the plan's path.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        if self.is_here() {
            self.lock().path(&self.plan)
        } else {
            self.plan.path.clone() // the lock may be held by a thread that is not there
        }
    }

    /// How it is; none in a child of the process that made it.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        if !self.is_here() {
            return None;
        }
        let mut state = self.lock();
        state.files.retain(|file| file.strong_count() > 0);
        let used = state
            .files
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|file| file.is_filed());
        let used = used.count();
        Some(Report {
            folder: state.path(&self.plan),
            service: self.plan.service.clone(),
            file_system: self.file_system.clone(),
            not_mapped: self.not_mapped.clone(),
            bytes: state.bytes,
            limit: self.plan.limit,
            files: (used + state.spares.len()) as u64,
            failures: state.failures,
            last_error: state.last_error.clone(),
            synced: state.synced.map(|synced| synced.elapsed()),
        })
    }

    /// What it was made for.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Bytes of what waits that there is room for: where files are not mapped it is in memory as well.
    #[must_use]
    pub fn room(&self) -> usize {
        let limit = usize::try_from(self.plan.limit).unwrap_or(usize::MAX);
        if self.not_mapped.is_some() {
            limit.min(Limits::default().bytes)
        } else {
            limit
        }
    }

    /// Whether this is the process that made it.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.generation == spanwire_ground::generation()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn make(&self, number: u64, shape: Shape) -> io::Result<Segment> {
        let (folder, header) = self.header(shape)?;
        Segment::create(
            &folder.path,
            number,
            header,
            self.not_mapped.is_none(),
            self.plan.sync != Sync::Never,
        )
    }

    /// Makes the file of a standby.
    pub(crate) fn file(&self, standby: &Segment, number: u64) -> io::Result<()> {
        let (folder, header) = self.header(standby.header.shape)?;
        standby.file(
            &folder.path,
            number,
            header,
            self.not_mapped.is_none(),
            self.plan.sync != Sync::Never,
        )
    }

    fn header(&self, shape: Shape) -> io::Result<(Arc<Folder>, Header)> {
        let folder = self.lock().folder.clone().ok_or(io::ErrorKind::NotFound)?;
        let header = Header {
            shape,
            created: now(),
            process: folder.process,
            boot: boot::id(),
        };
        Ok((folder, header))
    }

    /// The number of the next block.
    pub(crate) fn next_block(&self) -> u64 {
        self.block.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A block is nobody's any more.
    pub(crate) fn give_back(&self, segment: &Arc<Segment>, index: u32) {
        let shape = segment.header.shape;
        let mut state = self.lock();
        if segment.is_lost() {
            return;
        }
        let of_it = state.free.iter().filter(|(free, _)| Arc::ptr_eq(free, segment)).count();
        if of_it + 1 < shape.blocks as usize {
            state.free.push((Arc::clone(segment), index));
            return;
        }
        state.free.retain(|(free, _)| !Arc::ptr_eq(free, segment));
        state.standbys.retain(|standby| !standby.is(segment));
        state.bytes = state.bytes.saturating_sub(shape.file_len() as u64);
        state.unneeded.push(Arc::clone(segment));
        state.ask_for_upkeep();
    }

    /// Frames of a segment wait for a later process: it is sealed, by the thread if there is one.
    pub(crate) fn leave(&self, segment: &Arc<Segment>) {
        let mut state = self.lock();
        state.left.push(Arc::clone(segment));
        if state.upkeep.is_some() {
            state.ask_for_upkeep();
        } else {
            drop(state);
            self.seal_left();
        }
    }

    /// A block for whoever ends a span, who waits for no file: where none is ready, it is one in memory, whose file the thread makes.
    pub(crate) fn block_for(&self, shape: Shape, interrupt: &Interrupt) -> io::Result<(Arc<Segment>, u32)> {
        let mut state = self.lock();
        state.ask_for_upkeep();
        if shape == Shape::USUAL {
            state.reuse(self.plan.limit);
            if let Some(block) = state.take_free() {
                return Ok(block);
            }
            if let Some(segment) = state.take_spare() {
                state.files.push(Arc::downgrade(&segment));
                let others = (1..shape.blocks).rev().map(|index| (Arc::clone(&segment), index));
                state.free.extend(others);
                return Ok((segment, 0));
            }
        }
        let shape = match shape {
            Shape::USUAL => Shape::for_one(shape.frames_len(), shape.heads_len),
            large => large,
        };
        Ok((state.take_standby(shape, self.plan.limit, interrupt)?, 0))
    }

    /// The same for tests, whose writer does not exist.
    #[cfg(test)]
    pub(crate) fn block(&self, shape: Shape) -> io::Result<(Arc<Segment>, u32)> {
        self.block_for(shape, &(Arc::new(|| ()) as Interrupt))
    }
}

impl Plan {
    pub(crate) fn new_folder(&self) -> io::Result<Arc<Folder>> {
        Folder::create(&self.path, &self.service, self.sync != Sync::Never).map(Arc::new)
    }
}

/// The directories of this process.
#[must_use]
pub fn directories() -> Vec<Arc<Directory>> {
    let listed = own::listed().into_iter();
    listed.filter_map(|directory| directory.downcast().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(path: &std::path::Path) -> Plan {
        Plan::new(path.join("queue"), "tests")
    }

    #[test]
    fn a_child_waits_for_no_lock_that_a_thread_of_its_parent_held() {
        let place = tempfile::tempdir().expect("a folder");
        let mut directory = Directory::new(&plan(place.path())).expect("a folder");
        directory.generation += 1;
        let _held = directory.state.lock();
        assert_eq!(directory.folder(), directory.plan.path);
        assert!(directory.report().is_none());
    }

    #[test]
    fn without_a_folder_blocks_are_refused_until_there_is_one() {
        let place = tempfile::tempdir().expect("a folder");
        let directory = Directory::without_upkeep(&plan(place.path())).expect("a folder");
        let now = {
            let mut state = directory.lock();
            if let Some(spare) = state.spares.pop() {
                state.bytes -= spare.header.shape.file_len() as u64;
                spare.remove().expect("its file");
            }
            state.folder.take().expect("a folder").end();
            state.has_no_folder(&rustix::io::Errno::NOSPC.into());
            Instant::now()
        };
        let refused = directory.block(Shape::USUAL).expect_err("no folder");
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        directory.begin_late(); // too early
        let report = directory.report().expect("of this process");
        assert_eq!(
            (report.folder, report.failures, report.bytes),
            (plan(place.path()).path, 1, 0)
        );
        let pauses: Vec<_> = (0..4)
            .map(|_| {
                let mut state = directory.lock();
                state.has_no_folder(&rustix::io::Errno::NOSPC.into());
                state.next_try.1.as_secs()
            })
            .collect();
        assert_eq!(pauses, [2, 4, 5, 5]);
        directory.lock().next_try.0 = now;
        directory.begin_late();
        directory.block(Shape::USUAL).expect("a block");
    }

    #[test]
    fn a_file_that_fails_takes_no_more_bytes_than_are_counted() {
        let mut state = State::new();
        state.bytes = 1;
        let failed: io::Result<()> = state.made(Err(io::ErrorKind::StorageFull.into()), Shape::USUAL);
        failed.expect_err("as given");
        assert_eq!(state.bytes, 0);
    }

    #[test]
    fn what_is_set_up_wrong_does_not_pass() {
        use rustix::io::Errno;
        let passes = |error: Errno| may_pass(&error.into());
        let disk = [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::ROFS];
        let machine = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
        assert!(disk.into_iter().chain(machine).all(passes));
        assert!(
            ![Errno::ACCESS, Errno::PERM, Errno::NOTDIR, Errno::NOENT]
                .into_iter()
                .any(passes)
        );
    }
}
