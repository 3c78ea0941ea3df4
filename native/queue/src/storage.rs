//! [`Storage`]: where the memory of chunks comes from.

use std::fmt::{self, Debug, Display, Formatter};
use std::io;
use std::sync::Arc;

pub use crate::arena::Heap;
pub use crate::group::Group;
pub use crate::sync::AtomicU64;

/// A piece of memory that frames are written into.
///
/// # Safety
/// `start` answers the same pointer for as long as the block lives, valid for reading and writing `capacity` bytes, which
/// nobody else in this process uses; `published` the same word; and a block may be freed by any thread.
#[allow(unsafe_code)]
pub unsafe trait Block: Debug + Send + Sync {
    /// Where it begins.
    fn start(&self) -> std::ptr::NonNull<u8>;

    /// Bytes.
    fn capacity(&self) -> usize;

    /// How much of it may be read without this process: frames (upper half) and bytes (lower half). One store of this word commits a frame.
    fn published(&self) -> &AtomicU64;

    /// Whether others than this process may change its bytes.
    fn is_shared(&self) -> bool {
        false
    }

    /// Keeps what whoever reads the block without this process needs to know of a group, before the first frame of it is published; false
    /// if there is no room for it.
    fn keep_group(&self, number: u8, group: &Group) -> bool {
        let _ = (number, group);
        true
    }

    /// Whether a new block of this kind has room for that group.
    fn has_room_for(&self, group: &Group) -> bool {
        let _ = group;
        true
    }

    /// All lanes are done with the first so many frames.
    fn set_done(&self, frames: u32) {
        let _ = frames;
    }

    /// Nobody needs what is in it any more.
    fn release(&self) {}

    /// No frame comes behind those that are there.
    fn complete(&self) {}

    /// Whether all its frames are where they outlive the process, if that is what it is for.
    fn is_stored(&self) -> bool {
        true
    }

    /// Whether the writer is to go on in another block, if there is room for one.
    fn is_to_be_left(&self) -> bool {
        false
    }

    /// Whether it may be used again.
    fn may_begin_again(&self) -> bool {
        true
    }

    /// Begins anew, with no frames and no groups.
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// There are as many blocks as there may be: those that are in use have to be given back first. Not for [`Heap`].
#[derive(Clone, Copy, Debug)]
pub struct AtBound;

impl AtBound {
    /// Whether that is what an error says.
    #[must_use]
    pub fn is(error: &io::Error) -> bool {
        matches!(error.get_ref(), Some(inner) if inner.is::<Self>())
    }
}

impl Display for AtBound {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("there are as many blocks as there may be")
    }
}

impl std::error::Error for AtBound {}

impl From<AtBound> for io::Error {
    fn from(bound: AtBound) -> Self {
        Self::new(io::ErrorKind::QuotaExceeded, bound)
    }
}

/// Sends the writer of a queue to its lock at the next frame, to look for another block. Any thread may call it, at any time.
pub type Interrupt = Arc<dyn Fn() + Send + Sync>;

/// Makes blocks: of the heap, or of mapped files.
pub trait Storage: Debug + Send {
    /// A block of at least `capacity` bytes, which are not touched before they are needed, with room for this group. The error is
    /// [`AtBound`] if the oldest frames have to go for that.
    fn block(&mut self, capacity: usize, group: &Group) -> io::Result<Box<dyn Block>>;

    /// Bytes of an ordinary block, if it is not for the queue to say.
    fn block_len(&self) -> Option<usize> {
        None
    }

    /// How the writer is told that there is a better block than the last: a storage that has worse ones keeps it.
    fn set_interrupt(&mut self, interrupt: Interrupt) {
        drop(interrupt);
    }

    /// This is the child of a fork: what blocks there are are the parent's, and their memory is not there.
    fn begin_again(&mut self) {}

    /// Whether frames stay until all lanes are done with them, not only until they are taken.
    fn keeps_until_done(&self) -> bool {
        false
    }

    /// Whether its frames are copies: one that finds no memory is handed back and not counted, since the original is where it was.
    fn holds_copies(&self) -> bool {
        false
    }
}
