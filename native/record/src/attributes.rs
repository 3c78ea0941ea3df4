//! [`Attributes`]: an ordered map of keys to values that is at all times the bytes of its fields.
//!
//! An attribute is appended as it is set. One that is set again, removed or evicted leaves a hole, which costs nothing until
//! holes outweigh the rest; then the living move together, which costs at most as much as writing the holes did. Whether a key
//! is there already is asked of a bloom filter of 64 bits, then of the hashes, then of the keys' bytes; above [`FEW`]
//! attributes the hashes are in an [`Index`].
//!
//! Invariants: `entries` are in the order of `bytes` and cover them; none before `first` lives; `live` of them live, and with
//! none there are no entries and no bytes; `dead_bytes` is the size of all holes; `bloom` has the bit of every living hash; the
//! index, where used, leads to every living entry.

use spanwire_wire::arena::{Region, SHORT_ROOM, Scalar};
use spanwire_wire::tag::{key_value, len_tag, span};
use spanwire_wire::varint::decode_varint;
use spanwire_wire::{DecodeError, KeyValue};

use crate::Status;
use crate::keys::{Entry, Index, fold};
use crate::limits::KEEP_BYTES;

/// The tag of an attribute of a span.
pub const TAG: u8 = len_tag(span::ATTRIBUTES);
/// Up to so many attributes, looking through all hashes is faster than an index.
pub const FEW: u32 = 64;
/// Most bytes of an attribute beside its key and value: four tags and, of lengths below 2^31, at most four varints.
pub const OVERHEAD: usize = 4 + 4 * 5;
/// Below this size nobody needs to ask whether the record has room.
const SURELY_ROOM: usize = 1 << 16;
/// Free bytes after an attribute that could not be pushed quickly: enough for a few that can.
const PROVIDED: usize = 2 * SHORT_ROOM;
/// Holes of so many bytes, and so many holes, are not worth moving anything.
const TOLERATED_BYTES: usize = 4096;
const TOLERATED: usize = 64;

#[derive(Debug, Default)]
pub struct Attributes {
    bytes: Region,
    entries: Vec<Entry>,
    bloom: u64,
    live: u32,
    /// With fewer than so many, a key that is new to the bloom filter is simply appended.
    quick: u32,
    limit: u32,
    dropped: u32,
    first: usize,
    dead_bytes: usize,
    sealed: bool,
    index: Index,
    /// Bytes that compaction moved.
    #[cfg(test)]
    pub moved: usize,
}

impl Attributes {
    /// Starts over, with at most `limit` attributes.
    #[inline]
    pub fn begin(&mut self, limit: u32) {
        self.empty();
        self.limit = limit;
        self.quick = limit.min(FEW);
        self.dropped = 0;
        self.sealed = false;
    }

    /// From now on nothing changes.
    pub fn seal(&mut self) {
        self.sealed = true;
        self.quick = 0;
    }

    /// Gives up what was allocated beyond what a usual span needs. The content is gone.
    pub fn shrink(&mut self) {
        self.empty();
        self.bytes.clear(KEEP_BYTES);
        self.entries.shrink_to(KEEP_BYTES / size_of::<Entry>());
        self.index.shrink();
    }

    /// At least as large as the largest buffer.
    #[inline(always)]
    pub const fn memory(&self) -> usize {
        self.bytes.capacity() | (self.entries.capacity() * size_of::<Entry>()) | self.index.memory()
    }

    #[inline(always)]
    fn empty(&mut self) {
        self.bytes.truncate(0);
        self.entries.clear();
        self.bloom = 0;
        self.live = 0;
        self.first = 0;
        self.dead_bytes = 0;
        if self.index.is_used() {
            self.index.clear();
            self.quick = if self.sealed { 0 } else { self.limit.min(FEW) };
        }
    }

    /// Appends a short attribute whose key is new, if there is memory for it already; else answers false and changes nothing.
    #[must_use]
    #[inline(always)]
    pub fn push_quickly(&mut self, key: &[u8], hash: u64, value: Scalar<'_>) -> bool {
        let hash = fold(hash);
        self.bloom & bit(hash) == 0 && self.push_new(key, hash, value)
    }

    /// The same where the bloom filter only knows another key.
    #[must_use]
    pub fn push_collided(&mut self, key: &[u8], hash: u64, value: Scalar<'_>) -> bool {
        let hash = fold(hash);
        self.live < self.quick && !self.has_hash(hash) && self.push_new(key, hash, value)
    }

    #[inline(always)]
    fn push_new(&mut self, key: &[u8], hash: u32, value: Scalar<'_>) -> bool {
        let start = self.bytes.len();
        let has_room = self.live < self.quick && self.entries.len() < self.entries.capacity() && start <= SURELY_ROOM;
        if !has_room || !self.bytes.short_attribute(TAG, key, value) {
            return false;
        }
        self.bloom |= bit(hash);
        self.live += 1;
        self.entries.push(Entry::new(hash, start));
        true
    }

    /// Makes memory for the next attributes, so that they can be [pushed quickly](Self::push_quickly), if they could be then.
    pub fn provide(&mut self) {
        if self.bytes.len() <= SURELY_ROOM {
            self.bytes.provide(PROVIDED);
            self.entries.reserve(1);
        }
    }

    /// Whether an attribute of at most `size` bytes can be [pushed](Self::push) without [making room](Self::make_room).
    pub fn has_room(&self, hash: u64, size: usize) -> bool {
        let hash = fold(hash);
        self.live < self.quick
            && self.bytes.len() + size <= SURELY_ROOM
            && (self.bloom & bit(hash) == 0 || !self.has_hash(hash))
    }

    /// Whether any entry, even a dead one, has this hash. Without an early way out, so that several are compared at once.
    fn has_hash(&self, hash: u32) -> bool {
        debug_assert!(self.live <= FEW, "all are looked through, so they must be few");
        self.entries.iter().filter(|entry| entry.hash == hash).count() != 0
    }

    /// Removes the attribute of this key and, at the limit, the oldest. An error says that nothing is to be pushed. The
    /// attribute to come takes at most `size` bytes; `room` is what there is for all of them.
    #[cold]
    #[inline(never)]
    pub fn make_room(&mut self, key: &[u8], hash: u64, size: usize, room: usize) -> Result<Status, Status> {
        if self.sealed {
            return Err(Status::OK);
        }
        if self.limit == 0 {
            self.dropped = self.dropped.saturating_add(1);
            return Err(Status::OK);
        }
        self.remove(key, hash);
        if self.live_bytes().saturating_add(size) > room {
            return Err(Status::UNENCODABLE);
        }
        let mut status = Status::OK;
        if self.live >= self.limit {
            self.kill(self.first);
            self.dropped = self.dropped.saturating_add(1);
            status = Status::EVICTED;
        }
        if self.bytes.len() + size > Entry::END {
            self.compact();
        }
        if self.live >= FEW || self.index.is_used() {
            if self.index.is_full() {
                self.build_index();
            }
            self.index.insert(fold(hash), self.entries.len());
        }
        Ok(status)
    }

    /// Appends the attribute that `write` writes: one field under [`TAG`].
    pub fn push(&mut self, hash: u64, write: impl FnOnce(&mut Region)) {
        let entry = Entry::new(fold(hash), self.bytes.len());
        write(&mut self.bytes);
        self.bloom |= bit(entry.hash);
        self.live += 1;
        self.entries.push(entry);
    }

    /// Removes the attribute of this key, if there is one.
    pub fn remove(&mut self, key: &[u8], hash: u64) {
        if !self.sealed
            && let Some(number) = self.find(key, fold(hash))
        {
            self.kill(number);
        }
    }

    /// Counts attributes that were dropped before they came here.
    pub fn drop_more(&mut self, count: u32) {
        if !self.sealed {
            self.dropped = self.dropped.saturating_add(count);
        }
    }

    pub const fn len(&self) -> u32 {
        self.live
    }

    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Bytes without holes.
    #[inline(always)]
    pub const fn live_bytes(&self) -> usize {
        self.bytes.len() - self.dead_bytes
    }

    /// All fields, if there are no holes between them.
    #[inline(always)]
    pub const fn whole(&self) -> Option<&[u8]> {
        if self.dead_bytes == 0 {
            return Some(self.bytes.as_slice());
        }
        None
    }

    /// Appends all fields to `out`.
    pub fn write(&self, out: &mut Region) {
        if self.dead_bytes == 0 {
            out.raw(self.bytes.as_slice());
        } else {
            self.write_around_holes(out);
        }
    }

    #[cold]
    fn write_around_holes(&self, out: &mut Region) {
        let mut run = 0..0;
        for (number, entry) in self.entries.iter().enumerate().skip(self.first) {
            if entry.is_dead() {
                continue;
            }
            if entry.start() != run.end {
                out.raw(&self.bytes.as_slice()[run]);
                run = entry.start()..entry.start();
            }
            run.end = self.end_of(number);
        }
        out.raw(&self.bytes.as_slice()[run]);
    }

    /// All attributes in order.
    pub fn iter(&self) -> AttributeIter<'_> {
        AttributeIter {
            of: self,
            next: self.first,
        }
    }

    fn find(&self, key: &[u8], hash: u32) -> Option<usize> {
        if self.bloom & bit(hash) == 0 {
            return None;
        }
        let is_it = |number: usize| {
            let entry = self.entries.get(number);
            entry.is_some_and(|entry| entry.hash == hash && !entry.is_dead()) && self.key_of(number) == key
        };
        if self.index.is_used() {
            return self.index.find(hash, is_it);
        }
        (self.first..self.entries.len()).find(|&number| is_it(number))
    }

    fn end_of(&self, number: usize) -> usize {
        match self.entries.get(number + 1) {
            Some(next) => next.start(),
            None => self.bytes.len(),
        }
    }

    /// The `KeyValue` message, without tag and length.
    fn content_of(&self, number: usize) -> &[u8] {
        let field = &self.bytes.as_slice()[self.entries[number].start()..self.end_of(number)];
        after_length(&field[1..]).1
    }

    fn key_of(&self, number: usize) -> &[u8] {
        match self.content_of(number) {
            [KEY, rest @ ..] => {
                let (len, rest) = after_length(rest);
                &rest[..len]
            }
            _ => &[],
        }
    }

    /// Makes a hole of a living entry, or no hole where it is the last.
    fn kill(&mut self, number: usize) {
        debug_assert!(!self.entries[number].is_dead());
        self.live -= 1;
        if self.live == 0 {
            return self.empty();
        }
        self.dead_bytes += self.end_of(number) - self.entries[number].start();
        self.entries[number].kill();
        while let Some(last) = self.entries.last().filter(|last| last.is_dead()) {
            self.dead_bytes -= self.bytes.len() - last.start();
            self.bytes.truncate(last.start());
            self.entries.pop();
        }
        while self.entries[self.first].is_dead() {
            self.first += 1;
        }
        if self.dead_bytes > self.live_bytes() + TOLERATED_BYTES
            || self.entries.len() > 2 * self.live as usize + TOLERATED
        {
            self.compact();
        }
    }

    /// Moves the living together.
    fn compact(&mut self) {
        let (mut end, mut kept) = (0, 0);
        self.bloom = 0;
        for number in self.first..self.entries.len() {
            let entry = self.entries[number];
            if entry.is_dead() {
                continue;
            }
            let from = entry.start()..self.end_of(number);
            let len = from.len();
            if from.start != end {
                self.bytes.copy_within(from, end);
                #[cfg(test)]
                {
                    self.moved += len;
                }
            }
            self.entries[kept] = Entry::new(entry.hash, end);
            self.bloom |= bit(entry.hash);
            kept += 1;
            end += len;
        }
        self.entries.truncate(kept);
        self.bytes.truncate(end);
        self.first = 0;
        self.dead_bytes = 0;
        if self.index.is_used() {
            self.index.build(self.entries.iter().map(|entry| entry.hash));
        }
    }

    /// A new index, of the living only.
    fn build_index(&mut self) {
        self.index.clear();
        self.compact();
        self.index.build(self.entries.iter().map(|entry| entry.hash));
        self.quick = 0;
    }
}

const KEY: u8 = len_tag(key_value::KEY);

#[inline(always)]
const fn bit(hash: u32) -> u64 {
    1 << (hash & 63)
}

/// The length that `bytes` begin with, and what follows it.
fn after_length(bytes: &[u8]) -> (usize, &[u8]) {
    let (len, width) = decode_varint(bytes).expect("a field of ours begins with its length");
    (usize::try_from(len).expect("it is in memory"), &bytes[width..])
}

/// The attributes of a record, read one by one.
#[derive(Clone, Debug)]
pub struct AttributeIter<'a> {
    of: &'a Attributes,
    next: usize,
}

impl<'a> Iterator for AttributeIter<'a> {
    type Item = Result<KeyValue<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.of.entries.get(self.next)?.is_dead() {
            self.next += 1;
        }
        self.next += 1;
        Some(KeyValue::new(self.of.content_of(self.next - 1)))
    }
}

#[cfg(test)]
mod tests;
