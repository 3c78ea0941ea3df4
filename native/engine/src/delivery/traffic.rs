//! [`Traffic`]: what the requests of a lane that are under way know of each other.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::delivery::retry_state::Crowd;
use crate::process::progress::Progress;

/// Requests at most that fail for themselves and wait beside the others.
pub const MOST_BESIDE: usize = 64;
/// Where the queue has no bound in items: so many whole requests may be in hand beside those under way.
const MOST_WHOLE: u64 = 8;
/// From so many on each has less patience.
const CROWD: usize = 4;
/// Requests at most that are tried in turn, while all fail.
pub const MOST_SUSPECTS: usize = 8;

/// The role of a request among the others of its lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// One of them.
    Regular = 0,
    /// It has been answered "later" so often that others are tried in turn with it.
    Suspect = 1,
    /// It fails while others are taken, and waits beside them.
    Aside = 2,
}

/// Of one lane. Used by one thread at a time; relaxed.
#[derive(Debug, Default)]
pub struct Traffic {
    taken: AtomicU64,
    /// Items of all requests that nothing has become of yet.
    in_hand: AtomicU64,
    /// There was no room for one more of them.
    is_full: AtomicBool,
    tries: AtomicU64,
    suspects: AtomicUsize,
    beside: AtomicUsize,
    /// The role of a request has changed: more may be sent now.
    changed: AtomicBool,
    /// Tries under way, and that there is one less.
    trying: AtomicUsize,
    freed: Notify,
    /// When the lane was first found ended.
    ended: Mutex<Option<Instant>>,
    /// Nothing more is tried after the lane's end.
    is_called_off: AtomicBool,
}

impl Traffic {
    /// Whether one more request may be under way, of which `moving` are not aside; and whether it must be small.
    pub fn may_send(&self, moving: usize, most: usize, is_failing: bool) -> Option<bool> {
        let suspects = self.suspects.load(Ordering::Relaxed);
        let is_scout = suspects > 0 && suspects == moving && moving < MOST_SUSPECTS;
        let may = moving == 0 || (moving < most && !is_failing) || (is_failing && is_scout);
        may.then_some(is_failing && moving > 0)
    }

    /// Items that the next request may have, of `items` that it has otherwise, where `most` requests may be under way in front of a queue with
    /// a `bound`; none: it may not be sent. What is in hand is no more than the bound, or than these requests have. While some requests fail,
    /// each has half of the room at most, so that there is some for those that show whether the destination takes any.
    pub fn room(&self, items: usize, most: usize, bound: usize) -> usize {
        let (whole, most) = (items as u64, most as u64);
        let usual = most.saturating_mul(whole);
        let limit = usual.max(usual.saturating_add(MOST_WHOLE.saturating_mul(whole)).min(bound as u64));
        let room = limit.saturating_sub(self.in_hand.load(Ordering::Relaxed));
        self.is_full.store(room == 0, Ordering::Relaxed);
        let share = if self.beside() > 0 || self.takes_turns() {
            room.div_ceil(2)
        } else {
            room
        };
        // The more are suspect, the smaller the next: down to one item, which hardly is another that is never taken.
        let small = items >> self.suspects.load(Ordering::Relaxed).min(16);
        small.max(1).min(usize::try_from(share).unwrap_or(usize::MAX))
    }

    /// Until when requests are tried after the lane's end, if the destination takes none of them.
    pub fn last_call(&self, patience: Duration, progress: Progress) -> Instant {
        let now = Instant::now();
        let ended = *self
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(now);
        if self.is_called_off.load(Ordering::Relaxed) {
            return now;
        }
        progress.stalls_at(ended, patience)
    }

    /// From now on nothing is tried any more once the lane has ended.
    pub fn call_off(&self) {
        self.is_called_off.store(true, Ordering::Relaxed);
    }

    /// Requests that were taken.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub fn add_taken(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    fn beside(&self) -> usize {
        self.beside.load(Ordering::Relaxed)
    }

    /// Whether there was no room for one more request.
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Whether many requests fail for themselves.
    pub fn is_crowded(&self) -> bool {
        self.beside() >= CROWD || self.is_full.load(Ordering::Relaxed)
    }

    /// How many do.
    pub fn crowd(&self) -> Crowd {
        match self.beside() {
            _ if self.is_full.load(Ordering::Relaxed) => Crowd::Full,
            0 => Crowd::None,
            MOST_BESIDE.. => Crowd::Full,
            _ => Crowd::Some,
        }
    }

    /// Whether requests are tried in turn, and not the oldest first.
    pub fn takes_turns(&self) -> bool {
        self.suspects.load(Ordering::Relaxed) > 0
    }

    /// Whether the role of a request has changed since the last call.
    pub fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::Relaxed)
    }

    fn count(&self, role: Role) -> Option<&AtomicUsize> {
        match role {
            Role::Regular => None,
            Role::Suspect => Some(&self.suspects),
            Role::Aside => Some(&self.beside),
        }
    }
}

/// What one in-flight request tells the others of its lane. When it is dropped, the request has ended.
#[derive(Debug)]
pub struct RequestState {
    traffic: Arc<Traffic>,
    role: AtomicU8,
    /// Items that nothing has become of yet.
    items: AtomicU64,
    /// The number of its last try.
    tried: AtomicU64,
    /// All that it has left waits for endpoints that may not be tried now.
    is_held: AtomicBool,
}

/// While it is kept, a try is under way.
pub struct Try<'t>(&'t Traffic);

impl RequestState {
    /// Of a new request of so many items.
    pub fn new(traffic: &Arc<Traffic>, items: u64) -> Arc<Self> {
        traffic.in_hand.fetch_add(items, Ordering::Relaxed);
        Arc::new(Self {
            traffic: Arc::clone(traffic),
            items: AtomicU64::new(items),
            role: AtomicU8::new(Role::Regular as u8),
            tried: AtomicU64::new(0),
            is_held: AtomicBool::new(false),
        })
    }

    /// So many of its items are accounted for.
    pub fn settle(&self, items: u64) {
        let items = items.min(self.items.load(Ordering::Relaxed));
        self.items.fetch_sub(items, Ordering::Relaxed);
        self.traffic.in_hand.fetch_sub(items, Ordering::Relaxed);
        if items > 0 && self.traffic.is_full.load(Ordering::Relaxed) {
            self.traffic.changed.store(true, Ordering::Relaxed);
        }
    }

    /// All that it has left waits for endpoints that may not be tried now, or not any more.
    pub fn hold(&self, is_held: bool) {
        if self.is_held.swap(is_held, Ordering::Relaxed) != is_held {
            self.traffic.changed.store(true, Ordering::Relaxed);
        }
    }

    pub fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Relaxed)
    }

    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub fn role(&self) -> Role {
        match self.role.load(Ordering::Relaxed) {
            0 => Role::Regular,
            1 => Role::Suspect,
            _ => Role::Aside,
        }
    }

    /// Stands beside the others, if not too many do.
    pub fn step_aside(&self) {
        if self.traffic.beside() < MOST_BESIDE {
            self.set(Role::Aside);
        }
    }

    pub fn set(&self, role: Role) {
        let before = self.role();
        if before == role {
            return;
        }
        self.role.store(role as u8, Ordering::Relaxed);
        if let Some(count) = self.traffic.count(before) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(count) = self.traffic.count(role) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.traffic.changed.store(true, Ordering::Relaxed);
    }

    /// The number of its last try, of all tries; 0: none yet.
    pub fn tried(&self) -> u64 {
        self.tried.load(Ordering::Relaxed)
    }

    /// Begins a try as soon as there are fewer than `most`: those beside are tried between the others, not besides.
    pub async fn begin_try(&self, most: usize) -> Try<'_> {
        let traffic = &*self.traffic;
        loop {
            let freed = traffic.freed.notified(); // from now on
            if traffic.trying.load(Ordering::Relaxed) < most {
                traffic.trying.fetch_add(1, Ordering::Relaxed);
                let number = traffic.tries.fetch_add(1, Ordering::Relaxed) + 1;
                self.tried.store(number, Ordering::Relaxed);
                return Try(traffic);
            }
            freed.await;
        }
    }
}

impl Drop for RequestState {
    fn drop(&mut self) {
        self.settle(u64::MAX);
        self.set(Role::Regular);
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        self.0.trying.fetch_sub(1, Ordering::Relaxed);
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_all_fail_one_small_request_is_tried_for_each_that_is_suspect() {
        let traffic = Arc::new(Traffic::default());
        let first = RequestState::new(&traffic, 1);
        assert_eq!(traffic.may_send(0, 1, true), Some(false));
        assert_eq!(traffic.may_send(1, 4, false), Some(false));
        assert_eq!(traffic.may_send(1, 1, false), None);
        assert_eq!(traffic.may_send(1, 4, true), None);
        first.set(Role::Suspect);
        assert!(traffic.take_changed() && !traffic.take_changed());
        assert_eq!(traffic.may_send(1, 1, true), Some(true));
        assert_eq!(traffic.may_send(2, 4, true), None); // that one is not suspect
        first.set(Role::Aside);
        assert_eq!(traffic.may_send(0, 1, false), Some(false));
        drop(first);
        assert!(!traffic.takes_turns());
        let crowd: Vec<_> = (0..MOST_BESIDE).map(|_| RequestState::new(&traffic, 1)).collect();
        for state in &crowd {
            state.set(Role::Aside);
        }
        assert!(traffic.is_crowded() && traffic.crowd() == Crowd::Full);
        // They hold back nothing.
        assert_eq!(traffic.may_send(0, 4, false), Some(false));
    }

    #[test]
    fn what_is_in_hand_stays_within_the_bound() {
        let traffic = Arc::new(Traffic::default());
        assert_eq!(traffic.room(1_020, 1, 2_040), 1_020);
        let first = RequestState::new(&traffic, 1_020);
        assert_eq!(traffic.room(1_020, 1, 2_040), 1_020);
        first.set(Role::Aside);
        assert_eq!(traffic.room(1_020, 1, 2_040), 510);
        first.settle(1_019);
        assert_eq!(traffic.room(1_020, 1, 2_040), 1_020);
        let second = RequestState::new(&traffic, 2_039);
        assert_eq!(traffic.room(1_020, 1, 2_040), 0);
        assert_eq!(traffic.crowd(), Crowd::Full);
        drop((first, second));
        assert_eq!(traffic.room(1_020, 4, 100), 1_020);
        assert_eq!(traffic.crowd(), Crowd::None);
        assert_eq!(traffic.in_hand.load(Ordering::Relaxed), 0);
    }
}
