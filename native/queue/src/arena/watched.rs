//! [`Watched`]: under loom, cells that stand for the bytes of frames, so that loom sees who touches them when. Else nothing.

#[cfg(loom)]
use loom::cell::UnsafeCell;

/// Frames of a chunk that loom watches; models have no more.
#[cfg(loom)]
const MOST: usize = 8;

/// The frames of a chunk.
#[derive(Debug, Default)]
pub struct Watched {
    #[cfg(loom)]
    cells: [UnsafeCell<()>; MOST],
}

// SAFETY: the cells hold nothing; that their use is ordered is what loom checks.
#[cfg(loom)]
unsafe impl Sync for Watched {}

impl Watched {
    /// The writer writes that frame.
    #[inline(always)]
    #[cfg_attr(not(loom), allow(clippy::unused_self))]
    pub fn write(&self, _frame: u64) {
        #[cfg(loom)]
        self.cells[usize::try_from(_frame).expect("few")].with_mut(|_| ());
    }

    /// A reader reads the frames below.
    #[inline(always)]
    #[cfg_attr(not(loom), allow(clippy::unused_self))]
    pub fn read(&self, _frames: u32) {
        #[cfg(loom)]
        self.cells[..usize::try_from(_frames).expect("few")]
            .iter()
            .for_each(|cell| cell.with(|_| ()));
    }
}
