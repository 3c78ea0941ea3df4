//! [`Lane`]: a reading end, with a position, bounds and counts of its own over the frames that all lanes share.
//!
//! Its cursors are numbers of frames, counted from the queue's first:
//!
//! ```text
//!        joined        done             taken_to  position      flush_to            entered
//!          |             |                  |         |             |                  |
//! ---------+-------------+--[in]--[hand]----+---------+-------------+------------------+--> frames
//!  before  |  dropped,   |  in flight, or   | dropped |      queued: the next that    | not yet
//!  it was  |  or taken   |  answered behind | by a    |      the reader takes, to     | written
//!  there   |  and        |  one that is     | bound   |      flush_to at once         |
//!          |  answered   |  still in flight |         |                               |
//! ```
//!
//! - `joined <= done <= position <= entered`, and `taken_to <= position`. None moves back.
//! - `end`: where the lane was closed. The lane reads up to there, and `entered` stops there for it.
//! - `in_hand`: the runs between `done` and `taken_to` that are in flight, where the storage keeps frames until they are done.
//!   Where nothing is in flight (`done >= taken_to`), `done` moves up to `position`.
//! - `kept_from`: from there on frames stay in the storage at the lane's end, for a later process.
//! - `wake_at`: not a cursor, but how much has to be queued for the reader to be woken.

mod apart;
mod backlog;
mod books;
mod done;
mod hand;
mod kept;
mod known;
mod reader;
mod room;
mod take;
mod view;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use spanwire_wire::Signal;

use crate::group::Attached;
use crate::limits::{Dropped, Limits, WhenFull};
use crate::object::Objects;
use crate::position::{Chunks, Position};
use crate::state::{Room, Shared, State};
use crate::sync::Ordering;
pub use room::Waited;
pub use view::View;

/// Who reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reader {
    /// Whoever likes.
    Anybody,
    /// Somebody who has to begin in this process.
    Wanted,
    /// Somebody who has begun, or is about to.
    Begun,
}

/// A lane's part of what the queue's lock guards.
#[derive(Debug)]
pub struct LaneState {
    pub limits: Limits,
    when_full: WhenFull,
    position: Position,
    /// What waits beside the frames.
    objects: Objects,
    /// The number of its first frame, and what had not entered before.
    joined: u64,
    refused_before: u64,
    late_before: u64,
    unstored_before: u64,
    /// Once closed: the number of the frame after its last.
    end: Option<u64>,
    taken: u64,
    full: u64,
    /// Of those discarded.
    closed: u64,
    /// Of those discarded: they were in no file.
    unstored: u64,
    /// Frames that have waited for longer go.
    max_age: Option<Duration>,
    expired: u64,
    /// Frames whose bytes could not be read.
    damaged: u64,
    /// Of the frames dropped, `take_dropped` has told of so many.
    told: Dropped,
    /// Frames that were taken or reported as dropped for an account, which does not have them yet.
    unbooked: u64,
    /// The number of the frame after the last that was taken.
    taken_to: u64,
    /// The first so many frames are done with: dropped, or taken and answered.
    done: u64,
    /// Which frames were taken and are not done with, where they stay until then.
    in_hand: VecDeque<Range<u64>>,
    /// Those from here on are kept, whatever becomes of them here.
    kept_from: Option<u64>,
    /// Of those discarded, so many are kept.
    kept: u64,
    reader: Reader,
    waker: Option<Waker>,
    /// The reader is woken when so much waits; once.
    wake_at: Option<(u64, usize)>,
    /// The reader must not sleep next time.
    is_nudged: bool,
    /// There is something to say to whoever appends next.
    has_news: bool,
    /// The first so many frames are wanted out at once.
    flush_to: u64,
    /// How long its reader goes on after its end against a destination that takes nothing, if there is a limit.
    patience: Option<Duration>,
    /// The lane that reads what waited when an outage ended.
    backlog: Option<u64>,
    /// It is one.
    is_backlog: bool,
}

impl LaneState {
    pub fn new(limits: Limits, state: &State) -> Self {
        let position = Position::newest(&state.chunks);
        Self {
            limits,
            when_full: WhenFull::default(),
            position,
            objects: Objects::default(),
            joined: position.frame,
            refused_before: state.refused,
            late_before: state.late,
            unstored_before: state.unstored,
            end: None,
            taken: 0,
            full: 0,
            closed: 0,
            unstored: 0,
            max_age: None,
            expired: 0,
            damaged: 0,
            told: Dropped::default(),
            unbooked: 0,
            taken_to: position.frame,
            done: position.frame,
            in_hand: VecDeque::new(),
            kept_from: None,
            kept: 0,
            reader: Reader::Anybody,
            waker: None,
            wake_at: None,
            is_nudged: false,
            has_news: false,
            flush_to: 0,
            patience: None,
            backlog: None,
            is_backlog: false,
        }
    }

    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }

    pub fn when_full(&self) -> WhenFull {
        self.when_full
    }

    /// What room it has, if it refuses frames, with a chunk of `capacity` bytes to open.
    pub fn room(&self, chunks: &Chunks, capacity: usize) -> Room {
        if self.when_full == WhenFull::DropOldest || !self.is_open() {
            return Room::Any;
        }
        let queued = self.queued(chunks.last().map_or(0, |last| last.end()));
        if queued >= self.limits.frames as u64 {
            Room::None
        } else if self.has_room(chunks, capacity) {
            Room::Any
        } else {
            Room::Chunk
        }
    }

    /// Whether its bounds have room for one more frame and for a chunk of `capacity` bytes.
    fn has_room(&self, chunks: &Chunks, capacity: usize) -> bool {
        let queued = self.queued(chunks.last().map_or(0, |last| last.end()));
        let memory = chunks.get(self.position.chunk).zip(chunks.last());
        let memory = memory.map_or(0, |(here, last)| last.memory_end() - here.memory_before());
        let fits = queued == 0 || memory + capacity as u64 <= self.limits.bytes as u64;
        queued < self.limits.frames as u64 && fits
    }

    /// An object enters, with that number.
    pub fn append_object(&mut self, number: u64, object: &Attached) {
        if self.is_open() {
            self.objects.append(number, object.clone());
        }
    }

    /// The objects that the lane has passed and nobody took.
    pub fn passed_objects(&mut self) -> impl Iterator<Item = Attached> + '_ {
        self.objects.pass(self.position.frame)
    }

    /// All objects that wait.
    pub fn all_objects(&mut self) -> impl Iterator<Item = Attached> + '_ {
        self.objects.pass(u64::MAX)
    }

    /// In a forked child: as new, but what was set up stays so. The waker's task is the parent's.
    pub fn begin_again(&mut self) {
        std::mem::forget(self.waker.take());
        *self = Self {
            limits: self.limits,
            when_full: self.when_full,
            position: Position::default(),
            objects: Objects::default(),
            joined: 0,
            refused_before: 0,
            late_before: 0,
            unstored_before: 0,
            end: self.end.map(|_| 0),
            taken: 0,
            full: 0,
            closed: 0,
            unstored: 0,
            max_age: self.max_age,
            expired: 0,
            damaged: 0,
            told: Dropped::default(),
            unbooked: 0,
            taken_to: 0,
            done: 0,
            in_hand: VecDeque::new(),
            kept_from: None,
            kept: 0,
            reader: if self.reader == Reader::Anybody {
                Reader::Anybody
            } else {
                Reader::Wanted
            },
            waker: None,
            wake_at: None,
            is_nudged: false,
            has_news: false,
            flush_to: 0,
            patience: self.patience,
            backlog: None,
            is_backlog: self.is_backlog,
        };
    }

    /// The number of the frame after its last, of so many that have entered.
    fn up_to(&self, entered: u64) -> u64 {
        self.end.unwrap_or(entered).min(entered)
    }

    fn queued(&self, entered: u64) -> u64 {
        self.up_to(entered).saturating_sub(self.position.frame)
    }

    /// Bytes of the frames that wait.
    fn bytes(&self, chunks: &Chunks) -> usize {
        let Some((here, last)) = chunks.get(self.position.chunk).zip(chunks.last()) else {
            return 0;
        };
        let read = here.bytes_before() + self.position.offset as u64;
        usize::try_from(last.bytes_end().saturating_sub(read)).unwrap_or(usize::MAX)
    }

    /// The oldest chunk that it has to read.
    pub fn needs(&mut self, chunks: &Chunks, entered: u64) -> Option<u64> {
        self.position.skip(chunks, 0);
        (self.is_open() || self.queued(entered) > 0).then_some(self.position.chunk)
    }

    /// Drops the oldest chunks until there is room for one of `capacity` bytes.
    pub fn make_room(&mut self, chunks: &Chunks, capacity: usize) {
        let Some(last) = chunks.last().filter(|_| self.when_full == WhenFull::DropOldest) else {
            return;
        };
        let most = self.limits.bytes as u64;
        let end = self.up_to(last.end());
        while self.position.frame < end
            && let Some(here) = chunks.get(self.position.chunk)
            && last.memory_end() - here.memory_before() + capacity as u64 > most
        {
            self.full += self.drop_oldest(chunks, here.end().min(end) - self.position.frame);
        }
    }

    /// The oldest chunk that it waits for, if it drops its oldest and that one is full.
    pub fn oldest(&mut self, chunks: &Chunks) -> Option<u64> {
        self.position.skip(chunks, 0);
        let is_one = self.when_full == WhenFull::DropOldest && self.queued(chunks.last()?.end()) > 0;
        (is_one && self.position.chunk + 1 < chunks.end()).then_some(self.position.chunk)
    }

    /// Drops that one.
    pub fn push_out(&mut self, chunks: &Chunks) {
        let end = self.up_to(chunks.last().map_or(0, |last| last.end()));
        if let Some(here) = chunks.get(self.position.chunk) {
            self.full += self.drop_oldest(chunks, here.end().min(end) - self.position.frame);
        }
    }

    /// Drops the oldest frames over the bound in frames.
    pub fn keep_bound(&mut self, chunks: &Chunks) {
        let queued = self.queued(chunks.last().map_or(0, |last| last.end()));
        let over = queued.saturating_sub(self.limits.frames as u64);
        if over > 0 && self.is_open() && self.when_full == WhenFull::DropOldest {
            self.full += self.drop_oldest(chunks, over);
        }
    }

    /// Passes so many frames, which nobody will take; whoever calls counts them.
    fn drop_oldest(&mut self, chunks: &Chunks, count: u64) -> u64 {
        let dropped = self.position.skip(chunks, count);
        self.set_done(self.done);
        dropped
    }

    /// Passes the rest of the chunk, whose bytes cannot be read.
    #[cold]
    #[inline(never)]
    fn lose_damaged(&mut self, chunks: &Chunks, is_first: bool) -> u64 {
        let lost = self.position.lose(chunks, self.end.unwrap_or(u64::MAX));
        self.damaged += lost;
        if is_first {
            self.set_done(self.done); // else they are when those in front of them are
        }
        lost
    }

    /// The first `frames` frames are done with, and those behind them that were dropped, up to what is waiting or under way.
    fn set_done(&mut self, frames: u64) {
        self.done = self.done.max(frames.min(self.position.frame));
        if self.done >= self.taken_to {
            self.done = self.position.frame;
        }
        if !self.in_hand.is_empty() {
            self.forget_done();
        }
    }

    /// With how many frames the writer must look at this lane again.
    pub fn look_at(&self) -> u64 {
        if !self.is_open() {
            return u64::MAX;
        }
        if self.reader == Reader::Wanted || self.has_news {
            return 0;
        }
        // One that drops its oldest has one too many then, one that refuses is full.
        let over = u64::from(self.when_full == WhenFull::DropOldest);
        let bound = self
            .position
            .frame
            .saturating_add(self.limits.frames as u64)
            .saturating_add(over);
        let wake = self
            .wake_at
            .map_or(u64::MAX, |(frames, _)| self.position.frame.saturating_add(frames));
        bound.min(wake)
    }

    /// Wakes the reader if enough waits; whether the lane wants attention.
    pub fn look(&mut self, chunks: &Chunks) -> bool {
        let entered = chunks.last().map_or(0, |last| last.end());
        if let Some((frames, bytes)) = self.wake_at
            && (self.queued(entered) >= frames || self.bytes(chunks) >= bytes)
        {
            self.wake();
        }
        self.is_open() && (self.reader == Reader::Wanted || self.has_news)
    }

    /// Wakes the reader if it sleeps, or keeps it from its next sleep.
    pub fn wake(&mut self) {
        self.wake_at = None;
        self.is_nudged = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A reading end of a queue. Any thread may use it.
#[derive(Debug)]
pub struct Lane {
    shared: Arc<Shared>,
    id: u64,
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self { shared, id }
    }

    /// Runs `work` on the lane's state under the lock, and tells the writer afterwards when to look.
    fn with<R>(&self, work: impl FnOnce(&mut LaneState, &State) -> R) -> R {
        let mut state = self.shared.lock();
        let result = self.within(&mut state, work);
        self.shared.set_look(&state);
        result
    }

    fn within<R>(&self, state: &mut State, work: impl FnOnce(&mut LaneState, &State) -> R) -> R {
        Self::at(state, self.id, work)
    }

    /// What its frames are.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.shared.signal
    }

    /// Takes no more frames: they are dropped and counted. What waits can still be taken.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        self.within(&mut state, |lane, state| {
            lane.end = lane.end.or(Some(state.entered()));
            lane.wake();
        });
        if state.longest().is_none() {
            self.shared.room.store(0, Ordering::Relaxed);
        }
        self.shared.set_look(&state);
        drop(state);
        self.shared.notify(); // nobody waits for room any more
    }

    /// Its bounds.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.with(|lane, _| lane.limits)
    }

    /// Whether the writer is gone.
    #[must_use]
    pub fn is_orphaned(&self) -> bool {
        self.with(|_, state| state.is_orphaned)
    }

    /// Drops what waits, counted as closed; answers how many they were.
    #[must_use]
    pub fn discard(&self) -> u64 {
        fn discard(lane: &mut LaneState, state: &State) -> u64 {
            let count = lane.queued(state.entered());
            let unstored = if state.keeps_until_done() {
                lane.keep();
                state.unstored_from(lane.position.frame, lane.position.frame + count)
            } else {
                0
            };
            if state.keeps_until_done() {
                lane.kept += count - unstored;
            }
            lane.unstored += unstored;
            lane.closed += lane.drop_oldest(&state.chunks, count) - unstored;
            count
        }
        let mut state = self.shared.lock();
        let behind = self.behind(&mut state, discard);
        let count = self.within(&mut state, discard) + behind.unwrap_or(0);
        state.release();
        self.shared.set_look(&state);
        drop(state);
        self.shared.notify();
        count
    }

    /// Whether one more frame may push out another, now.
    #[must_use]
    pub fn is_at_bound(&self) -> bool {
        self.with(|lane, state| state.is_at_bound || !lane.has_room(&state.chunks, state.chunk_len()))
    }

    /// Wants what has entered so far out at once, and wakes the reader; how many frames that are, for
    /// [`wait_done`](Self::wait_done).
    #[must_use]
    pub fn flush(&self) -> u64 {
        fn flush(lane: &mut LaneState, state: &State) -> u64 {
            let entered = lane.up_to(state.entered());
            lane.flush_to = lane.flush_to.max(entered);
            lane.wake();
            entered
        }
        let mut state = self.shared.lock();
        let _ = self.behind(&mut state, flush);
        let entered = self.within(&mut state, flush);
        self.shared.set_look(&state);
        entered
    }

    /// How many frames have entered the queue so far, up to the lane's end: those that were refused are no part of its order.
    #[must_use]
    pub fn entered(&self) -> u64 {
        self.with(|lane, state| lane.up_to(state.entered()))
    }

    /// How many of them have left the lane, and its backlog.
    #[must_use]
    pub fn gone(&self) -> u64 {
        let mut state = self.shared.lock();
        let behind = self.behind(&mut state, |lane, state| {
            (lane.queued(state.entered()) > 0).then_some(lane.position.frame)
        });
        let gone = self.within(&mut state, |lane, _| lane.position.frame);
        behind.flatten().map_or(gone, |behind| behind.min(gone))
    }

    /// The number of the next frame that it reads.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.with(|lane, _| lane.position.frame)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        self.end_backlog(&mut state);
        if state.keeps_until_done() {
            // What it has not delivered outlives this process.
            let entered = state.entered();
            let kept = self.within(&mut state, |lane, _| {
                lane.keep();
                lane.kept(entered)
            });
            state.keep(kept);
        }
        state.remove_lane(self.id);
        state.release();
        if state.longest().is_none() {
            self.shared.room.store(0, Ordering::Relaxed);
        }
        self.shared.set_look(&state);
    }
}
