//! [`Region`]: append-only bytes that OTLP messages are written into.
//!
//! All unsafe code of the writers is here. Every function computes the most bytes it can write, reserves them once and then
//! writes through a [`Cursor`] without further checks; debug builds (and Miri) check every write against what was reserved.
//!
//! Lengths: a message whose length is not known beforehand is written between [`Region::open`] and [`Region::close`]. `open`
//! leaves one or two bytes for the length, `close` fills them in and moves the message only where the guess was wrong, so no
//! message is walked twice.

mod cursor;
mod short;

use alloc::vec::Vec;
use core::mem::ManuallyDrop;
use core::ops::Range;
use core::ptr::NonNull;

use crate::protobuf::arena::cursor::Cursor;
pub use crate::protobuf::arena::short::{PlainSpan, SHORT_ROOM, Scalar};
use crate::protobuf::varint::{MAX_VARINT_LEN, varint_len};

/// Most bytes beside its key and value that a `KeyValue` needs: four tags and three lengths.
const KEY_VALUE_OVERHEAD: usize = 4 + 3 * MAX_VARINT_LEN;
/// Most bytes that a tag of OTLP takes: field numbers above 15 need two.
const MAX_TAG_LEN: usize = 2;

/// A message that was opened in a [`Region`] and not yet closed: where its content starts.
#[derive(Clone, Copy, Debug)]
#[must_use = "an opened message must be closed, or its length stays unset"]
pub struct Open {
    content: usize,
    width: u8,
}

/// Append-only bytes, in memory of its own or, until that is full, in memory that was lent.
///
/// Invariant: `ptr` is valid for `cap` bytes, of which the first `len` are initialised. Unless `lent`, the three are the parts of
/// a `Vec<u8>`.
#[derive(Debug)]
pub struct Region {
    ptr: NonNull<u8>,
    len: usize,
    cap: usize,
    lent: bool,
}

// SAFETY: a region owns its bytes, or was lent them for itself alone.
unsafe impl Send for Region {}
// SAFETY: a shared region is only read.
unsafe impl Sync for Region {}

impl Region {
    /// An empty region without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ptr: NonNull::dangling(),
            len: 0,
            cap: 0,
            lent: false,
        }
    }

    /// An empty region with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Vec::with_capacity(capacity).into()
    }

    /// An empty region in memory that somebody lends. What does not fit there moves to memory of the region's own.
    ///
    /// # Safety
    /// `memory` is valid for writing `capacity` bytes, and nobody else uses it, as long as the region lives.
    #[must_use]
    pub const unsafe fn within(memory: NonNull<u8>, capacity: usize) -> Self {
        Self {
            ptr: memory,
            len: 0,
            cap: capacity,
            lent: true,
        }
    }

    /// Whether all still is in the memory that was lent.
    #[must_use]
    pub const fn is_lent(&self) -> bool {
        self.lent
    }

    /// Forgets the content and keeps the memory, of which more than `keep` bytes are given back.
    pub fn clear(&mut self, keep: usize) {
        self.len = 0;
        if self.cap > keep && !self.lent {
            let mut memory = core::mem::take(self).into_vec();
            memory.shrink_to(keep);
            *self = memory.into();
        }
    }

    /// Cuts the content at `len`: what was written since is undone.
    ///
    /// Messages opened since must not be closed any more.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Appends bytes that are a message or part of one already.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        // SAFETY: the bytes were reserved.
        unsafe { self.append(bytes.len(), |c| c.bytes(bytes)) };
    }

    /// Puts `bytes` at `at`, in front of what was written from there on. Messages that are open must begin before.
    ///
    /// # Panics
    /// If `at` is beyond what was written.
    pub fn insert(&mut self, at: usize, bytes: &[u8]) {
        self.raw(bytes);
        self.as_mut_slice()[at..].rotate_right(bytes.len());
    }

    /// Copies written bytes over others, which may overlap. Messages that are open must begin before both.
    ///
    /// # Panics
    /// If either place is beyond what was written.
    pub fn copy_within(&mut self, from: Range<usize>, to: usize) {
        self.as_mut_slice().copy_within(from, to);
    }

    /// Bytes written.
    #[must_use]
    #[inline(always)]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Bytes that there is memory for.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.cap
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes written.
    #[must_use]
    #[inline(always)]
    pub const fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are initialised and borrowed with the region.
        unsafe { core::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    #[inline(always)]
    fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the first `len` bytes are initialised and borrowed with the region.
        unsafe { core::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }

    /// The bytes written, as a vector: without a copy unless they are in memory that was lent.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        if self.lent {
            return self.as_slice().to_vec();
        }
        let parts = ManuallyDrop::new(self);
        // SAFETY: not lent, so these are the parts of a vector, which is not dropped twice.
        unsafe { Vec::from_raw_parts(parts.ptr.as_ptr(), parts.len, parts.cap) }
    }

    /// Reserves `max` bytes, lets `write` write at most as many, and takes them over.
    ///
    /// # Safety
    /// `write` moves the cursor by at most `max` bytes and has written all that it passed.
    #[inline(always)]
    unsafe fn append(&mut self, max: usize, write: impl FnOnce(&mut Cursor)) {
        let mut cursor = self.reserve(max);
        write(&mut cursor);
        // SAFETY: by the caller's promise.
        unsafe { self.take_over(&cursor) };
    }

    /// A cursor at the end, behind which `max` bytes are reserved.
    #[inline(always)]
    fn reserve(&mut self, max: usize) -> Cursor {
        if self.cap - self.len < max {
            self.grow(max);
        }
        // SAFETY: `len` is within the memory.
        let start = unsafe { self.ptr.as_ptr().add(self.len) };
        Cursor {
            at: start,
            // SAFETY: `max` bytes beyond `start` were reserved above.
            #[cfg(debug_assertions)]
            end: unsafe { start.add(max) },
        }
    }

    /// Takes over what was written since the cursor was reserved.
    ///
    /// # Safety
    /// All that the cursor passed was reserved and written, and the region has not changed meanwhile.
    #[inline(always)]
    unsafe fn take_over(&mut self, cursor: &Cursor) {
        self.len = cursor.at as usize - self.ptr.as_ptr() as usize;
        debug_assert!(self.len <= self.cap);
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let mut memory = if self.lent {
            let mut memory = Vec::with_capacity(self.len + more.max(self.cap));
            memory.extend_from_slice(self.as_slice());
            memory
        } else {
            core::mem::take(self).into_vec()
        };
        memory.reserve(more);
        *self = memory.into();
    }

    /// `tag` and a varint.
    #[inline(always)]
    pub fn varint_field(&mut self, tag: u16, value: u64) {
        // SAFETY: a tag and a varint were reserved.
        unsafe {
            self.append(MAX_TAG_LEN + MAX_VARINT_LEN, |c| {
                c.varint(tag.into());
                c.varint(value);
            });
        }
    }

    /// `tag` and eight bytes, little end first.
    #[inline(always)]
    pub fn fixed64_field(&mut self, tag: u16, value: u64) {
        // SAFETY: a tag and eight bytes were reserved.
        unsafe {
            self.append(MAX_TAG_LEN + 8, |c| {
                c.varint(tag.into());
                c.array(value.to_le_bytes());
            });
        }
    }

    /// `tag` and four bytes, little end first.
    #[inline(always)]
    pub fn fixed32_field(&mut self, tag: u16, value: u32) {
        // SAFETY: a tag and four bytes were reserved.
        unsafe {
            self.append(MAX_TAG_LEN + 4, |c| {
                c.varint(tag.into());
                c.array(value.to_le_bytes());
            });
        }
    }

    /// `tag`, the length and the bytes, also if there are none.
    #[inline(always)]
    pub fn bytes_field(&mut self, tag: u16, bytes: &[u8]) {
        // SAFETY: a tag, a length and the bytes were reserved.
        unsafe {
            self.append(MAX_TAG_LEN + MAX_VARINT_LEN + bytes.len(), |c| {
                c.varint(tag.into());
                c.varint(bytes.len() as u64);
                c.bytes(bytes);
            });
        }
    }

    /// `tag`, the length 16 and a trace id, `tag`, the length 8 and a span id: how every span and link starts.
    #[inline(always)]
    pub fn ids(&mut self, trace_tag: u8, trace_id: [u8; 16], span_tag: u8, span_id: [u8; 8]) {
        // SAFETY: two tags, two one-byte lengths and both ids were reserved.
        unsafe {
            self.append(2 + 16 + 2 + 8, |c| {
                c.array([trace_tag, 16]);
                c.array(trace_id);
                c.array([span_tag, 8]);
                c.array(span_id);
            });
        }
    }

    /// `tag`, the length 8 and an id.
    #[inline(always)]
    pub fn id8(&mut self, tag: u8, id: [u8; 8]) {
        // SAFETY: a tag, a one-byte length and the id were reserved.
        unsafe {
            self.append(2 + 8, |c| {
                c.array([tag, 8]);
                c.array(id);
            });
        }
    }

    /// A span's kind (below 128) and, unless they are 0, its two times: fields that follow each other, behind one check.
    #[inline(always)]
    pub fn span_kind_and_times(&mut self, kind_tag: u8, kind: u8, start: (u8, u64), end: (u8, u64)) {
        debug_assert!(kind < 0x80);
        // SAFETY: three tags, one byte and two times were reserved.
        unsafe {
            self.append(2 + 2 * 9, |c| {
                c.array([kind_tag, kind]);
                for (tag, time) in [start, end] {
                    if time != 0 {
                        c.byte(tag);
                        c.array(time.to_le_bytes());
                    }
                }
            });
        }
    }

    /// The first `len` (at most 4) of `bytes`.
    #[inline(always)]
    pub fn short(&mut self, bytes: &[u8; 4], len: u8) {
        // SAFETY: all four bytes are reserved and written; the cursor then steps back to `len`.
        unsafe {
            self.append(4, |c| {
                c.array(*bytes);
                c.at = c.at.sub(4 - usize::from(len.min(4)));
            });
        }
    }

    /// A whole `KeyValue` message under `tag` whose value is one scalar: `value_tag`, then what `write` writes, exactly
    /// `value_len` bytes in all. An empty key is left out, as protobuf leaves out a default.
    ///
    /// # Safety
    /// `write` writes exactly `value_len` bytes.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // below 128
    unsafe fn key_value(&mut self, tag: u8, key: &[u8], value_len: usize, write: impl FnOnce(&mut Cursor)) {
        // Short ones, which most are: every length is one byte.
        if key.len() + value_len < 0x80 - 4 && !key.is_empty() {
            // No closure round it: shared by all who write attributes, it would be a function of its own.
            let mut c = self.reserve(6 + key.len() + value_len);
            // SAFETY: two tags with one-byte lengths before the key, one after it, and both parts are counted exactly.
            unsafe {
                c.array([tag, (4 + key.len() + value_len) as u8, 0x0A, key.len() as u8]);
                c.bytes(key);
                c.array([0x12, value_len as u8]);
                write(&mut c);
                self.take_over(&c);
            }
            return;
        }
        // SAFETY: as the caller says.
        unsafe { self.long_key_value(tag, key, value_len, write) };
    }

    /// # Safety
    /// `write` writes exactly `value_len` bytes.
    #[inline(never)]
    unsafe fn long_key_value(&mut self, tag: u8, key: &[u8], value_len: usize, write: impl FnOnce(&mut Cursor)) {
        let key_field = if key.is_empty() {
            0
        } else {
            1 + varint_len(key.len() as u64) + key.len()
        };
        let message = key_field + 1 + varint_len(value_len as u64) + value_len;
        // SAFETY: the overhead covers all tags and lengths, and key and value are counted exactly.
        unsafe {
            self.append(KEY_VALUE_OVERHEAD + key.len() + value_len, |c| {
                c.byte(tag);
                c.varint(message as u64);
                if !key.is_empty() {
                    c.byte(0x0A);
                    c.varint(key.len() as u64);
                    c.bytes(key);
                }
                c.byte(0x12);
                c.varint(value_len as u64);
                write(c);
            });
        }
    }

    /// A `KeyValue` under `tag` with a string (or, with another `value_tag`, bytes).
    #[inline(always)]
    pub fn key_value_bytes(&mut self, tag: u8, key: &[u8], value_tag: u8, value: &[u8]) {
        let short = u8::try_from(value.len()).ok().filter(|&len| len < 0x80);
        let width = if short.is_some() {
            1
        } else {
            varint_len(value.len() as u64)
        };
        // SAFETY: one tag, the length and the bytes: exactly the length given.
        unsafe {
            self.key_value(tag, key, 1 + width + value.len(), |c| {
                if let Some(len) = short {
                    c.array([value_tag, len]);
                } else {
                    c.byte(value_tag);
                    c.varint(value.len() as u64);
                }
                c.bytes(value);
            });
        }
    }

    /// A `KeyValue` under `tag` with a varint (an integer or a boolean).
    #[inline(always)]
    pub fn key_value_varint(&mut self, tag: u8, key: &[u8], value_tag: u8, value: u64) {
        // SAFETY: one tag and the varint: exactly the length given.
        unsafe {
            self.key_value(tag, key, 1 + varint_len(value), |c| {
                c.byte(value_tag);
                c.varint(value);
            });
        }
    }

    /// A `KeyValue` under `tag` with eight bytes (a double).
    #[inline(always)]
    pub fn key_value_fixed64(&mut self, tag: u8, key: &[u8], value_tag: u8, value: u64) {
        // SAFETY: one tag and eight bytes: exactly the length given.
        unsafe {
            self.key_value(tag, key, 9, |c| {
                c.byte(value_tag);
                c.array(value.to_le_bytes());
            });
        }
    }

    /// A `KeyValue` under `tag` with an empty `AnyValue`.
    pub fn key_value_empty(&mut self, tag: u8, key: &[u8]) {
        // SAFETY: nothing is written, as promised.
        unsafe { self.key_value(tag, key, 0, |_| {}) };
    }

    /// Starts a message under `tag` that is probably shorter than 128 bytes.
    #[inline(always)]
    pub fn open_short(&mut self, tag: impl Into<u16>) -> Open {
        self.open(tag, 1)
    }

    /// Starts a message under `tag` that is probably 128 to 16,383 bytes long.
    #[inline(always)]
    pub fn open(&mut self, tag: impl Into<u16>, width: u8) -> Open {
        debug_assert!((1..=5).contains(&width));
        // SAFETY: a tag and the length's bytes were reserved, and the latter are zeroed.
        unsafe {
            self.append(MAX_TAG_LEN + 5, |c| {
                c.varint(tag.into().into());
                // All five, which is one store, and back.
                c.array([0; 5]);
                c.at = c.at.sub(5 - usize::from(width));
            });
        }
        Open {
            content: self.len,
            width,
        }
    }

    /// Ends a message: writes its length where [`Region::open`] left room, moving the content if the guess was wrong.
    ///
    /// # Panics
    /// If the region was cut before the message's content.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // the low seven bits are what is wanted
    pub fn close(&mut self, open: Open) {
        let len = self
            .len
            .checked_sub(open.content)
            .expect("a message is closed before the region is cut under it");
        let at = open.content - usize::from(open.width);
        match open.width {
            1 if len < 0x80 => self.as_mut_slice()[at] = len as u8,
            2 if (0x80..0x4000).contains(&len) => {
                self.as_mut_slice()[at..at + 2].copy_from_slice(&[len as u8 | 0x80, (len >> 7) as u8]);
            }
            _ => self.close_moving(at, open, len),
        }
    }

    #[cold]
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)] // the low seven bits are what is wanted
    fn close_moving(&mut self, at: usize, open: Open, len: usize) {
        let (had, need) = (usize::from(open.width), varint_len(len as u64));
        if need > had {
            self.raw(&[0; 10][..need - had]);
        }
        self.as_mut_slice()
            .copy_within(open.content..open.content + len, at + need);
        self.truncate(at + need + len);
        let mut rest = len;
        for i in 0..need {
            let more = if i + 1 < need { 0x80 } else { 0 };
            self.as_mut_slice()[at + i] = (rest as u8 & 0x7F) | more;
            rest >>= 7;
        }
    }
}

impl AsRef<[u8]> for Region {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Default for Region {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if !self.lent && self.cap > 0 {
            // SAFETY: not lent, so these are the parts of a vector, which nobody else drops.
            drop(unsafe { Vec::from_raw_parts(self.ptr.as_ptr(), self.len, self.cap) });
        }
    }
}

/// Takes over the vector's content and memory.
impl From<Vec<u8>> for Region {
    fn from(memory: Vec<u8>) -> Self {
        let mut memory = ManuallyDrop::new(memory);
        let ptr = NonNull::new(memory.as_mut_ptr()).unwrap_or(NonNull::dangling());
        Self {
            ptr,
            len: memory.len(),
            cap: memory.capacity(),
            lent: false,
        }
    }
}

#[cfg(test)]
mod tests;
