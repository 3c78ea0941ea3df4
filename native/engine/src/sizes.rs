//! [`Sizes`]: how large a request may be, as the answers of a destination have taught.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Requests near the limit that must pass before a larger one is tried.
const PATIENCE: u32 = 64;
/// A destination that finds so little too large means something else.
const SMALLEST: usize = 1 << 10;

/// The size of plain requests that a destination takes. Used by one thread at a time; relaxed.
#[derive(Debug)]
pub struct Sizes {
    limit: AtomicUsize,
    passed: AtomicU32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            limit: AtomicUsize::new(usize::MAX),
            passed: AtomicU32::new(0),
        }
    }
}

impl Sizes {
    /// Bytes of a request at most.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// A request of so many bytes was too large: from now on they are half as long.
    pub fn too_large(&self, bytes: usize) {
        let limit = self.limit().min(bytes.div_euclid(2)).max(SMALLEST);
        self.limit.store(limit, Ordering::Relaxed);
        self.passed.store(0, Ordering::Relaxed);
    }

    /// A request of so many bytes was not too large. When many near the limit were not, they may be an eighth longer.
    pub fn passed(&self, bytes: usize) {
        let limit = self.limit();
        if limit == usize::MAX || bytes < limit / 2 {
            return;
        }
        if self.passed.fetch_add(1, Ordering::Relaxed) + 1 >= PATIENCE {
            self.passed.store(0, Ordering::Relaxed);
            self.limit.store(limit.saturating_add(limit / 8), Ordering::Relaxed);
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
                    sizes.too_large(bytes);
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
        sizes.too_large(8_000);
        assert_eq!(refused(&sizes, usize::MAX, 400_000, 64 * 45), 0);
        assert!(sizes.limit() >= 400_000);
    }

    #[test]
    fn nothing_is_learnt_of_small_requests() {
        let sizes = Sizes::default();
        sizes.too_large(80_000);
        assert_eq!(refused(&sizes, usize::MAX, 10_000, 10_000), 0);
        assert_eq!(sizes.limit(), 40_000);
        sizes.too_large(10);
        assert_eq!(sizes.limit(), SMALLEST);
    }
}
