//! [`Items`]: events or links, of which the last few are kept; at all times the bytes of their fields.
//!
//! The oldest go first, so what is alive is one slice. What went is cut off when it outweighs the rest.
//!
//! Invariants: `starts` are the places of all items in `bytes`, those before `first` evicted; with no living item there are
//! no bytes.

use spanwire_wire::arena::Region;

use crate::Status;
use crate::limits::KEEP_BYTES;

/// Evicted bytes, and evicted items, that are not worth moving anything.
const TOLERATED_BYTES: usize = 4096;
const TOLERATED: usize = 64;

#[derive(Debug, Default)]
pub struct Items {
    bytes: Region,
    starts: Vec<u32>,
    first: usize,
    limit: u32,
    dropped: u32,
    /// Bytes that compaction moved.
    #[cfg(test)]
    pub moved: usize,
}

impl Items {
    /// Starts over, with at most `limit` items.
    #[inline(always)]
    pub fn begin(&mut self, limit: u32) {
        self.empty();
        self.limit = limit;
        self.dropped = 0;
    }

    /// Gives up what was allocated beyond what a usual span needs. The content is gone.
    pub fn shrink(&mut self) {
        self.empty();
        self.bytes.clear(KEEP_BYTES);
        self.starts.shrink_to(KEEP_BYTES / size_of::<u32>());
    }

    /// At least as large as the largest buffer.
    #[inline(always)]
    pub const fn memory(&self) -> usize {
        self.bytes.capacity() | (self.starts.capacity() * size_of::<u32>())
    }

    #[inline(always)]
    fn empty(&mut self) {
        self.bytes.truncate(0);
        self.starts.clear();
        self.first = 0;
    }

    /// Appends the item that `write` writes, which is one field of at most `size` bytes; `room` is what there is for all.
    pub fn add(&mut self, size: usize, room: usize, write: impl FnOnce(&mut Region)) -> Status {
        if self.limit == 0 {
            self.dropped = self.dropped.saturating_add(1);
            return Status::OK;
        }
        if self.live().len().saturating_add(size) > room {
            self.dropped = self.dropped.saturating_add(1);
            return Status::UNENCODABLE;
        }
        let mut status = Status::OK;
        if self.len() >= self.limit {
            self.evict();
            self.dropped = self.dropped.saturating_add(1);
            status = Status::EVICTED;
        }
        if u32::try_from(self.bytes.len() + size).is_err() {
            self.compact();
        }
        let start = u32::try_from(self.bytes.len()).expect("below the room, which is 1 GiB");
        write(&mut self.bytes);
        self.starts.push(start);
        status
    }

    /// Items since the last time there were none, those that went included.
    #[inline(always)]
    pub const fn count(&self) -> usize {
        self.starts.len()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "an item takes bytes, whose places have 32 bits"
    )]
    pub const fn len(&self) -> u32 {
        (self.starts.len() - self.first) as u32
    }

    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// All fields, one after the other.
    #[inline(always)]
    pub fn live(&self) -> &[u8] {
        if self.bytes.is_empty() {
            return &[];
        }
        match self.starts.get(self.first) {
            Some(&start) => &self.bytes.as_slice()[start as usize..],
            None => &[],
        }
    }

    fn evict(&mut self) {
        self.first += 1;
        let live = self.starts.len() - self.first;
        let dead_bytes = self.bytes.len() - self.live().len();
        if live == 0 {
            self.empty();
        } else if dead_bytes > self.live().len() + TOLERATED_BYTES || self.first > live + TOLERATED {
            self.compact();
        }
    }

    fn compact(&mut self) {
        let len = self.live().len();
        let start = self.bytes.len() - len;
        self.bytes.copy_within(start..start + len, 0);
        self.bytes.truncate(len);
        self.starts.drain(..self.first);
        let cut = u32::try_from(start).expect("places have 32 bits");
        for start in &mut self.starts {
            *start -= cut;
        }
        self.first = 0;
        #[cfg(test)]
        {
            self.moved += len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_limit(limit: u32) -> Items {
        let mut items = Items::default();
        items.begin(limit);
        items
    }

    fn add(items: &mut Items, bytes: &[u8]) -> Status {
        items.add(bytes.len(), 1 << 30, |out| out.raw(bytes))
    }

    #[test]
    fn the_oldest_goes_at_the_limit_and_is_counted() {
        let mut items = with_limit(2);
        let statuses = [b"ab", b"cd", b"ef"].map(|item| add(&mut items, item));
        assert_eq!(statuses, [Status::OK, Status::OK, Status::EVICTED]);
        assert_eq!((items.live(), items.len(), items.dropped()), (&b"cdef"[..], 2, 1));
    }

    #[test]
    fn with_a_limit_of_0_all_are_counted_and_none_is_evicted() {
        let mut items = with_limit(0);
        assert_eq!(add(&mut items, b"ab"), Status::OK);
        assert_eq!((items.live(), items.len(), items.dropped()), (&b""[..], 0, 1));
    }

    #[test]
    fn what_there_is_no_room_for_is_left_out_and_counted() {
        let mut items = with_limit(2);
        let _ = add(&mut items, b"ab");
        assert_eq!(items.add(9, 10, |_| unreachable!()), Status::UNENCODABLE);
        assert_eq!(items.add(usize::MAX, 10, |_| unreachable!()), Status::UNENCODABLE);
        assert_eq!((items.live(), items.dropped()), (&b"ab"[..], 2));
        assert_eq!(items.add(8, 10, |out| out.raw(b"12345678")), Status::OK);
    }

    #[test]
    fn eviction_moves_no_more_than_is_written() {
        let rounds: u32 = if cfg!(miri) { 500 } else { 50_000 };
        let mut items = with_limit(100);
        for number in 0..rounds {
            let _ = add(&mut items, &number.to_be_bytes());
        }
        let expected: Vec<u8> = (rounds - 100..rounds).flat_map(u32::to_be_bytes).collect();
        assert_eq!(items.live(), expected);
        assert!(items.moved <= 4 * rounds as usize, "{}", items.moved);
        assert!(items.bytes.capacity() <= KEEP_BYTES && items.starts.capacity() <= 512);
    }

    #[test]
    fn a_large_item_that_is_evicted_again_and_again_takes_no_more_memory() {
        let rounds = if cfg!(miri) { 10 } else { 200 };
        let item = vec![b'x'; 1 << 20];
        for limit in [1, 2] {
            let mut items = with_limit(limit);
            for _ in 0..rounds {
                let _ = add(&mut items, &item);
            }
            assert!(items.bytes.capacity() <= 6 << 20, "{}", items.bytes.capacity());
            items.shrink();
            assert!(items.bytes.capacity() <= KEEP_BYTES);
        }
    }
}
