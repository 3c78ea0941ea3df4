//! [`Pool`]: records that are used again, the last one given back first.

use crate::SpanRecord;

/// How many records are kept.
const KEEP: usize = 256;

/// Records that wait for the next span. Whoever shares one must lock it.
#[derive(Debug, Default)]
pub struct Pool {
    #[expect(clippy::vec_box, reason = "a record stays where it is: C holds its address")]
    free: Vec<Box<SpanRecord>>,
}

impl Pool {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { free: Vec::new() }
    }

    /// A record to [`begin`](SpanRecord::begin) a span in.
    #[must_use]
    #[inline]
    pub fn take(&mut self) -> Box<SpanRecord> {
        self.free.pop().unwrap_or_else(new_record)
    }

    /// Takes a record back. Large buffers are given up, and the record itself if there are enough.
    #[inline]
    pub fn give(&mut self, mut record: Box<SpanRecord>) {
        if self.free.len() < KEEP {
            if record.is_large() {
                record.shrink();
            }
            self.free.push(record);
        }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.free.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.free.is_empty()
    }
}

#[cold]
#[inline(never)]
fn new_record() -> Box<SpanRecord> {
    Box::new(SpanRecord::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_given_last_is_taken_first() {
        let mut pool = Pool::new();
        let (one, other) = (pool.take(), pool.take());
        let address = std::ptr::from_ref(&*other).addr();
        pool.give(one);
        pool.give(other);
        assert_eq!(pool.len(), 2);
        assert_eq!(std::ptr::from_ref(&*pool.take()).addr(), address);
    }

    #[test]
    fn at_most_256_records_are_kept() {
        let mut pool = Pool::new();
        let records: Vec<_> = (0..KEEP + 10).map(|_| pool.take()).collect();
        assert!(pool.is_empty());
        for record in records {
            pool.give(record);
        }
        assert_eq!(pool.len(), KEEP);
    }
}
