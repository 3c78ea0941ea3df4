//! [`FrameQueue`]: chunks of frames in order, their bounds and their counts.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{self, Thread};

use spanwire_wire::arena::Region;

use crate::arena::{Chunk, OVERHEAD};
use crate::batch::{Batch, Plan};
use crate::ffi;
use crate::group::Group;

/// Bytes of a chunk; less in a queue that is so small that whole chunks would be a coarse measure.
const CHUNK: usize = 64 << 10;
/// A chunk's smallest share of a small queue's bound.
const SHARE: usize = 16;
/// Empty chunks kept: what comes in while the thread that sends waits for its turn. A burst's other chunks go back to the
/// system, whose fresh pages cost a span more than writing it.
const KEPT: usize = 64;
/// No protobuf message may be longer.
const LONGEST: usize = i32::MAX as usize;

/// How much may wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of memory for frames.
    pub bytes: usize,
    /// Spans, exactly.
    pub spans: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            spans: usize::MAX,
        }
    }
}

/// What became of all frames of this process: `accepted == taken + queued + full + closed`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Frames given to `append`.
    pub accepted: u64,
    /// Frames handed out in batches.
    pub taken: u64,
    /// Frames that wait.
    pub queued: u64,
    /// Frames dropped by the bounds, the oldest first; or at once if too large for them.
    pub full: u64,
    /// Frames dropped because the queue was closed, and those that were discarded.
    pub closed: u64,
}

/// What `append` has to say to its caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Appended {
    /// Nothing.
    Done,
    /// Somebody must attend to the queue: it is wanted that a thread empties it, but none does in this process; or the
    /// queue is closed and the frame was dropped.
    Attend,
}

/// Who empties the queue.
#[derive(Debug)]
enum Reader {
    /// Whoever likes.
    Anybody,
    /// A thread that has to be started in this process.
    Wanted,
    /// A thread that is being started.
    Starting,
    /// That thread, which `FrameQueue::may_sleep` has seen.
    Thread(Thread),
}

/// Finished frames that wait to be sent, in order.
///
/// Invariant: chunks hold frames, except that the last, which is written to, may be empty; `bytes` is the memory of them all,
/// and `counts.queued` and `frame_bytes` are sums over their frames.
#[derive(Debug)]
pub struct FrameQueue {
    limits: Limits,
    chunk_len: usize,
    /// Bytes of a frame at most.
    longest: usize,
    chunks: VecDeque<Chunk>,
    /// Empty chunks, used last last.
    spare: Vec<Chunk>,
    bytes: usize,
    frame_bytes: usize,
    counts: Counts,
    generation: u64,
    is_closed: bool,
    reader: Reader,
    /// The reader is woken by the next append that finds so much; once.
    wake_at: Option<(u64, usize)>,
    /// The reader must not sleep next time.
    is_nudged: bool,
    /// Of the frames dropped, `take_dropped` has told of so many: full, closed.
    told: (u64, u64),
    /// Who waits for frames to be done with.
    waiting: Vec<Thread>,
    /// Of the frames accepted, so many never entered: too large, or too late.
    refused: u64,
    /// Of the frames that entered, the first so many are done with: dropped, or taken and answered.
    done: u64,
}

impl FrameQueue {
    /// An empty queue.
    pub fn new(limits: Limits) -> io::Result<Self> {
        ffi::watch_forks()?;
        Ok(Self {
            limits,
            chunk_len: (limits.bytes / SHARE).clamp(1, CHUNK),
            longest: if limits.spans == 0 {
                0
            } else {
                limits.bytes.min(LONGEST)
            },
            chunks: VecDeque::new(),
            spare: Vec::new(),
            bytes: 0,
            frame_bytes: 0,
            counts: Counts::default(),
            generation: ffi::generation(),
            is_closed: false,
            reader: Reader::Anybody,
            wake_at: None,
            is_nudged: false,
            told: (0, 0),
            waiting: Vec::new(),
            refused: 0,
            done: 0,
        })
    }

    /// Appends the frame whose content (a `Span` message without tag and length) `write` writes, at most `max_len` bytes.
    /// Over a bound the oldest frames go, or this one if it alone is too much.
    #[inline]
    pub fn append(&mut self, group: &Arc<Group>, max_len: usize, write: impl FnOnce(&mut Region)) -> Appended {
        let len = max_len.saturating_add(OVERHEAD);
        let Some(chunk) = self.room(len) else {
            return self.refuse();
        };
        let len = chunk.append(group, max_len, write);
        self.appended(len)
    }

    /// Appends a frame that has its tag and length as in `ScopeSpans`.
    pub fn append_message(&mut self, group: &Arc<Group>, message: &[u8]) -> Appended {
        let Some(chunk) = self.room(message.len()) else {
            return self.refuse();
        };
        chunk.append_message(group, message);
        self.appended(message.len())
    }

    /// The chunk that takes a frame of `len` bytes; none if it must not be taken.
    #[inline(always)]
    fn room(&mut self, len: usize) -> Option<&mut Chunk> {
        self.check_fork();
        if len > self.longest || self.is_closed {
            return None;
        }
        if self.counts.queued >= self.limits.spans as u64 {
            self.drop_oldest();
        }
        if !self.chunks.back().is_some_and(|chunk| chunk.has_room(len)) {
            self.add_chunk(len);
        }
        self.chunks.back_mut()
    }

    #[inline(always)]
    fn appended(&mut self, len: usize) -> Appended {
        self.frame_bytes += len;
        self.counts.accepted += 1;
        self.counts.queued += 1;
        if let Some((spans, bytes)) = self.wake_at
            && (self.counts.queued >= spans || self.frame_bytes >= bytes)
        {
            self.wake();
        }
        if matches!(self.reader, Reader::Wanted) {
            return Appended::Attend;
        }
        Appended::Done
    }

    /// Counts a frame that is not taken.
    #[cold]
    fn refuse(&mut self) -> Appended {
        self.counts.accepted += 1;
        self.refused += 1;
        if self.is_closed {
            self.counts.closed += 1;
            return Appended::Attend;
        }
        self.counts.full += 1;
        Appended::Done
    }

    /// Puts a chunk with room for `len` bytes last, dropping the oldest ones if it must.
    #[cold]
    #[inline(never)]
    fn add_chunk(&mut self, len: usize) {
        let capacity = len.max(self.chunk_len);
        while self.bytes + capacity > self.limits.bytes {
            self.drop_chunk();
        }
        let pooled = if len <= self.chunk_len { self.spare.pop() } else { None };
        self.chunks.push_back(pooled.unwrap_or_else(|| Chunk::new(capacity)));
        self.bytes += capacity;
    }

    /// Drops the oldest frame.
    #[cold]
    fn drop_oldest(&mut self) {
        if self.counts.queued > 0 {
            self.remove(1);
            self.counts.full += 1;
        }
    }

    /// Drops the frames of the oldest chunk.
    fn drop_chunk(&mut self) {
        let Some(count) = self.chunks.front().map(Chunk::len) else {
            return;
        };
        self.counts.full += count as u64;
        self.remove(count);
        // Had it been empty (the last one may be), it would still be there.
        if count == 0 {
            self.recycle_front();
        }
    }

    /// Removes the oldest `count` frames, which must be there; whoever calls counts them.
    fn remove(&mut self, mut count: usize) {
        self.counts.queued -= count as u64;
        while count > 0 {
            let Some(chunk) = self.chunks.front_mut() else { return };
            let here = count.min(chunk.len());
            self.frame_bytes -= chunk.remove(here);
            count -= here;
            if chunk.len() > 0 {
                return;
            }
            // The chunk that is written to is used again on the spot, warm as it is.
            if self.chunks.len() == 1 && self.chunks[0].capacity() == self.chunk_len {
                self.chunks[0].clear();
            } else {
                self.recycle_front();
            }
        }
    }

    fn recycle_front(&mut self) {
        let Some(mut chunk) = self.chunks.pop_front() else {
            return;
        };
        self.bytes -= chunk.capacity();
        if chunk.capacity() == self.chunk_len && self.spare.len() < KEPT {
            chunk.clear();
            self.spare.push(chunk);
        }
    }

    /// The oldest frames, at most `max_spans` and as many as make a request of at most `max_bytes` (but at least one), as
    /// one `ExportTraceServiceRequest`. They are gone from the queue.
    pub fn take(&mut self, max_spans: usize, max_bytes: usize) -> Option<Batch> {
        let copy = |len: usize, write: Write<'_>| {
            let mut request = Vec::with_capacity(len);
            write(&mut |bytes| request.extend_from_slice(bytes));
            Ok::<_, std::convert::Infallible>(request)
        };
        match self.take_with(max_spans, max_bytes, copy) {
            Ok(Some((request, spans))) => Some(Batch { request, spans }),
            Ok(None) => None,
            Err(never) => match never {},
        }
    }

    /// [`take`](Self::take) into memory of `make`'s, which is told the request's length and given what hands its bytes over,
    /// piece by piece. If it fails, nothing is gone.
    pub fn take_with<T, E>(
        &mut self,
        max_spans: usize,
        max_bytes: usize,
        make: impl FnOnce(usize, Write<'_>) -> Result<T, E>,
    ) -> Result<Option<(T, usize)>, E> {
        self.check_fork();
        let plan = Plan::new(&self.chunks, max_spans, max_bytes);
        let spans = plan.spans();
        if spans == 0 {
            return Ok(None);
        }
        let result = make(plan.request_len(), &|put| plan.write(put))?;
        drop(plan);
        self.remove(spans);
        self.counts.taken += spans as u64;
        Ok(Some((result, spans)))
    }

    /// Takes no more frames: they are dropped and counted.
    pub fn close(&mut self) {
        self.check_fork();
        self.is_closed = true;
    }

    /// Drops what waits, counted as closed; answers how many they were.
    pub fn discard(&mut self) -> u64 {
        self.check_fork();
        let queued = self.counts.queued;
        #[allow(clippy::cast_possible_truncation)] // they are in memory
        self.remove(queued as usize);
        self.counts.closed += queued;
        queued
    }

    /// The counts of this process.
    pub fn counts(&mut self) -> Counts {
        self.check_fork();
        self.counts
    }

    /// Bytes of the frames that wait.
    pub fn frame_bytes(&mut self) -> usize {
        self.check_fork();
        self.frame_bytes
    }

    /// Bytes of memory that the queue has, in use or kept.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes + self.spare.iter().map(Chunk::capacity).sum::<usize>()
    }

    /// From now on a thread is wanted that empties the queue.
    pub fn want_reader(&mut self) {
        self.check_fork();
        if matches!(self.reader, Reader::Anybody) {
            self.reader = Reader::Wanted;
        }
    }

    /// Whether the caller should start that thread now. True for one caller a process.
    pub fn begin_reader(&mut self) -> bool {
        self.check_fork();
        let is_wanted = matches!(self.reader, Reader::Wanted);
        if is_wanted {
            self.reader = Reader::Starting;
        }
        is_wanted
    }

    /// The thread could not be started, or ends.
    pub fn end_reader(&mut self) {
        self.check_fork();
        self.reader = Reader::Wanted;
        self.wake_at = None;
    }

    /// Makes the calling thread the reader, to be woken by [`wake`](Self::wake) and when `spans` or `bytes` of frames wait.
    /// False if that is so already; else it may park until then.
    pub fn may_sleep(&mut self, spans: u64, bytes: usize) -> bool {
        self.check_fork();
        let this = thread::current();
        if !matches!(&self.reader, Reader::Thread(reader) if reader.id() == this.id()) {
            self.reader = Reader::Thread(this);
        }
        let is_nudged = std::mem::take(&mut self.is_nudged);
        let sleeps = !is_nudged && self.counts.queued < spans && self.frame_bytes < bytes;
        self.wake_at = sleeps.then_some((spans, bytes));
        sleeps
    }

    /// Wakes the reader if it sleeps, or keeps it from its next sleep.
    #[cold]
    pub fn wake(&mut self) {
        self.check_fork();
        self.wake_at = None;
        self.is_nudged = true;
        if let Reader::Thread(reader) = &self.reader {
            reader.unpark();
        }
    }

    /// How many frames were dropped since the last call: by the bounds, and since the queue was closed.
    pub fn take_dropped(&mut self) -> (u64, u64) {
        self.check_fork();
        let now = (self.counts.full, self.counts.closed);
        let before = std::mem::replace(&mut self.told, now);
        (now.0 - before.0, now.1 - before.1)
    }

    /// How many frames have entered the queue so far: those that were refused are no part of its order.
    pub fn entered(&mut self) -> u64 {
        self.check_fork();
        self.counts.accepted - self.refused
    }

    /// How many of them have left it.
    pub fn gone(&mut self) -> u64 {
        self.entered() - self.counts.queued
    }

    /// The first `frames` frames are done with: whoever waits for that is woken.
    pub fn set_done(&mut self, frames: u64) {
        self.check_fork();
        self.done = self.done.max(frames);
        for thread in self.waiting.drain(..) {
            thread.unpark();
        }
    }

    /// Whether the first `frames` frames are done with; if not, the calling thread will be unparked when more are.
    pub fn is_done(&mut self, frames: u64) -> bool {
        self.check_fork();
        if self.done >= frames {
            return true;
        }
        let this = thread::current();
        if !self.waiting.iter().any(|thread| thread.id() == this.id()) {
            self.waiting.push(this);
        }
        false
    }

    #[inline(always)]
    fn check_fork(&mut self) {
        if self.generation != ffi::generation() {
            self.begin_again();
        }
    }

    /// In a forked child. Whoever called `fork` had the queue for itself, so it is whole; what it holds is the parent's.
    #[cold]
    #[inline(never)]
    fn begin_again(&mut self) {
        self.generation = ffi::generation();
        while !self.chunks.is_empty() {
            self.recycle_front();
        }
        self.frame_bytes = 0;
        self.counts = Counts::default();
        self.refused = 0;
        self.done = 0;
        self.told = (0, 0);
        self.wake_at = None;
        self.is_nudged = false;
        // Handles of threads that this process does not have: nothing is done with them, not even freeing.
        self.waiting.drain(..).for_each(std::mem::forget);
        if !matches!(self.reader, Reader::Anybody) {
            std::mem::forget(std::mem::replace(&mut self.reader, Reader::Wanted));
        }
    }
}

/// Hands over a request's bytes, piece by piece.
pub type Write<'a> = &'a dyn Fn(&mut dyn FnMut(&[u8]));

mod frames;
#[cfg(test)]
mod tests;
