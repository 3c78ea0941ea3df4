//! What was received: requests up to a bound of bytes, exact counts, and threads that wait for them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use spanwire_receiver::Received;
use spanwire_wire::Signal;

/// One acknowledged request.
#[derive(Debug)]
pub struct ReceivedRequest {
    /// As it came.
    pub received: Received,
    /// How many of its items (the last ones) were answered as rejected, by an injected partial success.
    pub rejected: u64,
}

impl ReceivedRequest {
    /// Items acknowledged.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.received.items - self.rejected
    }

    fn weight(&self) -> usize {
        let headers = self.received.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        size_of::<Self>() + self.received.body.len() + headers
    }
}

/// Totals since the start or the last [`Store::clear`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Export requests whose headers came in, whatever became of them.
    pub attempts: u64,
    /// Requests acknowledged.
    pub requests: u64,
    /// Items acknowledged, by the number of their signal: those of `requests` without the rejected ones.
    pub items: [u64; Signal::ALL.len()],
    /// Requests that went out of memory over the bound; they stay counted above.
    pub forgotten_requests: u64,
}

impl Counts {
    /// Items of this signal acknowledged.
    #[must_use]
    pub fn of(&self, signal: Signal) -> u64 {
        self.items[signal as usize]
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// As many items as asked for are there.
    Reached,
    /// The server stopped before.
    Stopped,
    /// Time was up before.
    TimedOut,
}

/// Requests up to a bound of bytes (the oldest go first), and counts that forget nothing.
#[derive(Debug)]
pub struct Store {
    limit: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<Arc<ReceivedRequest>>,
    kept_bytes: usize,
    counts: Counts,
    stopped: bool,
}

impl Store {
    /// An empty store that keeps at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Counts a request that arrived, before anything is decided about it.
    pub fn attempt(&self) {
        self.lock().counts.attempts += 1;
        self.changed.notify_all();
    }

    /// Keeps and counts a request: from here on it may be acknowledged.
    pub fn add(&self, request: ReceivedRequest) {
        let weight = request.weight();
        let mut state = self.lock();
        state.counts.requests += 1;
        state.counts.items[request.received.signal as usize] += request.accepted();
        state.kept_bytes += weight;
        state.kept.push_back(Arc::new(request));
        while state.kept_bytes > self.limit {
            let Some(oldest) = state.kept.pop_front() else { break };
            state.kept_bytes -= oldest.weight();
            state.counts.forgotten_requests += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The requests still in memory, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<ReceivedRequest>> {
        self.lock().kept.iter().cloned().collect()
    }

    /// The requests after the first `seen` ones ever kept, and how many were kept so far: for those who follow.
    #[must_use]
    pub fn requests_since(&self, seen: u64) -> (Vec<Arc<ReceivedRequest>>, u64) {
        let state = self.lock();
        let total = state.counts.requests;
        let new = usize::try_from(total.saturating_sub(seen)).unwrap_or(usize::MAX);
        let skip = state.kept.len().saturating_sub(new);
        (state.kept.iter().skip(skip).cloned().collect(), total)
    }

    /// The totals.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Forgets the requests and sets all counts to 0.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.kept.clear();
        state.kept_bytes = 0;
        state.counts = Counts::default();
    }

    /// Waits until `items` of a signal were acknowledged, the server stops, or time is up.
    pub fn wait(&self, signal: Signal, items: u64, timeout: Duration) -> Waited {
        self.wait_until(timeout, |counts| counts.of(signal) >= items)
    }

    /// Waits until `requests` were acknowledged, the server stops, or time is up.
    pub fn wait_for_requests(&self, requests: u64, timeout: Duration) -> Waited {
        self.wait_until(timeout, |counts| counts.requests >= requests)
    }

    fn wait_until(&self, timeout: Duration, are_enough: impl Fn(&Counts) -> bool) -> Waited {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.lock();
        loop {
            if are_enough(&state.counts) {
                return Waited::Reached;
            }
            if state.stopped {
                return Waited::Stopped;
            }
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Waited::TimedOut;
                    }
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Wakes whoever waits: nothing more will come.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; if one did, the numbers would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use spanwire_receiver::Protocol;

    use super::*;

    fn request(body: &'static [u8], items: u64) -> ReceivedRequest {
        ReceivedRequest {
            received: Received {
                signal: Signal::Traces,
                protocol: Protocol::HttpProtobuf,
                is_encoded: false,
                headers: HeaderMap::new(),
                body: Bytes::from_static(body),
                wire_size: body.len(),
                received_at: 0,
                items,
                peer: None,
            },
            rejected: 0,
        }
    }

    #[test]
    fn oldest_request_goes_when_the_bound_is_reached_and_stays_counted() {
        let one = request(b"a", 3).weight();
        let store = Store::new(2 * one);
        for body in [b"a", b"b", b"c"] {
            store.add(request(body, 3));
        }
        let kept: Vec<_> = store.requests().iter().map(|kept| kept.received.body.clone()).collect();
        assert_eq!(kept, ["b", "c"]);
        let expected = Counts {
            attempts: 0,
            requests: 3,
            items: [9, 0, 0, 0],
            forgotten_requests: 1,
        };
        assert_eq!(store.counts(), expected);
    }

    #[test]
    fn request_larger_than_the_bound_is_counted_only() {
        let store = Store::new(1);
        store.add(request(b"a", 2));
        assert!(store.requests().is_empty());
        assert_eq!(store.counts().of(Signal::Traces), 2);
    }

    #[test]
    fn follower_sees_each_request_once() {
        let store = Store::new(usize::MAX);
        store.add(request(b"a", 1));
        let (first, seen) = store.requests_since(0);
        assert_eq!((first.len(), seen), (1, 1));
        store.add(request(b"b", 1));
        let (second, seen) = store.requests_since(seen);
        assert_eq!((second[0].received.body.as_ref(), seen), (b"b".as_slice(), 2));
        assert!(store.requests_since(seen).0.is_empty());
    }

    #[test]
    fn wait_ends_when_the_items_are_there_or_the_server_stops() {
        let store = Store::new(usize::MAX);
        assert_eq!(store.wait(Signal::Traces, 1, Duration::ZERO), Waited::TimedOut);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| store.wait(Signal::Traces, 2, Duration::MAX));
            store.add(request(b"a", 2));
            assert_eq!(waiter.join().expect("no panic"), Waited::Reached);
            let waiter = scope.spawn(|| store.wait(Signal::Traces, 3, Duration::MAX));
            store.stop();
            assert_eq!(waiter.join().expect("no panic"), Waited::Stopped);
        });
    }
}
