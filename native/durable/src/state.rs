//! [`State`]: the books of a directory: its folder, its files and blocks, and what became of making them.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use spanwire_queue::storage::AtBound;

use crate::folder::Folder;
use crate::format::Shape;
use crate::plan::Plan;
use crate::segment::Segment;
use crate::standby::Standby;

/// After a file could not be made, nobody tries again for so long.
pub const PATIENCE: Duration = Duration::from_millis(200);
/// After the folder could not be made, nobody tries again for so long; each time for twice as long, up to the second.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

#[derive(Debug)]
pub struct State {
    /// None as long as there is no room for one, or the disk fails.
    pub folder: Option<Arc<Folder>>,
    /// When its making is tried again, and how long that was put off.
    pub next_try: (Instant, Duration),
    file: u64,
    pub bytes: u64,
    /// Blocks that nobody has.
    pub free: Vec<(Arc<Segment>, u32)>,
    /// The next files, ready.
    pub spares: Vec<Arc<Segment>>,
    /// When a spare was taken last, and until when two are wanted: one was taken soon after another.
    pub taken: Option<Instant>,
    pub busy_until: Option<Instant>,
    /// The thread is at making one.
    pub is_making: bool,
    /// No more are made: what there is stays only for spans that were not delivered.
    pub has_ended: bool,
    /// Files of which nobody needs anything any more, to be removed; their bytes are not counted any more.
    pub unneeded: Vec<Arc<Segment>>,
    /// Segments whose file is not made yet, or not complete, with their numbers.
    pub standbys: Vec<Standby>,
    /// Files with frames that only a later process delivers, to be sealed.
    pub left: Vec<Arc<Segment>>,
    /// All files that are in use.
    pub files: Vec<Weak<Segment>>,
    /// When a block was refused last since too much was in memory already.
    pub crowded: Option<Instant>,
    /// When the last file could not be made, and why.
    pub failed: Option<(Instant, io::ErrorKind)>,
    pub failures: u64,
    pub last_error: Option<String>,
    /// Everything that was committed by then is on the disk.
    pub synced: Option<Instant>,
    /// Who makes the next file, and sees to the rest.
    pub upkeep: Option<Thread>,
}

impl State {
    pub fn new() -> Self {
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
            standbys: Vec::new(),
            left: Vec::new(),
            files: Vec::new(),
            crowded: None,
            failed: None,
            failures: 0,
            last_error: None,
            synced: None,
            upkeep: None,
        }
    }

    /// The thread has its turn soon.
    pub fn ask_for_upkeep(&self) {
        if let Some(upkeep) = &self.upkeep {
            upkeep.unpark();
        }
    }

    /// What is told of it.
    pub fn note(&mut self, error: &io::Error) {
        self.failures += 1;
        self.last_error = Some(error.to_string());
    }

    pub fn path(&self, plan: &Plan) -> PathBuf {
        self.folder.as_ref().map_or(&plan.path, |folder| &folder.path).clone()
    }

    pub fn has_no_folder(&mut self, error: &io::Error) {
        let now = Instant::now();
        let pause = (self.next_try.1 * 2).clamp(PAUSES[0], PAUSES[1]);
        self.next_try = (now + pause, pause);
        self.failed = Some((now, error.kind()));
        self.note(error);
    }

    /// Why there is no folder, if there is none though it was tried to make one.
    fn check_folder(&self) -> io::Result<()> {
        match (&self.folder, self.failed) {
            (None, _) if self.has_ended => Err(io::ErrorKind::NotFound.into()),
            (None, Some((_, kind))) => Err(kind.into()),
            (_, _) => Ok(()),
        }
    }

    /// Whether one more file of that shape would be too much: two more than the limit says, since blocks that are free lie here and there.
    pub fn is_at_bound(&self, shape: Shape, limit: u64) -> bool {
        let len = shape.file_len() as u64;
        self.bytes > 0 && self.bytes + len > limit.saturating_add(2 * Shape::USUAL.file_len() as u64)
    }

    /// The number of a new file of that shape, if there may be one.
    pub fn next_file(&mut self, shape: Shape, limit: u64) -> io::Result<u64> {
        self.check_folder()?;
        self.check_patience()?;
        let len = shape.file_len() as u64;
        if self.is_at_bound(shape, limit) {
            return Err(AtBound.into());
        }
        self.bytes += len;
        self.file += 1;
        Ok(self.file)
    }

    pub fn made<T>(&mut self, made: io::Result<T>, shape: Shape) -> io::Result<T> {
        match &made {
            Ok(_) => {
                self.failed = None;
            }
            Err(error) => {
                self.bytes = self.bytes.saturating_sub(shape.file_len() as u64);
                self.has_failed(error);
            }
        }
        made
    }

    /// A file could not be made.
    pub fn has_failed(&mut self, error: &io::Error) {
        self.note(error);
        self.failed = Some((Instant::now(), error.kind()));
    }

    /// Why no file could be made, if that was a moment ago.
    pub fn check_patience(&self) -> io::Result<()> {
        let recent = self.failed.filter(|(when, _)| when.elapsed() < PATIENCE);
        recent.map_or(Ok(()), |(_, kind)| Err(kind.into()))
    }
}
