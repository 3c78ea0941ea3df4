//! [`Storage`]: where the memory of chunks comes from.

use std::fmt::Debug;
use std::io;

pub use crate::arena::Heap;

/// A piece of memory that frames are written into.
///
/// # Safety
/// `start` answers the same pointer for as long as the block lives, valid for reading and writing `capacity` bytes, which
/// nobody else uses; and a block may be freed by any thread.
#[allow(unsafe_code)]
pub unsafe trait Block: Debug + Send + Sync {
    /// Where it begins.
    fn start(&self) -> std::ptr::NonNull<u8>;

    /// Bytes.
    fn capacity(&self) -> usize;
}

/// Makes blocks: of the heap now, of mapped files later.
pub trait Storage: Debug + Send {
    /// A block of `capacity` bytes, which are not touched before they are needed.
    fn block(&mut self, capacity: usize) -> io::Result<Box<dyn Block>>;
}
