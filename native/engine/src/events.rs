//! What people must hear: a bounded ring that the worker fills and one thread of Python's drains.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::account::DropReason;

/// Kept at most; then the oldest go, counted.
const MOST: usize = 256;

/// Something that happened to the spans of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The destination's name.
    pub destination: String,
    /// Why spans were lost; `None` if the request was taken.
    pub lost: Option<DropReason>,
    /// The request is not taken yet: it is tried again.
    pub waits: bool,
    /// Spans that were lost, or that the destination took the request without.
    pub spans: u64,
    /// In words.
    pub message: String,
}

/// The ring.
#[derive(Debug)]
pub struct Events {
    waiting: VecDeque<Event>,
    /// Events that were pushed out unheard.
    missed: u64,
    /// Threads that wait in [`wait`].
    listeners: usize,
    is_stopped: bool,
}

static EVENTS: Mutex<Events> = Mutex::new(Events {
    waiting: VecDeque::new(),
    missed: 0,
    listeners: 0,
    is_stopped: false,
});

static PUSHED: Condvar = Condvar::new();

/// The ring, held; also across forks.
pub fn hold() -> MutexGuard<'static, Events> {
    EVENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Events {
    /// In a forked child: what is there is the parent's to say.
    pub fn begin_again(&mut self) {
        // Forgotten and not freed: whoever forked may have caught the allocator in another thread's hands.
        std::mem::forget(std::mem::take(&mut self.waiting));
        self.missed = 0;
        self.listeners = 0;
        self.is_stopped = false;
    }
}

/// Puts an event into the ring; whether nobody listens, so that somebody must be asked to.
pub fn push(event: Event) -> bool {
    let mut events = hold();
    if events.waiting.len() == MOST {
        events.waiting.pop_front();
        events.missed += 1;
    }
    events.waiting.push_back(event);
    PUSHED.notify_all();
    events.listeners == 0
}

/// Takes what is there, and how many events were pushed out unheard before.
#[must_use]
pub fn take() -> (Vec<Event>, u64) {
    let mut events = hold();
    (events.waiting.drain(..).collect(), std::mem::take(&mut events.missed))
}

/// Waits until there are events, until [`stop`], or for so long; whether there are events.
#[must_use]
pub fn wait(limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    let generation = crate::generation();
    let mut events = hold();
    events.listeners += 1;
    while events.waiting.is_empty() && !events.is_stopped {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        events = PUSHED
            .wait_timeout(events, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
    if generation == crate::generation() {
        events.listeners -= 1;
    }
    !events.waiting.is_empty()
}

/// Ends all waiting, now and later: the interpreter ends.
pub fn stop() {
    hold().is_stopped = true;
    PUSHED.notify_all();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(spans: u64) -> Event {
        Event {
            destination: "http://events.test/".into(),
            lost: Some(DropReason::Timeout),
            waits: false,
            spans,
            message: "late".into(),
        }
    }

    #[test]
    fn the_oldest_events_go_and_are_counted_and_a_listener_is_woken() {
        let _ = take();
        for spans in 0..MOST as u64 + 3 {
            push(event(spans));
        }
        let (events, missed) = take();
        let ours: Vec<_> = events
            .iter()
            .filter(|event| event.destination == "http://events.test/")
            .collect();
        assert_eq!((ours.len(), missed), (MOST, 3));
        assert_eq!(ours[0].spans, 3);
        let listener = std::thread::spawn(|| wait(Duration::from_secs(30)));
        while hold().listeners == 0 {
            std::thread::yield_now();
        }
        assert!(!push(event(0)));
        assert!(listener.join().expect("listens"));
        assert!(wait(Duration::ZERO));
        let _ = take();
        assert!(push(event(1)));
        let _ = take();
    }
}
