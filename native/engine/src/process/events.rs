//! What people must hear: a bounded ring that the worker fills and one thread of Python's drains.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use spanwire_transport::trouble::Subject;

use crate::process::account::DropReason;

/// Kept at most; then the oldest go, counted.
const MOST: usize = 256;

/// What became of a request, or what is to be said besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was taken.
    Taken,
    /// Items were lost.
    Lost(DropReason),
    /// It is not taken yet: it is tried again.
    Waits,
    /// Something is wrong, whatever becomes of it.
    Trouble(Subject),
    /// What ended processes have left is not sent, or not all of it.
    Unrecovered,
}

/// Something that happened to the items of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The destination's name; of a recovery the folder's.
    pub destination: String,
    /// What it was.
    pub what: What,
    /// Items that were lost, or that the destination took the request without.
    pub items: u64,
    /// In words.
    pub message: String,
}

/// What is in the ring.
#[derive(Debug)]
pub struct Events {
    waiting: VecDeque<Event>,
    /// Events that were pushed out unheard.
    missed: u64,
    /// Threads that wait.
    listeners: usize,
    /// Those who may have something to say though nobody is there to start a listener.
    sources: usize,
    is_stopped: bool,
}

/// The ring, and how those who wait for it are woken.
#[derive(Debug)]
struct Ring {
    events: Mutex<Events>,
    pushed: Condvar,
}

static RING: Ring = Ring::new();

/// The ring, held; also across forks.
pub fn hold() -> MutexGuard<'static, Events> {
    RING.hold()
}

impl Events {
    /// In a forked child: what is there is the parent's to say.
    pub fn begin_again(&mut self) {
        // Forgotten and not freed: whoever forked may have caught the allocator in another thread's hands.
        std::mem::forget(std::mem::take(&mut self.waiting));
        self.missed = 0;
        self.listeners = 0;
        self.sources = 0;
        self.is_stopped = false;
    }
}

/// Puts an event into the ring; whether nobody listens, so that somebody must be asked to.
pub fn push(event: Event) -> bool {
    RING.push(event)
}

/// Takes what is there, and how many events were pushed out unheard before.
#[must_use]
pub fn take() -> (Vec<Event>, u64) {
    RING.take()
}

/// As long as it is there, whoever listens is asked to go on.
#[derive(Debug)]
pub struct Source {
    ring: &'static Ring,
    generation: u64,
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut events = self.ring.hold();
        if self.generation == spanwire_ground::generation() {
            events.sources -= 1;
        }
    }
}

/// Somebody who may have something to say at any time, also while no item ends.
#[must_use]
pub fn source() -> Source {
    RING.source()
}

/// Waits until there are events, until [`stop`], or for so long; whether there are events, or may be by a [`Source`].
#[must_use]
pub fn wait(limit: Duration) -> bool {
    RING.wait(limit)
}

/// Ends all waiting, now and later: the interpreter ends.
pub fn stop() {
    RING.hold().is_stopped = true;
    RING.pushed.notify_all();
}

impl Ring {
    const fn new() -> Self {
        Self {
            events: Mutex::new(Events {
                waiting: VecDeque::new(),
                missed: 0,
                listeners: 0,
                sources: 0,
                is_stopped: false,
            }),
            pushed: Condvar::new(),
        }
    }

    fn hold(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: Event) -> bool {
        let mut events = self.hold();
        if events.waiting.len() == MOST {
            events.waiting.pop_front();
            events.missed += 1;
        }
        events.waiting.push_back(event);
        self.pushed.notify_all();
        events.listeners == 0
    }

    fn source(&'static self) -> Source {
        let generation = spanwire_ground::generation();
        self.hold().sources += 1;
        Source { ring: self, generation }
    }

    fn take(&self) -> (Vec<Event>, u64) {
        let mut events = self.hold();
        (events.waiting.drain(..).collect(), std::mem::take(&mut events.missed))
    }

    fn wait(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let generation = spanwire_ground::generation();
        let mut events = self.hold();
        events.listeners += 1;
        while events.waiting.is_empty() && !events.is_stopped {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            events = self
                .pushed
                .wait_timeout(events, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if generation == spanwire_ground::generation() {
            events.listeners -= 1;
        }
        !events.waiting.is_empty() || (events.sources > 0 && !events.is_stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(items: u64) -> Event {
        Event {
            destination: "http://events.test/".into(),
            what: What::Lost(DropReason::Timeout),
            items,
            message: "late".into(),
        }
    }

    #[test]
    fn the_oldest_events_go_and_are_counted_and_a_listener_is_woken() {
        static RING: Ring = Ring::new(); // other tests fill and empty the process's
        for items in 0..MOST as u64 + 3 {
            RING.push(event(items));
        }
        let (events, missed) = RING.take();
        assert_eq!((events.len(), missed), (MOST, 3));
        assert_eq!(events[0].items, 3);
        let listener = std::thread::spawn(|| RING.wait(Duration::from_secs(30)));
        while RING.hold().listeners == 0 {
            std::thread::yield_now();
        }
        assert!(!RING.push(event(0)));
        assert!(listener.join().expect("listens"));
        assert!(RING.wait(Duration::ZERO));
        let _ = RING.take();
        assert!(RING.push(event(1)));
    }

    #[test]
    fn a_listener_is_asked_to_go_on_as_long_as_there_is_a_source() {
        static RING: Ring = Ring::new();
        assert!(!RING.wait(Duration::ZERO));
        let (one, other) = (RING.source(), RING.source());
        drop(one);
        assert!(RING.wait(Duration::ZERO));
        drop(other);
        assert!(!RING.wait(Duration::ZERO));
        let _late = RING.source();
        RING.hold().is_stopped = true;
        assert!(!RING.wait(Duration::ZERO));
    }
}
