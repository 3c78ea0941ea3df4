//! [`Shared`]: what the writer and the lanes of a queue meet at.
//!
//! The lock is taken by the writer when a chunk is full or a mark is reached (once in some hundred frames), and by readers for
//! a few instructions: never while bytes are copied or anything waits. It is held across every fork.

mod stored;

use std::io;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use spanwire_wire::Signal;

use crate::arena::Chunk;
use crate::ffi;
use crate::group::{Attached, Group};
use crate::lane::LaneState;
use crate::limits::WhenFull;
use crate::position::Chunks;
use crate::storage::{AtBound, Storage};
use crate::sync::{AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering};
use crate::writer::Appended;

/// Bytes of a chunk; less in a queue that is so small that whole chunks would be a coarse measure.
const CHUNK: usize = 64 << 10;
/// A chunk's smallest share of a small queue's bound.
const SHARE: usize = 16;
/// Empty chunks kept: what comes in while the thread that sends waits for its turn. A burst's other chunks go back to the
/// system, whose fresh pages cost a frame more than writing it.
const KEPT: usize = 64;

/// One queue.
#[derive(Debug)]
pub struct Shared {
    /// What its frames are items of.
    pub signal: Signal,
    /// Bytes of the open chunk that may be written. Zero sends the writer to the lock: there is no chunk, the queue is closed,
    /// or this is a forked child.
    pub room: AtomicUsize,
    /// The writer looks around under the lock when so many frames have entered.
    pub look_at: AtomicU64,
    state: Mutex<State>,
    /// Frames are done with.
    done: Condvar,
}

/// What the lock guards.
#[derive(Debug)]
pub struct State {
    generation: u64,
    pub chunks: Chunks,
    /// Of a storage that keeps frames until all lanes are done with them: chunks that nobody reads any more, but of which somebody has
    /// frames in hand. The oldest first; all are older than those above.
    in_hand: Vec<Arc<Chunk>>,
    /// Chunks that all lanes have passed, used last last. Somebody may still be copying from them.
    passed: Vec<Arc<Chunk>>,
    storage: Box<dyn Storage>,
    chunk_len: usize,
    pub lanes: Vec<(u64, LaneState)>,
    next_lane: u64,
    /// Frames that never entered: too large for every lane, or there was no memory.
    pub refused: u64,
    /// Frames that came when all lanes were closed.
    pub late: u64,
    /// Frames that never entered: there was nowhere to keep them.
    pub unstored: u64,
    /// Of those refused: all that the storage may hold was in hand.
    pub over: u64,
    /// There was no chunk to be had, and none has been released since.
    pub is_at_bound: bool,
    /// Frames that lanes which are gone had not delivered, if what is not done with outlives the process.
    kept: Range<u64>,
    /// The writer is gone.
    pub is_orphaned: bool,
    /// What is freed when the lock has been given back: groups may own what runs code of others when it goes.
    trash: Trash,
}

#[derive(Debug, Default)]
struct Trash {
    chunks: Vec<Arc<Chunk>>,
    groups: Vec<Arc<Group>>,
    objects: Vec<Attached>,
}

/// What room there is in lanes that refuse frames.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Room {
    None,
    /// In the open chunk, but for no other.
    Chunk,
    Any,
}

/// The lock, held.
pub struct Locked<'s>(Option<MutexGuard<'s, State>>);

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.0.as_ref().expect("held until it is dropped")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.0.as_mut().expect("held until it is dropped")
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if let Some(mut state) = self.0.take() {
            let trash = std::mem::take(&mut state.trash);
            drop(state);
            drop(trash);
        }
    }
}

impl Shared {
    pub fn new(signal: Signal, storage: Box<dyn Storage>, chunk_for: usize) -> io::Result<Arc<Self>> {
        ffi::watch_forks()?;
        let shared = Arc::new(Self {
            signal,
            room: AtomicUsize::new(0),
            look_at: AtomicU64::new(u64::MAX),
            state: Mutex::new(State {
                generation: ffi::generation(),
                chunks: Chunks::default(),
                in_hand: Vec::new(),
                passed: Vec::new(),
                chunk_len: storage.block_len().unwrap_or((chunk_for / SHARE).clamp(1, CHUNK)),
                storage,
                lanes: Vec::new(),
                next_lane: 0,
                refused: 0,
                late: 0,
                unstored: 0,
                over: 0,
                is_at_bound: false,
                kept: 0..0,
                is_orphaned: false,
                trash: Trash::default(),
            }),
            done: Condvar::new(),
        });
        let weak = Arc::downgrade(&shared);
        shared.hold().storage.set_interrupt(Arc::new(move || {
            if let Some(shared) = weak.upgrade() {
                shared.room.store(0, Ordering::Relaxed);
            }
        }));
        ffi::register(&shared);
        Ok(shared)
    }

    /// The lock as the fork handlers take it: without looking inside.
    pub fn hold(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, with the state of this process.
    pub fn lock(&self) -> Locked<'_> {
        let mut state = self.hold();
        if state.generation != ffi::generation() {
            state.begin_again();
        }
        Locked(Some(state))
    }

    #[cfg(not(any(miri, loom)))]
    /// Sends the writer to the lock at its next frame. For the child of a fork, before anything else runs there.
    pub fn interrupt(&self) {
        self.room.store(0, Ordering::Relaxed);
        self.look_at.store(0, Ordering::Relaxed);
    }

    /// Tells the writer when to look around next.
    pub fn set_look(&self, state: &State) {
        let next = state.lanes.iter().map(|(_, lane)| lane.look_at()).min();
        self.look_at.store(next.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Wakes who waits for frames to be done with.
    pub fn notify(&self) {
        self.done.notify_all();
    }

    /// Waits for [`notify`](Self::notify), until `deadline`; false when that has passed.
    pub fn wait<'s>(&'s self, mut state: Locked<'s>, deadline: Instant) -> (Locked<'s>, bool) {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(guard) = state.0.take_if(|_| left > Duration::ZERO) else {
            return (state, false);
        };
        (Locked(Some(self.wait_for(guard, left))), true)
    }

    #[cfg(not(loom))]
    fn wait_for<'s>(&'s self, state: MutexGuard<'s, State>, limit: Duration) -> MutexGuard<'s, State> {
        self.done
            .wait_timeout(state, limit)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Loom has no time.
    #[cfg(loom)]
    fn wait_for<'s>(&'s self, state: MutexGuard<'s, State>, _: Duration) -> MutexGuard<'s, State> {
        self.done.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        ffi::unregister(self);
    }
}

impl State {
    /// In a forked child: what is here is the parent's. Handles of threads that this process does not have are forgotten, not
    /// freed.
    fn begin_again(&mut self) {
        self.generation = ffi::generation();
        self.storage.begin_again();
        self.trash.chunks.append(&mut self.passed);
        self.trash.chunks.append(&mut self.in_hand);
        self.trash.chunks.extend(self.chunks.clear());
        self.refused = 0;
        self.late = 0;
        self.unstored = 0;
        self.over = 0;
        self.is_at_bound = false;
        self.kept = 0..0;
        for (_, lane) in &mut self.lanes {
            self.trash.objects.extend(lane.all_objects());
            lane.begin_again();
        }
    }

    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Bytes of a chunk for usual frames.
    pub fn chunk_len(&self) -> usize {
        self.chunk_len
    }

    /// Frames that have entered.
    pub fn entered(&self) -> u64 {
        self.chunks.last().map_or(0, |chunk| chunk.end())
    }

    /// The longest frame that some open lane takes; `None` if there is no open lane.
    pub fn longest(&self) -> Option<usize> {
        let open = self.lanes.iter().filter(|(_, lane)| lane.is_open());
        open.map(|(_, lane)| lane.limits.longest()).max()
    }

    /// Whether some lane refuses frames rather than drop its oldest.
    pub fn refuses(&self) -> bool {
        self.lanes
            .iter()
            .any(|(_, lane)| lane.when_full() != WhenFull::DropOldest)
    }

    /// What room all lanes have that refuse frames, if a chunk for one of `len` bytes were opened.
    pub fn room(&self, len: usize) -> Room {
        let capacity = len.max(self.chunk_len);
        let rooms = self.lanes.iter().map(|(_, lane)| lane.room(&self.chunks, capacity));
        let room = rooms.min().unwrap_or(Room::Any);
        // Once nothing is left to be released it is tried again.
        let may_wait = self.is_at_bound && (!self.in_hand.is_empty() || self.chunks.iter().nth(1).is_some());
        if may_wait { room.min(Room::Chunk) } else { room }
    }

    /// A frame that finds no room is not appended: what is said of it.
    pub fn refuse(&mut self, attend: bool) -> Appended {
        if self.lanes.iter().any(|(_, lane)| lane.when_full() == WhenFull::Block) {
            return Appended::Full;
        }
        self.refused += 1;
        if attend { Appended::Attend } else { Appended::Done }
    }

    pub fn add_lane(&mut self, make: impl FnOnce(&Self) -> LaneState) -> u64 {
        let lane = make(self);
        self.next_lane += 1;
        self.lanes.push((self.next_lane, lane));
        self.next_lane
    }

    /// The lane's handle is gone.
    pub fn remove_lane(&mut self, id: u64) {
        for (_, lane) in self.lanes.iter_mut().filter(|(of, _)| *of == id) {
            self.trash.objects.extend(lane.all_objects());
        }
        self.lanes.retain(|(of, _)| *of != id);
    }

    /// An empty chunk for a frame of `len` bytes and of that group, which the bounds have room for now.
    pub fn open(&mut self, len: usize, group: &Group) -> io::Result<Arc<Chunk>> {
        let capacity = len.max(self.chunk_len);
        // Closed ones too: what waits there holds chunks.
        for (_, lane) in &mut self.lanes {
            lane.expire(&self.chunks);
            lane.make_room(&self.chunks, capacity);
        }
        self.release();
        loop {
            // What cannot begin again is let go: its file may have been deleted, say.
            while let Some(mut chunk) = self.recycled(capacity, group) {
                match self.reset(&mut chunk) {
                    Ok(()) => return Ok(chunk),
                    Err(_) => self.trash.chunks.push(chunk),
                }
            }
            // Else it was for want of room for the group, of which no older chunk has more.
            let may_help = self.passed.iter_mut().all(|chunk| Arc::get_mut(chunk).is_none());
            match self.storage.block(capacity, group) {
                Ok(block) => {
                    let mut chunk = Arc::new(Chunk::new(block));
                    return self.reset(&mut chunk).map(|()| chunk);
                }
                Err(error) if AtBound::is(&error) && capacity == self.chunk_len && may_help && self.push_out() => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn reset(&mut self, chunk: &mut Arc<Chunk>) -> io::Result<()> {
        match Arc::get_mut(chunk) {
            Some(chunk) => chunk.reset(self.chunks.last().map(Arc::as_ref), &mut self.trash.groups),
            None => Ok(()),
        }
    }

    /// A chunk that nobody reads any more, with room for the group: the one that was used last.
    fn recycled(&mut self, capacity: usize, group: &Group) -> Option<Arc<Chunk>> {
        if capacity != self.chunk_len {
            return None;
        }
        let free = self
            .passed
            .iter_mut()
            .rposition(|chunk| Arc::get_mut(chunk).is_some_and(|chunk| chunk.has_room_for(group)))?;
        Some(self.passed.remove(free))
    }

    /// Lets go of the chunks that all lanes have passed, and of objects that one has passed.
    pub fn release(&mut self) {
        let entered = self.entered();
        let Self {
            lanes, chunks, trash, ..
        } = self;
        for (_, lane) in &mut *lanes {
            trash.objects.extend(lane.passed_objects());
        }
        let needed = lanes
            .iter_mut()
            .filter_map(|(_, lane)| lane.needs(chunks, entered))
            .min();
        // The last one is written to.
        let needed = needed.unwrap_or(u64::MAX).min(self.chunks.end().saturating_sub(1));
        if self.storage.keeps_until_done() {
            self.release_stored(needed, entered);
            return;
        }
        while let Some(chunk) = self.chunks.pop_before(needed) {
            if chunk.capacity() == self.chunk_len {
                self.passed.push(chunk);
            } else {
                self.trash.chunks.push(chunk);
            }
        }
        self.keep_passed(KEPT);
    }

    fn keep_passed(&mut self, most: usize) {
        if self.passed.len() > most {
            let over = self.passed.drain(..self.passed.len() - most);
            self.trash.chunks.extend(over);
        }
    }

    /// These frames outlive the process, whoever is done with them.
    pub fn keep(&mut self, frames: Range<u64>) {
        self.kept = both(self.kept.clone(), frames);
    }

    /// A frame does not enter: there is no chunk for it, which is why. What is said of it.
    pub fn refuse_unstored(&mut self, len: usize, why: &io::Error) -> Appended {
        if AtBound::is(why) {
            return self.refuse_over(len);
        }
        if self.storage.holds_copies() {
            return Appended::Full;
        }
        if self.storage.keeps_until_done() {
            self.unstored += 1;
        } else {
            self.refused += 1;
        }
        Appended::Done
    }

    /// Whether a lane's word that it is done with frames lets go of memory.
    pub fn keeps_until_done(&self) -> bool {
        self.storage.keeps_until_done()
    }

    /// Bytes of memory, in use or kept.
    pub fn memory(&self) -> usize {
        let chunks = self.chunks.iter().chain(&self.in_hand).chain(&self.passed);
        chunks.map(|chunk| chunk.capacity()).sum()
    }
}

/// The frames of both, and those between.
fn both(one: Range<u64>, other: Range<u64>) -> Range<u64> {
    if one.is_empty() {
        other
    } else if other.is_empty() {
        one
    } else {
        one.start.min(other.start)..one.end.max(other.end)
    }
}
