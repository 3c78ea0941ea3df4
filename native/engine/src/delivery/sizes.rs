//! [`Sizes`]: how large a request may be, as the answers of a destination have taught.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests near the limit that must pass before a larger one is tried.
const PATIENCE: u32 = 64;
/// A destination that finds so little too large means something else.
const SMALLEST: usize = 1 << 10;
/// So often the limit grew by little without a refusal: then it may be by much.
const STEADY: u32 = 8;
/// Requests of one item that may be refused in a row without a pause; from so many on the destination takes nothing.
const ALONE: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The size of plain requests that a destination takes. Used by one thread at a time; relaxed.
#[derive(Debug)]
pub struct Sizes {
    limit: AtomicUsize,
    passed: AtomicU32,
    /// How often the limit grew since the last refusal.
    grown: AtomicU32,
    /// A limit that had grown was refused: it is near, and approached slowly.
    is_near: AtomicBool,
    /// Requests of one item that were refused in a row, and that nothing is tried before a time because of them.
    alone: AtomicU32,
    /// The smallest of these requests.
    smallest: AtomicUsize,
    /// What the last of them was answered.
    refusal: Mutex<String>,
    not_before: Mutex<Option<Instant>>,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            limit: AtomicUsize::new(usize::MAX),
            passed: AtomicU32::new(0),
            grown: AtomicU32::new(0),
            is_near: AtomicBool::new(false),
            alone: AtomicU32::new(0),
            smallest: AtomicUsize::new(usize::MAX),
            refusal: Mutex::default(),
            not_before: Mutex::new(None),
        }
    }
}

impl Sizes {
    /// Bytes of a request at most.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// When a request may be tried: a destination to which each single item is too large takes nothing at all, and is asked less often.
    pub fn not_before(&self) -> Option<Instant> {
        *self.not_before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_not_before(&self, time: Option<Instant>) {
        *self.not_before.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Whether single items alone were refused of late, several in a row: the next request is of one item, to find out.
    pub fn takes_nothing(&self) -> bool {
        self.alone.load(Ordering::Relaxed) >= ALONE
    }

    /// Whether a request of one item and so many bytes need not be tried before the pause is over: it is about as large as those that were
    /// refused, or larger.
    pub fn is_hopeless(&self, bytes: usize) -> bool {
        let smallest = self.smallest.load(Ordering::Relaxed);
        self.takes_nothing()
            && bytes >= smallest - smallest / 8
            && self.not_before().is_some_and(|time| Instant::now() < time)
    }

    /// A single item was refused with these words.
    pub fn refused_alone(&self, words: &str) {
        words.clone_into(&mut self.refusal.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// With which words a single item was refused last.
    pub fn refusal(&self) -> String {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A request of so many bytes, perhaps of one item, was too large: from now on they are half as long.
    pub fn too_large(&self, bytes: usize, is_alone: bool) {
        let limit = self.limit().min(bytes.div_euclid(2)).max(SMALLEST);
        self.limit.store(limit, Ordering::Relaxed);
        self.passed.store(0, Ordering::Relaxed);
        if self.grown.swap(0, Ordering::Relaxed) > 0 {
            self.is_near.store(true, Ordering::Relaxed);
        }
        if is_alone {
            self.smallest.fetch_min(bytes, Ordering::Relaxed);
            let alone = self.alone.fetch_add(1, Ordering::Relaxed) + 1;
            if alone >= ALONE {
                let pause = FIRST_PAUSE
                    .saturating_mul(1 << (alone - ALONE).min(8))
                    .min(LONGEST_PAUSE);
                self.set_not_before(Some(Instant::now() + pause));
            }
        }
    }

    /// A request of so many bytes was not too large. When many near the limit were not, they may be twice as long, or an eighth longer where
    /// that was too much.
    pub fn passed(&self, bytes: usize) {
        let smallest = self.smallest.swap(usize::MAX, Ordering::Relaxed);
        if self.alone.swap(0, Ordering::Relaxed) >= ALONE {
            self.set_not_before(None);
            if bytes >= smallest {
                // It was not their size: nothing was learnt.
                self.limit.store(usize::MAX, Ordering::Relaxed);
                self.grown.store(0, Ordering::Relaxed);
                self.is_near.store(false, Ordering::Relaxed);
            }
        }
        let limit = self.limit();
        if limit == usize::MAX || bytes < limit / 2 {
            return;
        }
        if self.passed.fetch_add(1, Ordering::Relaxed) + 1 >= PATIENCE {
            self.passed.store(0, Ordering::Relaxed);
            let more = if self.is_near.load(Ordering::Relaxed) {
                limit / 8
            } else {
                limit
            };
            self.limit.store(limit.saturating_add(more), Ordering::Relaxed);
            if self.grown.fetch_add(1, Ordering::Relaxed) + 1 >= STEADY {
                self.is_near.store(false, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as much as it may to a destination that takes `takes`: how many were refused.
    fn refused(sizes: &Sizes, takes: usize, wants: usize, requests: usize) -> usize {
        (0..requests)
            .filter(|_| {
                let bytes = wants.min(sizes.limit());
                if bytes > takes {
                    sizes.too_large(bytes, false);
                } else {
                    sizes.passed(bytes);
                }
                bytes > takes
            })
            .count()
    }

    #[test]
    fn what_worked_is_remembered_and_tried_beyond_slowly() {
        let sizes = Sizes::default();
        assert_eq!(refused(&sizes, 60_000, 400_000, 4), 3);
        assert_eq!(sizes.limit(), 50_000);
        let again = refused(&sizes, 60_000, 400_000, 10_000);
        assert!((10..60).contains(&again), "{again}");
    }

    #[test]
    fn a_destination_that_takes_more_again_is_found_out() {
        let sizes = Sizes::default();
        sizes.too_large(8_000, false);
        assert_eq!(refused(&sizes, usize::MAX, 400_000, 64 * 7), 0);
        assert!(sizes.limit() >= 400_000);
    }

    #[test]
    fn a_destination_to_which_each_span_is_too_large_is_asked_less_often() {
        crate::testing::paused(async {
            let sizes = Sizes::default();
            let pauses: Vec<_> = (0..8)
                .map(|_| {
                    sizes.too_large(100, true);
                    let pause = sizes.not_before().map(|time| time - Instant::now());
                    pause.map_or(0, |pause| pause.as_millis())
                })
                .collect();
            assert_eq!(pauses, [0, 0, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
            assert!(sizes.takes_nothing() && sizes.is_hopeless(100) && sizes.is_hopeless(90));
            assert!(!sizes.is_hopeless(80)); // it may pass
            tokio::time::sleep(Duration::from_secs(4)).await;
            assert!(sizes.takes_nothing() && !sizes.is_hopeless(100));
            sizes.passed(100);
            assert_eq!((sizes.not_before(), sizes.limit()), (None, usize::MAX));
            assert!(!sizes.takes_nothing());
        });
    }

    #[test]
    fn of_a_destination_that_takes_small_spans_only_the_size_stays_known() {
        let sizes = Sizes::default();
        for _ in 0..ALONE {
            sizes.too_large(5_000, true);
        }
        sizes.passed(1_500);
        assert_eq!(sizes.limit(), 2_500);
    }

    #[test]
    fn nothing_is_learnt_of_small_requests() {
        let sizes = Sizes::default();
        sizes.too_large(80_000, false);
        assert_eq!(refused(&sizes, usize::MAX, 10_000, 10_000), 0);
        assert_eq!(sizes.limit(), 40_000);
        sizes.too_large(10, false);
        assert_eq!(sizes.limit(), SMALLEST);
    }
}
