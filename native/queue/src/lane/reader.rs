//! Who reads a lane: who has to begin, sleeps and is woken.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use super::{Lane, Reader};

impl Lane {
    /// How long the reader may go on after the lane's end against a destination that takes nothing. To be called before
    /// [`close`](Self::close).
    pub fn set_patience(&self, patience: Duration) {
        let mut state = self.shared.lock();
        let _ = self.behind(&mut state, |lane, _| lane.patience = Some(patience));
        self.within(&mut state, |lane, _| lane.patience = Some(patience));
    }

    /// What was set by [`set_patience`](Self::set_patience).
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        let mut state = self.shared.lock();
        self.within(&mut state, |lane, _| lane.patience)
    }

    /// From now on somebody is wanted who reads.
    pub fn want_reader(&self) {
        self.with(|lane, _| {
            if lane.reader == Reader::Anybody {
                lane.reader = Reader::Wanted;
            }
        });
    }

    /// Whether the caller should begin to read now. True for one caller a process.
    #[must_use]
    pub fn begin_reader(&self) -> bool {
        self.with(|lane, _| {
            let is_wanted = lane.reader == Reader::Wanted;
            if is_wanted {
                lane.reader = Reader::Begun;
            }
            is_wanted
        })
    }

    /// The reader could not begin, or ends.
    pub fn end_reader(&self) {
        self.with(|lane, _| {
            lane.reader = Reader::Wanted;
            lane.wake_at = None;
            lane.waker = None;
        });
    }

    /// Ready when `frames` frames or `bytes` bytes wait, or after [`wake`](Self::wake), or when nobody can append any more; else
    /// the task is woken then. Who waits for a single frame polls a second time, a few milliseconds after the first: one that was
    /// appended at the very moment of the first may have been missed.
    pub fn poll_wait(&self, task: &mut Context<'_>, frames: u64, bytes: usize) -> Poll<()> {
        self.with(|lane, state| {
            let is_nudged = std::mem::take(&mut lane.is_nudged);
            let enough = lane.queued(state.entered()) >= frames || lane.bytes(&state.chunks) >= bytes;
            if is_nudged || enough || state.is_orphaned || lane.flush_to > lane.position.frame {
                lane.wake_at = None;
                return Poll::Ready(());
            }
            if !lane.waker.as_ref().is_some_and(|waker| waker.will_wake(task.waker())) {
                lane.waker = Some(task.waker().clone());
            }
            lane.wake_at = Some((frames, bytes));
            Poll::Pending
        })
    }

    /// Ready when nobody can append any more; else the task is woken then, among others.
    pub fn poll_ended(&self, task: &mut Context<'_>) -> Poll<()> {
        self.with(|lane, state| {
            if !lane.is_open() || state.is_orphaned {
                return Poll::Ready(());
            }
            if !lane.waker.as_ref().is_some_and(|waker| waker.will_wake(task.waker())) {
                lane.waker = Some(task.waker().clone());
            }
            Poll::Pending
        })
    }

    /// [`poll_wait`](Self::poll_wait) for the calling thread: if true, it may park, and will be unparked.
    #[must_use]
    pub fn may_sleep(&self, frames: u64, bytes: usize) -> bool {
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        self.poll_wait(&mut Context::from_waker(&waker), frames, bytes)
            .is_pending()
    }

    /// Wakes the reader if it sleeps, or keeps it from its next sleep.
    pub fn wake(&self) {
        self.with(|lane, _| lane.wake());
    }

    /// Whoever appends next is asked to attend.
    pub fn set_news(&self) {
        self.with(|lane, _| lane.has_news = true);
    }

    /// Whether [`set_news`](Self::set_news) was called since this was.
    #[must_use]
    pub fn take_news(&self) -> bool {
        self.with(|lane, _| std::mem::take(&mut lane.has_news))
    }
}
