//! [`Mapped`]: what a queue gets its chunks from.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::sync::Arc;
use std::time::Instant;

use spanwire_queue::Group;
use spanwire_queue::storage::{Block, Interrupt, Storage};

use crate::directory::Directory;
use crate::plan::Plan;
use crate::state::PATIENCE;
use spanwire_ground::Here;

use crate::ffi::MappedBlock;
use crate::format::Shape;
use crate::heads;

/// Blocks of this process's directory; of another one in each child, which its first block asks for.
pub struct Mapped {
    directory: Option<Here<Arc<Directory>>>,
    /// When a child's could not be made, and why.
    failed: Option<(Instant, io::ErrorKind)>,
    plan: Plan,
    /// Why files are not mapped, if they are not; in children, too.
    why_not: Option<String>,
    file_system: Option<String>,
    interrupt: Interrupt,
}

impl Debug for Mapped {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_struct("Mapped")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl Mapped {
    /// Of a directory; in a child of the process that made it of another one, which the first block makes.
    pub fn new(directory: &Arc<Directory>) -> Self {
        Self {
            directory: directory.is_here().then(|| Here::new(Arc::clone(directory))),
            failed: None,
            plan: directory.plan.clone(),
            why_not: directory.not_mapped.clone(),
            file_system: directory.file_system.clone(),
            interrupt: Arc::new(|| ()),
        }
    }

    /// The directory of a child of the process that made this, whose thread makes its folder.
    fn of_child(&mut self) -> io::Result<Arc<Directory>> {
        if let Some((_, kind)) = self.failed.filter(|(when, _)| when.elapsed() < PATIENCE) {
            return Err(kind.into());
        }
        let made = Directory::create_later(&self.plan, self.why_not.clone(), self.file_system.clone());
        let made = made.inspect_err(|error| self.failed = Some((Instant::now(), error.kind())))?;
        self.directory = Some(Here::new(Arc::clone(&made)));
        Ok(made)
    }
}

impl Storage for Mapped {
    fn block(&mut self, capacity: usize, group: &Group) -> io::Result<Box<dyn Block>> {
        let head = heads::encode(group, 0, 0).len();
        let usual = Shape::USUAL;
        let shape = if capacity <= usual.frames_len() && head <= usual.heads_len {
            usual
        } else {
            Shape::for_one(capacity.max(usual.frames_len()), head)
        };
        let directory = match &self.directory {
            Some(directory) => Arc::clone(directory),
            None => self.of_child()?,
        };
        let (segment, index) = directory.block_for(shape, &self.interrupt)?;
        Ok(Box::new(MappedBlock::new(segment, index, directory)))
    }

    fn block_len(&self) -> Option<usize> {
        Some(Shape::USUAL.frames_len())
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    fn begin_again(&mut self) {
        // The parent's: its memory is not there, its locks may be held.
        self.directory = None;
    }

    fn keeps_until_done(&self) -> bool {
        true
    }
}

impl Directory {
    /// What a queue gets its chunks from.
    #[must_use]
    pub fn storage(self: &Arc<Self>) -> Box<dyn Storage> {
        Box::new(Mapped::new(self))
    }
}
