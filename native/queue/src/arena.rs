//! [`Chunk`]: a block of memory that frames are written into, one behind the other.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::varint::varint_len;

use crate::group::Group;

/// Most bytes that a frame takes beside its content: tag and length, and room to move the content if the length's width was
/// guessed wrong.
pub const OVERHEAD: usize = 24;

const SPANS: u8 = len_tag(tag::scope_spans::SPANS);

/// Frames in order, and which group each is of.
///
/// Invariant: `ends` has the end of every frame, ascending, within `memory`; `runs` are ascending, the first begins at frame 0.
#[derive(Debug)]
pub struct Chunk {
    memory: Vec<u8>,
    /// Bytes of memory that it was made with.
    capacity: usize,
    ends: Vec<u32>,
    runs: Vec<Run>,
    /// Frames that are gone.
    gone: usize,
}

/// Frames of one group, from `first` to the next run's.
#[derive(Debug)]
struct Run {
    group: Arc<Group>,
    first: usize,
}

impl Chunk {
    /// An empty chunk of `capacity` bytes, which are not touched before they are needed.
    pub fn new(capacity: usize) -> Self {
        Self {
            memory: Vec::with_capacity(capacity),
            capacity,
            ends: Vec::new(),
            runs: Vec::new(),
            gone: 0,
        }
    }

    /// Bytes of memory.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether a frame of at most `max_len` bytes, [`OVERHEAD`] included, fits behind the others.
    #[inline(always)]
    pub fn has_room(&self, max_len: usize) -> bool {
        self.memory.capacity() - self.memory.len() >= max_len
    }

    /// Frames that are left.
    pub fn len(&self) -> usize {
        self.ends.len() - self.gone
    }

    /// Appends the frame whose content `write` writes, and answers its length. What does not fit is copied into a memory that
    /// grows.
    #[inline(always)]
    pub fn append(&mut self, group: &Arc<Group>, max_len: usize, write: impl FnOnce(&mut Region)) -> usize {
        let room = self.memory.spare_capacity_mut();
        let capacity = room.len();
        let start = NonNull::from(room).cast::<u8>();
        // SAFETY: spare capacity of a vector that is borrowed mutably and not touched while the region lives.
        let mut frame = unsafe { Region::within(start, capacity) };
        let message = frame.open(SPANS, width(max_len));
        write(&mut frame);
        frame.close(message);
        let len = frame.len();
        if frame.is_lent() {
            drop(frame);
            // SAFETY: the region has written `len` bytes from the end of the content on, within the capacity.
            unsafe { self.memory.set_len(self.memory.len() + len) };
        } else {
            // More than was announced, so the region moved elsewhere.
            self.memory.extend_from_slice(frame.as_slice());
        }
        self.push(group);
        len
    }

    /// Appends a frame that has its tag and length.
    pub fn append_message(&mut self, group: &Arc<Group>, message: &[u8]) {
        self.memory.extend_from_slice(message);
        self.push(group);
    }

    #[inline(always)]
    fn push(&mut self, group: &Arc<Group>) {
        if !self.runs.last().is_some_and(|run| Arc::ptr_eq(&run.group, group)) {
            self.runs.push(Run {
                group: Arc::clone(group),
                first: self.ends.len(),
            });
        }
        // The queue refuses frames of 2 GiB or more.
        self.ends.push(u32::try_from(self.memory.len()).unwrap_or(u32::MAX));
    }

    /// The frames' bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.memory
    }

    /// The runs of the frames that are left: their group and which frames.
    pub fn runs(&self) -> impl Iterator<Item = (&Arc<Group>, Range<usize>)> {
        let ends = self.runs.iter().skip(1).map(|run| run.first);
        let ends = ends.chain([self.ends.len()]);
        let runs = self.runs.iter().zip(ends);
        runs.filter(|&(_, end)| end > self.gone)
            .map(|(run, end)| (&run.group, run.first.max(self.gone)..end))
    }

    /// Where a frame's bytes begin.
    pub fn start(&self, frame: usize) -> usize {
        frame.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }

    /// Where a frame's bytes end.
    pub fn end(&self, frame: usize) -> usize {
        self.ends[frame] as usize
    }

    /// Removes the oldest `count` frames; answers how many bytes they were. The memory stays.
    pub fn remove(&mut self, count: usize) -> usize {
        let from = self.start(self.gone);
        self.gone += count.min(self.len());
        self.start(self.gone) - from
    }

    /// Forgets all frames.
    pub fn clear(&mut self) {
        self.memory.clear();
        self.memory.shrink_to(self.capacity); // had a frame been longer than announced
        self.ends.clear();
        self.runs.clear();
        self.gone = 0;
    }
}

/// How many bytes a frame's length probably takes.
#[inline(always)]
fn width(max_len: usize) -> u8 {
    #[allow(clippy::cast_possible_truncation)] // at most 5
    let width = varint_len(max_len as u64).min(5) as u8;
    width
}
