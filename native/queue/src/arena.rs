//! [`Chunk`] and [`ChunkWriter`]: a block of memory that one thread writes frames into while others read those before.
//!
//! All unsafe code of the queue is here. The writer publishes how many frames and bytes there are by one release store after
//! each frame; what lies below that mark never changes again, and nobody reads beyond it.
//!
//! The bytes are frames as in a scope's group (tag, length, item) and, where the group changes, a marker of two bytes: 0,
//! which no frame begins with, and the group's number in the chunk. An object of [`crate::object`] has a place of [`OBJECT_BYTES`]
//! among them, which begins as neither and has the length of a frame behind it.
//!
//! Memory of a file may be changed by others meanwhile. How much there is of it is therefore never read there, but in a word of the
//! chunk's own; what the bytes say is bounded by that.

mod watched;

use std::alloc::{Layout, alloc, dealloc};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use spanwire_wire::Signal;
use spanwire_wire::arena::Region;
use spanwire_wire::tag::len_tag;
use spanwire_wire::varint::{decode_varint32, varint_len};

use crate::arena::watched::Watched;
use crate::group::Group;
use crate::object::OBJECT_BYTES;
use crate::storage::{Block, Storage};
use crate::sync::{AtomicU64, Ordering};

/// Most bytes that a frame takes beside its content: a marker, tag and length, and room to move the content if the length's
/// width was guessed wrong.
pub const OVERHEAD: usize = 26;

/// Groups of a chunk at most: their numbers are bytes. With one more it is full.
const GROUPS: usize = 255;
const MARKER: u8 = 0;
const MARKER_LEN: usize = 2;
const ITEM: u8 = len_tag(Signal::ITEMS);
const PLACE: u8 = 1;
const PLACE_HEADER: usize = 3;

/// Frames in order, and which group each is of.
#[derive(Debug)]
pub struct Chunk {
    /// Keeps the memory.
    block: Box<dyn Block>,
    start: NonNull<u8>,
    /// The block's word: how much of it was written, for whoever reads it without this process.
    published: NonNull<AtomicU64>,
    /// The same, for those who read here.
    own: AtomicU64,
    capacity: usize,
    /// Whether others may change its bytes.
    is_shared: bool,
    /// Of all frames of the queue, the number of its first.
    first: u64,
    /// Bytes of frames in the chunks before it.
    bytes_before: u64,
    /// Bytes of memory of the chunks before it.
    memory_before: u64,
    /// When it was begun.
    begun: Instant,
    /// Where the last marker is (behind it all frames are of one group), and below that, 8 bits, the group's number.
    last_marker: AtomicU64,
    groups: [OnceLock<Arc<Group>>; GROUPS],
    watched: Watched,
}

// SAFETY: the pointer is the block's, whose memory is written by the one `ChunkWriter` beyond `published`, read below it.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

/// What of a chunk may be read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extent {
    /// Frames.
    pub frames: u32,
    /// Bytes, markers included.
    pub bytes: usize,
}

/// One thing that lies in a chunk.
pub enum Item {
    /// From here on frames are of this group of the chunk.
    Group(u8),
    /// A frame.
    Frame,
}

impl Chunk {
    /// An empty chunk in that memory.
    pub fn new(block: Box<dyn Block>) -> Self {
        Self {
            start: block.start(),
            published: NonNull::from(block.published()),
            own: AtomicU64::new(0),
            capacity: block.capacity(),
            is_shared: block.is_shared(),
            block,
            first: 0,
            bytes_before: 0,
            memory_before: 0,
            begun: Instant::now(),
            last_marker: AtomicU64::new(0),
            groups: [const { OnceLock::new() }; GROUPS],
            watched: Watched::default(),
        }
    }

    /// Forgets all frames and hands out the groups; what comes now follows `before`.
    pub fn reset(&mut self, before: Option<&Self>, groups: &mut Vec<Arc<Group>>) -> io::Result<()> {
        (self.first, self.bytes_before, self.memory_before) = before.map_or((0, 0, 0), |before| {
            (before.end(), before.bytes_end(), before.memory_end())
        });
        self.block.published().store(0, Ordering::Relaxed);
        self.own = AtomicU64::new(0);
        self.last_marker = AtomicU64::new(0);
        self.watched = Watched::default();
        self.begun = Instant::now();
        groups.extend(self.groups.iter_mut().map_while(OnceLock::take)); // they are used in order
        self.block.begin()
    }

    /// Whether there is room for that group, when it is empty.
    pub fn has_room_for(&self, group: &Group) -> bool {
        self.block.has_room_for(group)
    }

    /// All lanes are done with the first so many frames of the queue.
    pub fn set_done(&self, done: u64) {
        let frames = done.min(self.end()).saturating_sub(self.first);
        self.block.set_done(u32::try_from(frames).unwrap_or(u32::MAX));
    }

    /// Nobody needs its frames any more.
    pub fn release(&self) {
        self.block.release();
    }

    /// No frame comes behind those that are there.
    pub fn complete(&self) {
        self.block.complete();
    }

    /// Whether all its frames are where they outlive the process.
    pub fn is_stored(&self) -> bool {
        self.block.is_stored()
    }

    /// Whether the writer is to go on in another chunk.
    pub fn is_to_be_left(&self) -> bool {
        self.block.is_to_be_left()
    }

    /// Whether its memory may be used again.
    pub fn may_begin_again(&self) -> bool {
        self.block.may_begin_again()
    }

    /// How long ago it was begun.
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Bytes of memory.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Of all frames of the queue, the number of its first.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number of the frame behind its last so far.
    pub fn end(&self) -> u64 {
        self.first + u64::from(self.extent().frames)
    }

    /// Bytes of the queue's frames before it.
    pub fn bytes_before(&self) -> u64 {
        self.bytes_before
    }

    /// Bytes of the queue's frames up to its last so far.
    pub fn bytes_end(&self) -> u64 {
        self.bytes_before + self.extent().bytes as u64
    }

    /// Memory of the chunks before it.
    pub fn memory_before(&self) -> u64 {
        self.memory_before
    }

    /// Memory of the chunks up to and with it.
    pub fn memory_end(&self) -> u64 {
        self.memory_before + self.capacity as u64
    }

    /// How much may be read.
    #[allow(clippy::cast_possible_truncation)] // two halves
    pub fn extent(&self) -> Extent {
        let published = self.own.load(Ordering::Acquire);
        Extent {
            frames: (published >> 32) as u32,
            bytes: published as u32 as usize,
        }
    }

    /// Behind this place all frames, so far, are of one group.
    #[allow(clippy::cast_possible_truncation)] // a place in memory
    pub fn last_marker(&self) -> usize {
        (self.last_marker.load(Ordering::Relaxed) >> 8) as usize
    }

    /// The group of the last frame of `extent`; none if a marker behind it is known already, which says the next one's.
    #[allow(clippy::cast_possible_truncation)] // two parts
    pub fn last_group(&self, extent: Extent) -> Option<u8> {
        let last = self.last_marker.load(Ordering::Relaxed);
        (((last >> 8) as usize) < extent.bytes).then_some(last as u8)
    }

    /// Whether others may change its bytes.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Bytes that are published.
    ///
    /// # Panics
    /// If they are not.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        let extent = self.extent();
        assert!(range.start <= range.end && range.end <= extent.bytes, "not published");
        self.watched.read(extent.frames);
        // SAFETY: within the block, written before `own` was set to at least `range.end` (which was read with acquire just now), and
        // never written again by this process while the chunk is shared. Of a mapped file another process may write there: a data race
        // by the letter, accepted for the reasons in docs/unsafe.md.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(range.start), range.end - range.start) }
    }

    /// A group that a marker named.
    pub fn group(&self, number: u8) -> Option<&Arc<Group>> {
        self.groups.get(usize::from(number))?.get()
    }

    /// What lies at `at` below `extent`, and where it ends. `None` at the end, and where nothing can be read: the bytes are damaged.
    pub fn item(&self, at: usize, extent: Extent) -> Option<(Item, usize)> {
        let bytes = self.bytes(at..extent.bytes);
        let (item, len) = match *bytes {
            [MARKER, number, ..] => (Item::Group(number), MARKER_LEN),
            [PLACE, ..] if self.is_shared => return None, // no object is in a file
            [ITEM | PLACE, short, ..] if short < 0x80 => (Item::Frame, 2 + usize::from(short)),
            [ITEM | PLACE, ..] => {
                let (len, width) = decode_varint32(&bytes[1..]).ok()?;
                (Item::Frame, 1 + width + len as usize)
            }
            _ => return None,
        };
        (len <= bytes.len()).then_some((item, at + len))
    }
}

/// The one writer of a chunk.
#[derive(Debug)]
pub struct ChunkWriter {
    chunk: Arc<Chunk>,
    /// Of the chunk: its memory, its two words, and so on; for each frame they are needed here.
    start: NonNull<u8>,
    published: NonNull<AtomicU64>,
    own: NonNull<AtomicU64>,
    capacity: usize,
    first: u64,
    /// Bytes published.
    len: usize,
    /// Where the next frame begins: there, or behind a marker that will be published with it.
    at: usize,
    /// Of all frames of the queue, the number of the next.
    next: u64,
    /// Address of the group at `at`: only compared.
    group: *const Group,
    /// Keeps that address where the chunk has another group that is equal: else the next group that is made may lie there.
    equal: Option<Arc<Group>>,
}

// SAFETY: the pointers are the chunk's memory, which is for this writer alone beyond what is published, and an address.
unsafe impl Send for ChunkWriter {}

impl ChunkWriter {
    /// The writer of a chunk, which may be shared from now on.
    ///
    /// # Panics
    /// If it is shared already: it may have a writer.
    pub fn new(mut chunk: Arc<Chunk>) -> Self {
        assert!(Arc::get_mut(&mut chunk).is_some(), "a chunk has one writer");
        let len = chunk.extent().bytes;
        Self {
            start: chunk.start,
            published: chunk.published,
            own: NonNull::from(&chunk.own),
            capacity: chunk.capacity,
            first: chunk.first,
            len,
            at: len,
            next: chunk.end(),
            group: std::ptr::null(),
            equal: None,
            chunk,
        }
    }

    /// The chunk.
    pub fn chunk(&self) -> &Arc<Chunk> {
        &self.chunk
    }

    /// Of all frames of the queue, the number of the next.
    #[inline(always)]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Makes the next frame one of `group`; whether it has room for `len` bytes, [`OVERHEAD`] included, below `room`, which is
    /// at most the capacity.
    #[inline(always)]
    pub fn prepare(&mut self, group: &Arc<Group>, len: usize, room: usize) -> bool {
        self.len.saturating_add(len) <= room && (self.group == Arc::as_ptr(group) || self.mark(group))
    }

    /// Appends the frame whose content `write` writes, of the group prepared. If it is longer than what was prepared for,
    /// nothing is appended, and it is given back with tag and length.
    #[inline(always)]
    pub fn append(&mut self, max_len: usize, write: impl FnOnce(&mut Region)) -> Option<Vec<u8>> {
        let capacity = self.capacity - self.at;
        // SAFETY: within the block: `at` is at most its capacity, and nobody reads what is not published.
        let mut frame = unsafe { Region::within(self.start.add(self.at), capacity) };
        let message = frame.open(ITEM, width(max_len));
        write(&mut frame);
        frame.close(message);
        if !frame.is_lent() {
            return Some(frame.into_vec());
        }
        let len = frame.len();
        drop(frame);
        self.publish(len);
        None
    }

    /// Appends a frame that has its tag and length, of the group prepared; false, and nothing done, if there is no room.
    pub fn append_message(&mut self, message: &[u8]) -> bool {
        if self.capacity - self.at < message.len() {
            return false;
        }
        // SAFETY: as above; the message is somewhere else.
        unsafe { std::ptr::copy_nonoverlapping(message.as_ptr(), self.start.add(self.at).as_ptr(), message.len()) };
        self.publish(message.len());
        true
    }

    /// Appends the place of an object, of the group prepared; false, and nothing done, if there is no room.
    #[allow(clippy::cast_possible_truncation)] // a length below 2^14, as a varint of two bytes
    pub fn append_place(&mut self) -> bool {
        const CONTENT: usize = OBJECT_BYTES - PLACE_HEADER;
        const LOW: u8 = (CONTENT & 0x7F) as u8 | 0x80;
        const HIGH: u8 = (CONTENT >> 7) as u8;
        let mut place = [0; OBJECT_BYTES];
        place[..PLACE_HEADER].copy_from_slice(&[PLACE, LOW, HIGH]);
        self.append_message(&place)
    }

    #[inline(always)]
    fn publish(&mut self, len: usize) {
        self.at += len;
        self.len = self.at;
        self.next += 1;
        let frames = self.next - self.first;
        self.chunk.watched.write(frames - 1);
        // A chunk has less than 4 GiB: the queue refuses frames of 2 GiB or more.
        let published = frames << 32 | self.len as u64;
        // SAFETY: the block's, which lives as long as the chunk.
        unsafe { self.published.as_ref() }.store(published, Ordering::Release);
        // SAFETY: the chunk's, which is here.
        unsafe { self.own.as_ref() }.store(published, Ordering::Release);
    }

    /// Writes, but does not publish, a marker; false if the chunk has no number left for the group.
    #[cold]
    #[inline(never)]
    fn mark(&mut self, group: &Arc<Group>) -> bool {
        if self.capacity - self.len < MARKER_LEN {
            return false;
        }
        let number = self.chunk.groups.iter().position(|known| match known.get() {
            Some(known) => Arc::ptr_eq(known, group) || known.is_interchangeable(group),
            None => true,
        });
        let Some((number, place)) = number.and_then(|at| Some((u8::try_from(at).ok()?, &self.chunk.groups[at]))) else {
            return false;
        };
        let known = place.get();
        let is_equal = known.is_some_and(|known| !Arc::ptr_eq(known, group));
        if known.is_none() && (!self.chunk.block.keep_group(number, group) || place.set(Arc::clone(group)).is_err()) {
            return false;
        }
        let marker = [MARKER, number];
        // SAFETY: there is room, as was seen above, and it is not published.
        unsafe { std::ptr::copy_nonoverlapping(marker.as_ptr(), self.start.add(self.len).as_ptr(), MARKER_LEN) };
        let last = (self.len as u64) << 8 | u64::from(number);
        self.chunk.last_marker.store(last, Ordering::Relaxed);
        self.at = self.len + MARKER_LEN;
        self.group = Arc::as_ptr(group);
        // Together with the address. Nothing is attached to a group that is equal: to drop the one before runs no code of others.
        self.equal = is_equal.then(|| Arc::clone(group));
        true
    }
}

/// Memory of the heap.
#[derive(Debug, Default)]
pub struct Heap;

#[derive(Debug)]
struct HeapBlock {
    start: NonNull<u8>,
    layout: Layout,
    published: AtomicU64,
}

// SAFETY: memory of its own, which any thread may free.
unsafe impl Send for HeapBlock {}
// SAFETY: it has no interior of its own.
unsafe impl Sync for HeapBlock {}

// SAFETY: memory of its own, freed with it.
unsafe impl Block for HeapBlock {
    fn start(&self) -> NonNull<u8> {
        self.start
    }

    fn capacity(&self) -> usize {
        self.layout.size()
    }

    fn published(&self) -> &AtomicU64 {
        &self.published
    }
}

impl Drop for HeapBlock {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, once.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

impl Storage for Heap {
    fn block(&mut self, capacity: usize, _: &Group) -> io::Result<Box<dyn Block>> {
        let layout = Layout::array::<u8>(capacity.max(1)).map_err(io::Error::other)?;
        // SAFETY: the layout has a size.
        let start = NonNull::new(unsafe { alloc(layout) }).ok_or(io::ErrorKind::OutOfMemory)?;
        let published = AtomicU64::new(0);
        Ok(Box::new(HeapBlock {
            start,
            layout,
            published,
        }))
    }
}

/// How many bytes a frame's length probably takes.
#[inline(always)]
fn width(max_len: usize) -> u8 {
    #[allow(clippy::cast_possible_truncation)] // at most 5
    let width = varint_len(max_len as u64).min(5) as u8;
    width
}
