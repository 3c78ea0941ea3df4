//! [`Directory`]: the files of a process.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use spanwire_queue::Limits;
use spanwire_queue::storage::{AtBound, Storage};

use crate::boot;
use crate::file_system::{FileSystem, MapPolicy};
use crate::folder::{Folder, now};
use crate::format::Header;
use crate::own::{self, Own};
use crate::report::Report;
use crate::segment::{Segment, Shape};
use crate::storage::Mapped;

/// Whoever ends a span waits so long for the thread to make a file, at most.
const WAIT: Duration = Duration::from_millis(20);

/// After a file could not be made, nobody tries again for so long.
pub(crate) const PATIENCE: Duration = Duration::from_millis(200);
/// After the folder could not be made, nobody tries again for so long; each time for twice as long, up to the second.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// When what is committed is also written to the disk, for the case that the power fails.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sync {
    /// When the system likes: nothing is lost when the process dies.
    #[default]
    Never,
    /// At least so often.
    Interval(Duration),
    /// Whenever something was committed since the last time.
    Batch,
}

/// Where and how a process keeps what waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// A folder for all processes.
    pub path: PathBuf,
    /// Whose spans they are: a later process of the same name may deliver them.
    pub service: String,
    /// Bytes of files at most.
    pub limit: u64,
    /// When the disk is told.
    pub sync: Sync,
    /// Whether files are mapped, or written to by write(2).
    pub mapping: MapPolicy,
}

/// The files of one process, in a folder of its own, which is locked as long as it lives.
#[derive(Debug)]
pub struct Directory {
    pub(crate) plan: Plan,
    /// Why files are not mapped, if they are not.
    pub(crate) not_mapped: Option<String>,
    /// Its name; none where it could not be asked for.
    file_system: Option<String>,
    pub(crate) block: AtomicU64,
    generation: u64,
    listed: Own,
    state: Mutex<State>,
    /// The thread has made a file, or could not.
    pub(crate) made_one: Condvar,
}

#[derive(Debug)]
pub(crate) struct State {
    /// None as long as there is no room for one, or the disk fails.
    pub folder: Option<Arc<Folder>>,
    /// When its making is tried again, and how long that was put off.
    next_try: (Instant, Duration),
    file: u64,
    pub bytes: u64,
    /// Blocks that nobody has.
    pub free: Vec<(Arc<Segment>, u32)>,
    /// The next files, ready.
    pub spares: Vec<Segment>,
    /// When a spare was taken last, and until when two are wanted: one was taken soon after another.
    pub taken: Option<Instant>,
    pub busy_until: Option<Instant>,
    /// The thread is at making one.
    pub is_making: bool,
    /// No more are made: what there is stays only for spans that were not delivered.
    pub has_ended: bool,
    /// Files of which nobody needs anything any more, to be removed.
    pub unneeded: Vec<Arc<Segment>>,
    /// All files that are in use.
    pub files: Vec<Weak<Segment>>,
    /// When the last file could not be made, and why.
    pub failed: Option<(Instant, io::ErrorKind)>,
    /// How often in a row the thread was waited for in vain, and since when.
    pub late: (u32, Option<Instant>),
    failures: u64,
    last_error: Option<String>,
    /// Everything that was committed by then is on the disk.
    pub synced: Option<Instant>,
    /// Who makes the next file, and sees to the rest.
    pub upkeep: Option<Thread>,
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
        directory.listed.tell(&directory);
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
        let mut directory = Self {
            plan: plan.clone(),
            not_mapped: plan.why_not_mapped(&found),
            file_system: found.map(|found| found.name).ok(),
            block: AtomicU64::new(0),
            generation: spanwire_ground::generation(),
            listed: own::list(),
            state: Mutex::new(state),
            made_one: Condvar::new(),
        };
        directory.begin()?; // else it is dropped, with its folder
        Ok(directory)
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

    /// Makes the folder that could not be made at the start, if it is time to try that again.
    pub(crate) fn begin_late(&self) {
        if self.lock().next_try.0 > Instant::now() {
            return;
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
        Some(Report {
            folder: state.path(&self.plan),
            service: self.plan.service.clone(),
            file_system: self.file_system.clone(),
            not_mapped: self.not_mapped.clone(),
            bytes: state.bytes,
            limit: self.plan.limit,
            files: (state.files.len() + state.spares.len()) as u64,
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

    /// What a queue gets its chunks from.
    #[must_use]
    pub fn storage(self: &Arc<Self>) -> Box<dyn Storage> {
        Box::new(Mapped::new(self))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn make(&self, number: u64, shape: Shape) -> io::Result<Segment> {
        let folder = self.lock().folder.clone().ok_or(io::ErrorKind::NotFound)?;
        let header = Header {
            shape,
            created: now(),
            process: folder.process,
            boot: boot::id(),
        };
        Segment::create(
            &folder.path,
            number,
            header,
            self.not_mapped.is_none(),
            self.plan.sync != Sync::Never,
        )
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
        state.unneeded.push(Arc::clone(segment));
        state.ask_for_upkeep();
    }

    /// Waits for the thread to make a file, if there is no block: a disk or a server may take long, or for ever, and whoever ends a span
    /// does not wait for that.
    fn wait_for_block<'s>(&'s self, mut state: MutexGuard<'s, State>) -> io::Result<MutexGuard<'s, State>> {
        state.check_folder()?; // the next try is later than that
        let until = Instant::now() + WAIT;
        let is_usual = |state: &State| state.free.iter().any(|(free, _)| free.header.shape == Shape::USUAL);
        while state.spares.is_empty() && !is_usual(&state) {
            if let Some((_, kind)) = state.failed.filter(|(when, _)| when.elapsed() < PATIENCE) {
                return Err(kind.into());
            }
            if !state.is_making && state.is_at_bound(Shape::USUAL, self.plan.limit) {
                return Err(AtBound.into());
            }
            if state.is_late() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let error = io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the next file is not ready in time: spans come too fast, or the disk or the processors are too busy",
                );
                state.late = (state.late.0 + 1, Some(Instant::now()));
                state.note(&error);
                return Err(error);
            }
            let waited = self.made_one.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state)
    }

    pub(crate) fn block(&self, shape: Shape) -> io::Result<(Arc<Segment>, u32)> {
        let mut state = self.lock();
        if shape == Shape::USUAL {
            state.reuse();
            state.ask_for_upkeep();
            if state.upkeep.is_some() {
                state = self.wait_for_block(state)?;
            }
        } else {
            drop(state);
            self.remove_unneeded(); // they count until then
            state = self.lock();
        }
        let found = state.free.iter().rposition(|(free, _)| free.header.shape == shape);
        if let Some(at) = found {
            return Ok(state.free.remove(at));
        }
        let spare = if shape == Shape::USUAL {
            state.take_spare()
        } else {
            None
        };
        let segment = if let Some(spare) = spare {
            spare
        } else {
            let number = state.next_file(shape, self.plan.limit)?;
            drop(state);
            let made = self.make(number, shape);
            state = self.lock();
            state.made(made, shape)?
        };
        let segment = Arc::new(segment);
        state.files.push(Arc::downgrade(&segment));
        let others = (1..shape.blocks).rev().map(|index| (Arc::clone(&segment), index));
        state.free.extend(others);
        Ok((segment, 0))
    }
}

impl Plan {
    /// With what is usual for the rest: a gibibyte at most, mapped, and on the disk when the system likes.
    #[must_use]
    pub fn new(path: PathBuf, service: impl Into<String>) -> Self {
        Self {
            path,
            service: service.into(),
            limit: 1 << 30,
            sync: Sync::default(),
            mapping: MapPolicy::default(),
        }
    }

    pub(crate) fn new_folder(&self) -> io::Result<Arc<Folder>> {
        Folder::create(&self.path, &self.service, self.sync != Sync::Never).map(Arc::new)
    }

    /// On which it lies; inside it, why that cannot be told now.
    fn file_system(&self) -> io::Result<io::Result<FileSystem>> {
        let place = match self.path.parent() {
            Some(parent) if !self.path.exists() => parent, // there was no room for it
            _ => &self.path,
        };
        match FileSystem::of(place) {
            Err(error) if !may_pass(&error) => Err(error),
            asked => Ok(asked),
        }
    }

    fn why_not_mapped(&self, file_system: &io::Result<FileSystem>) -> Option<String> {
        match (self.mapping, file_system) {
            (MapPolicy::Never, _) => Some("mapping=never".to_owned()),
            (MapPolicy::Always, _) => None,
            (MapPolicy::Auto, Ok(found)) => (!found.keeps_mapped).then(|| found.name.clone()),
            (MapPolicy::Auto, Err(error)) => Some(error.to_string()),
        }
    }
}

/// Whether it is a matter of time, and not of how things are set up.
fn may_pass(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let number = error.raw_os_error();
    // A disk that fails is mounted read-only by the system.
    [Errno::IO, Errno::ROFS, Errno::MFILE, Errno::NFILE, Errno::NOMEM]
        .iter()
        .any(|passes| number == Some(passes.raw_os_error()))
        || matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether a file that could not be mapped, or allocated, may do when it is written to by write(2).
fn may_be_written(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let number = error.raw_os_error();
    [
        Errno::OPNOTSUPP,
        Errno::NOSYS,
        Errno::INVAL,
        Errno::NODEV,
        Errno::ACCESS,
        Errno::PERM,
    ]
    .iter()
    .any(|refused| number == Some(refused.raw_os_error()))
}

impl State {
    fn new() -> Self {
        Self {
            folder: None,
            next_try: (Instant::now(), Duration::ZERO),
            file: 0,
            bytes: 0,
            free: Vec::new(),
            spares: Vec::new(),
            taken: None,
            busy_until: None,
            is_making: false,
            has_ended: false,
            unneeded: Vec::new(),
            files: Vec::new(),
            failed: None,
            late: (0, None),
            failures: 0,
            last_error: None,
            synced: None,
            upkeep: None,
        }
    }

    /// The thread has its turn soon.
    fn ask_for_upkeep(&self) {
        if let Some(upkeep) = &self.upkeep {
            upkeep.unpark();
        }
    }

    /// What is told of it.
    pub fn note(&mut self, error: &io::Error) {
        self.failures += 1;
        self.last_error = Some(error.to_string());
    }

    fn path(&self, plan: &Plan) -> PathBuf {
        self.folder.as_ref().map_or(&plan.path, |folder| &folder.path).clone()
    }

    fn has_no_folder(&mut self, error: &io::Error) {
        let now = Instant::now();
        let pause = (self.next_try.1 * 2).clamp(PAUSES[0], PAUSES[1]);
        self.next_try = (now + pause, pause);
        self.failed = Some((now, error.kind()));
        self.note(error);
    }

    /// Why there is no folder, if there is none.
    fn check_folder(&self) -> io::Result<()> {
        match (&self.folder, self.failed) {
            (Some(_), _) => Ok(()),
            (None, Some((_, kind))) => Err(kind.into()),
            (None, None) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Whether one more file of that shape would be too much: two more than the limit says, since blocks that are free lie here and there.
    fn is_at_bound(&self, shape: Shape, limit: u64) -> bool {
        let len = shape.file_len() as u64;
        self.bytes > 0 && self.bytes + len > limit.saturating_add(2 * Shape::USUAL.file_len() as u64)
    }

    /// The number of a new file of that shape, if there may be one.
    pub fn next_file(&mut self, shape: Shape, limit: u64) -> io::Result<u64> {
        self.check_folder()?;
        if let Some((_, kind)) = self.failed.filter(|(when, _)| when.elapsed() < PATIENCE) {
            return Err(kind.into());
        }
        let len = shape.file_len() as u64;
        if self.is_at_bound(shape, limit) {
            return Err(AtBound.into());
        }
        self.bytes += len;
        self.file += 1;
        Ok(self.file)
    }

    pub fn made(&mut self, made: io::Result<Segment>, shape: Shape) -> io::Result<Segment> {
        match &made {
            Ok(_) => {
                self.failed = None;
                self.late = (0, None);
            }
            Err(error) => {
                self.bytes -= shape.file_len() as u64;
                self.note(error);
                self.failed = Some((Instant::now(), error.kind()));
            }
        }
        made
    }
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
