//! [`Entry`], one attribute's place in the record, and [`Index`], which finds entries by hash where there are many.

/// Where an attribute begins and what its key hashes to. Eight bytes, so that a list of them is searched quickly.
///
/// Invariant: places are below 2^31; the top bit of `place` marks an attribute that was removed and whose bytes are a hole.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub hash: u32,
    place: u32,
}

impl Entry {
    const DEAD: u32 = 1 << 31;
    /// Places are below this.
    pub const END: usize = 1 << 31;

    /// A living attribute at `start`, which must be below [`Entry::END`].
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "below 2^31, as asked for")]
    pub fn new(hash: u32, start: usize) -> Self {
        debug_assert!(start < Self::END);
        Self {
            hash,
            place: start as u32,
        }
    }

    #[inline(always)]
    pub const fn start(self) -> usize {
        (self.place & !Self::DEAD) as usize
    }

    #[inline(always)]
    pub const fn is_dead(self) -> bool {
        self.place & Self::DEAD != 0
    }

    pub const fn kill(&mut self) {
        self.place |= Self::DEAD;
    }
}

/// The 32 bits of a hash that are kept.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "both halves are in it")]
pub const fn fold(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

/// Numbers of entries by hash: open addressing with linear probing, at most half full. Without slots it is not in use.
///
/// Nothing is ever taken out: a slot whose entry is dead, or that names an entry that is no more or that is another one's by now,
/// is passed over, because whoever asks compares the entry itself. A new index, made when this one is full, has the living
/// only, so the cost of a removal is that of an insertion.
#[derive(Debug, Default)]
pub struct Index {
    slots: Vec<u32>,
    used: usize,
}

impl Index {
    /// The fewest slots.
    const LEAST: usize = 256;
    /// Slots whose memory is kept for the next span: 16 KiB.
    const KEEP: usize = 4096;

    #[inline(always)]
    pub const fn is_used(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Whether another entry needs a new index.
    pub const fn is_full(&self) -> bool {
        2 * (self.used + 1) > self.slots.len()
    }

    /// An index of the `hashes` of entries 0, 1, 2, …
    pub fn build(&mut self, hashes: impl ExactSizeIterator<Item = u32>) {
        let slots = (4 * hashes.len()).next_power_of_two().max(Self::LEAST);
        self.slots.clear();
        self.slots.resize(slots, 0);
        self.used = 0;
        for (number, hash) in hashes.enumerate() {
            self.insert(hash, number);
        }
    }

    /// Adds entry `number`; the index is not full.
    pub fn insert(&mut self, hash: u32, number: usize) {
        debug_assert!(!self.is_full());
        let mut at = self.first(hash);
        while self.slots[at] != 0 {
            at = self.after(at);
        }
        self.slots[at] = u32::try_from(number + 1).expect("an entry takes more than one byte of the record's 2 GiB");
        self.used += 1;
    }

    /// The first entry among those of this hash (and some of others) that `is_it`.
    pub fn find(&self, hash: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut at = self.first(hash);
        while self.slots[at] != 0 {
            let number = self.slots[at] as usize - 1;
            if is_it(number) {
                return Some(number);
            }
            at = self.after(at);
        }
        None
    }

    /// Stops using it; most of the memory is kept.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.used = 0;
    }

    /// Gives up memory beyond what a usual span needs. Not in use.
    pub fn shrink(&mut self) {
        self.slots.shrink_to(Self::KEEP);
    }

    /// Bytes allocated.
    #[inline(always)]
    pub const fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }

    const fn first(&self, hash: u32) -> usize {
        // Fibonacci hashing, for keys whose hashes differ in a few bits only.
        let spread = (hash as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        spread as usize & (self.slots.len() - 1)
    }

    const fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_remembers_its_place_dead_or_alive() {
        let mut entry = Entry::new(7, Entry::END - 1);
        assert_eq!((entry.hash, entry.start(), entry.is_dead()), (7, Entry::END - 1, false));
        entry.kill();
        assert_eq!((entry.hash, entry.start(), entry.is_dead()), (7, Entry::END - 1, true));
    }

    #[test]
    fn an_index_finds_every_entry_whatever_the_hashes() {
        for hashes in [vec![5; 100], (0..100).collect(), (0..100).map(|i| i << 24).collect()] {
            let mut index = Index::default();
            assert!(!index.is_used() && index.is_full());
            index.build(hashes[..50].iter().copied());
            for (number, &hash) in hashes.iter().enumerate().skip(50) {
                if index.is_full() {
                    index.build(hashes[..number].iter().copied());
                }
                index.insert(hash, number);
            }
            for (number, &hash) in hashes.iter().enumerate() {
                assert_eq!(index.find(hash, |found| found == number), Some(number));
            }
            assert_eq!(index.find(hashes[0], |_| false), None);
            assert_eq!(index.find(1 << 31, |found| found == 100), None);
        }
    }

    #[test]
    fn an_index_is_at_most_half_full() {
        let mut index = Index::default();
        index.build(0..0);
        let mut room = 0;
        while !index.is_full() {
            index.insert(room, 0);
            room += 1;
        }
        assert_eq!((room as usize, index.slots.len()), (Index::LEAST / 2, Index::LEAST));
        index.build(0..1000);
        assert_eq!(index.slots.len(), 4096);
        index.clear();
        assert!(!index.is_used());
    }
}
