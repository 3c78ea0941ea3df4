//! [`Writer`]: the one who appends.

use std::io;
use std::sync::Arc;

use spanwire_wire::Signal;
use spanwire_wire::arena::Region;

use crate::arena::{ChunkWriter, OVERHEAD};
use crate::group::{Attached, Group};
use crate::lane::{Lane, LaneState};
use crate::limits::Limits;
use crate::object::{self, OBJECT_BYTES};
use crate::state::{Room, Shared, State};
use crate::storage::{AtBound, Heap, Storage};
use crate::sync::{Ordering, become_visible};

/// What `append` has to say to its caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Appended {
    /// Nothing.
    Done,
    /// Somebody must attend to a lane: it is wanted that somebody reads it, but nobody does in this process; it has something
    /// to say; or it is closed and the frame was dropped.
    Attend,
    /// A lane that blocks is full, or there is no memory for a copy: the frame was neither appended nor counted.
    Full,
}

/// The writing end of a queue; its reading ends are [`Lane`]s. When it is dropped the lanes keep what waits.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    chunk: Option<ChunkWriter>,
    generation: u64,
    /// The group that the places of objects are of.
    places: Arc<Group>,
}

impl Writer {
    /// An empty queue of items of `signal` on the heap, with one lane.
    pub fn new(signal: Signal, limits: Limits) -> io::Result<(Self, Lane)> {
        let mut writer = Self::with_storage(signal, Box::new(Heap), limits.bytes)?;
        let lane = writer.add_lane(limits);
        Ok((writer, lane))
    }

    /// An empty queue without lanes; `bytes` is what it is expected to hold.
    pub fn with_storage(signal: Signal, storage: Box<dyn Storage>, bytes: usize) -> io::Result<Self> {
        let shared = Shared::new(signal, storage, bytes)?;
        let generation = shared.lock().generation();
        Ok(Self {
            shared,
            chunk: None,
            generation,
            places: object::places(),
        })
    }

    /// A lane that begins with the next frame.
    pub fn add_lane(&mut self, limits: Limits) -> Lane {
        let mut state = self.shared.lock();
        let id = state.add_lane(|state| LaneState::new(limits, state));
        self.shared.set_look(&state);
        self.shared.room.store(0, Ordering::Relaxed); // it may be the first open one
        drop(state);
        Lane::new(Arc::clone(&self.shared), id)
    }

    /// Appends the frame whose content (an item without tag and length) `write` writes, at most `max_len` bytes.
    /// Over a bound the oldest frames go, or this one if it alone is too much.
    #[inline]
    pub fn append(&mut self, group: &Arc<Group>, max_len: usize, write: impl FnOnce(&mut Region)) -> Appended {
        let chunk = match self.prepared(group, max_len.saturating_add(OVERHEAD)) {
            Ok(chunk) => chunk,
            Err(said) => return said,
        };
        if let Some(message) = chunk.append(max_len, write) {
            return self.append_message(group, &message);
        }
        become_visible();
        if chunk.next() >= self.shared.look_at.load(Ordering::Relaxed) {
            return self.look();
        }
        Appended::Done
    }

    /// Appends a frame that has its tag and length as in its scope's group.
    pub fn append_message(&mut self, group: &Arc<Group>, message: &[u8]) -> Appended {
        let chunk = match self.prepared(group, message.len().saturating_add(OVERHEAD)) {
            Ok(chunk) => chunk,
            Err(said) => return said,
        };
        chunk.append_message(message); // there is room
        become_visible();
        if chunk.next() >= self.shared.look_at.load(Ordering::Relaxed) {
            return self.look();
        }
        Appended::Done
    }

    /// Appends an object that is no frame, in order with the frames. Where frames outlive the process it is dropped: it cannot.
    pub fn append_object(&mut self, object: &Attached) -> Appended {
        let places = Arc::clone(&self.places);
        if let Err(said) = self.prepared(&places, OBJECT_BYTES + OVERHEAD) {
            return said;
        }
        let Some(chunk) = self.chunk.as_mut() else {
            return Appended::Done; // it is there
        };
        let mut state = self.shared.lock();
        if state.keeps_until_done() {
            state.unstored += 1;
            return Appended::Done;
        }
        for (_, lane) in &mut state.lanes {
            lane.append_object(chunk.next(), object);
        }
        chunk.append_place(); // there is room; published under the lock, so that no lane passes it before it has the object, or is closed
        drop(state);
        if chunk.next() >= self.shared.look_at.load(Ordering::Relaxed) {
            return self.look();
        }
        Appended::Done
    }

    /// The chunk, prepared for a frame of that group and length, [`OVERHEAD`] included.
    #[inline(always)]
    fn prepared(&mut self, group: &Arc<Group>, len: usize) -> Result<&mut ChunkWriter, Appended> {
        let room = self.shared.room.load(Ordering::Relaxed);
        let fits = self.chunk.as_mut().is_some_and(|chunk| chunk.prepare(group, len, room));
        if !fits {
            self.make_room(group, len)?;
        }
        self.chunk.as_mut().ok_or(Appended::Done) // it is there
    }

    /// Opens a new chunk for such a frame; or what to answer, the frame being refused and counted.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, group: &Arc<Group>, len: usize) -> Result<(), Appended> {
        let mut state = self.shared.lock();
        Self::check_fork(&mut self.chunk, &mut self.generation, &state);
        let Some(longest) = state.longest() else {
            state.late += 1;
            self.shared.room.store(0, Ordering::Relaxed);
            return Err(Appended::Attend);
        };
        if state.refuses() {
            let room = state.room(len);
            // Sent here because a lane that refuses was full, the chunk may have room again.
            let is_to_stay = |chunk: &&mut ChunkWriter| match room {
                Room::Any => !chunk.chunk().is_to_be_left(),
                Room::Chunk => true,
                Room::None => false,
            };
            let chunk = self.chunk.as_mut().filter(is_to_stay);
            if let Some(chunk) = chunk {
                let capacity = chunk.chunk().capacity();
                if chunk.prepare(group, len, capacity) {
                    self.shared.room.store(capacity, Ordering::Relaxed);
                    return Ok(());
                }
            }
            if room != Room::Any && len <= longest {
                self.shared.room.store(0, Ordering::Relaxed);
                let attend = wake(&mut state);
                return Err(state.refuse(attend));
            }
        }
        if len > longest {
            state.refused += 1;
            return Err(Appended::Done);
        }
        let mut chunk = state.open(len, group);
        if chunk.as_ref().is_err_and(AtBound::is) {
            // What was let go of is given back when the lock is.
            drop(state);
            state = self.shared.lock();
            Self::check_fork(&mut self.chunk, &mut self.generation, &state);
            chunk = state.open(len, group);
        }
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                // The one before may have been left for a better one, which another queue has taken.
                if let Some(chunk) = self.chunk.as_mut() {
                    let capacity = chunk.chunk().capacity();
                    if chunk.prepare(group, len, capacity) {
                        self.shared.room.store(capacity, Ordering::Relaxed);
                        return Ok(());
                    }
                }
                return Err(state.refuse_unstored(len, &error));
            }
        };
        let room = if chunk.is_to_be_left() { 0 } else { chunk.capacity() };
        self.shared.room.store(room, Ordering::Relaxed);
        let mut chunk = ChunkWriter::new(chunk);
        chunk.prepare(group, len, usize::MAX);
        if let Some(last) = state.chunks.last() {
            last.complete();
        }
        state.chunks.push(Arc::clone(chunk.chunk()));
        wake(&mut state);
        self.shared.set_look(&state);
        drop(state);
        self.chunk = Some(chunk);
        Ok(())
    }

    /// Under the lock: exact bounds, wake-ups, and whether somebody must attend.
    #[cold]
    #[inline(never)]
    fn look(&mut self) -> Appended {
        let mut state = self.shared.lock();
        let State { chunks, lanes, .. } = &mut *state;
        for (_, lane) in lanes {
            lane.keep_bound(chunks);
        }
        state.release();
        if state.refuses() && state.room(0) == Room::None {
            self.shared.room.store(0, Ordering::Relaxed); // the next frame asks
        }
        let attend = wake(&mut state);
        self.shared.set_look(&state);
        if attend { Appended::Attend } else { Appended::Done }
    }

    /// In a forked child the chunk is the parent's.
    fn check_fork(chunk: &mut Option<ChunkWriter>, generation: &mut u64, state: &State) {
        if *generation != state.generation() {
            *generation = state.generation();
            *chunk = None;
        }
    }
}

/// Wakes the readers for whom enough waits; whether some lane wants attention.
fn wake(state: &mut State) -> bool {
    let State { chunks, lanes, .. } = state;
    let mut attend = false;
    for (_, lane) in lanes {
        attend |= lane.look(chunks);
    }
    attend
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_orphaned = true;
        if let Some(last) = state.chunks.last() {
            last.complete();
        }
        for (_, lane) in &mut state.lanes {
            lane.wake();
        }
    }
}
