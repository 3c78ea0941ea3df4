//! Blocks of rows written into memory that was reserved for exactly them.
//!
//! All lengths come from [`Cells`], which were read once: columns that change meanwhile change bytes, never lengths. A block that
//! would not fill its room to the byte is not written at all.

use std::ops::Range;

use spanwire_wire::varint::varint_len;

use super::cells::{BLOCK, Cells};
use super::compile::SPAN;
use super::op::{ANY_VALUE, Head, Op, STATUS_CODE, STATUS_MESSAGE, Scalar, Totals, Value, any_len, status_len};
use super::order::Order;
use super::table::ABSENT;
use super::threads;
use crate::error::EncodeError;

/// Room for the frames of a block in a request's memory.
#[derive(Debug)]
pub(crate) struct Room {
    start: *mut u8,
    len: usize,
}

// SAFETY: a room is the only way to its memory.
unsafe impl Send for Room {}

/// A request under way: memory, what is written of it in order, and what was lent as rooms. Reached through a pointer only: a reference
/// to all of it would end the loans.
pub(crate) struct Output {
    memory: Vec<u8>,
    start: *mut u8,
    /// Bytes that there is memory for.
    len: usize,
    /// Bytes written or lent.
    at: usize,
    /// Bytes lent.
    lent: usize,
}

impl Output {
    /// Memory for a request of exactly so many bytes.
    pub fn new(mut memory: Vec<u8>, len: usize) -> Result<Self, EncodeError> {
        memory.clear();
        memory.try_reserve_exact(len).map_err(|_| EncodeError::NoMemory(len))?;
        crate::ffi::prefer_huge_pages(memory.spare_capacity_mut());
        Ok(Self {
            start: memory.as_mut_ptr(),
            memory,
            len,
            at: 0,
            lent: 0,
        })
    }

    /// Writes a head.
    pub fn put(&mut self, bytes: &[u8]) {
        let to = self.advance(bytes.len());
        // SAFETY: that many bytes from there on are the request's, neither written nor lent before.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    }

    /// Lends room for frames.
    pub fn lend(&mut self, len: usize) -> Room {
        self.lent += len;
        Room {
            start: self.advance(len),
            len,
        }
    }

    /// Where the next bytes go.
    ///
    /// # Panics
    /// If there is no memory for so many.
    fn advance(&mut self, len: usize) -> *mut u8 {
        assert!(len <= self.len - self.at);
        // SAFETY: within the memory, as `at` is.
        let to = unsafe { self.start.add(self.at) };
        self.at += len;
        to
    }

    /// The request.
    ///
    /// # Safety
    /// Every room that was lent was filled.
    unsafe fn finish(mut self) -> Vec<u8> {
        // SAFETY: `at` bytes are within the capacity; heads were written, and rooms filled by the caller's promise.
        unsafe { self.memory.set_len(self.at) };
        self.memory
    }
}

/// Rows whose frames lie one behind the other, and where.
#[derive(Debug)]
pub(crate) struct Block {
    /// Positions in the order of the output; at most [`BLOCK`].
    pub positions: Range<usize>,
    pub room: Room,
}

/// Writes all blocks, by so many threads, and answers the requests, whose rooms they must fill.
pub(crate) fn fill(
    fields: &[Op<'_>],
    order: &Order,
    outputs: Vec<Output>,
    blocks: Vec<Block>,
    threads: usize,
) -> Result<Vec<Vec<u8>>, EncodeError> {
    let lent: usize = outputs.iter().map(|output| output.lent).sum();
    let filled: usize = blocks.iter().map(|block| block.room.len).sum();
    if lent != filled {
        return Err(EncodeError::Changed); // a block was not made: never, but memory would be handed out that nobody wrote
    }
    threads::each(blocks, threads, |blocks| {
        let mut cells: Vec<Cells> = fields.iter().map(|_| Cells::new()).collect();
        blocks
            .into_iter()
            .try_for_each(|block| fill_block(fields, order, block, &mut cells))
    })?;
    // SAFETY: as many bytes as were lent are in rooms, each of which was lent once, and all of which were filled.
    Ok(outputs.into_iter().map(|output| unsafe { output.finish() }).collect())
}

fn fill_block(fields: &[Op<'_>], order: &Order, block: Block, cells: &mut [Cells]) -> Result<(), EncodeError> {
    let (mut rows, mut totals) = ([0; BLOCK], Totals::new());
    let rows = order.rows(block.positions, &mut rows);
    for (field, cells) in fields.iter().zip(&mut *cells) {
        field.measure::<false>(rows, cells, &mut totals)?;
    }
    let room = block.room;
    let mut lens = [0; BLOCK];
    let mut frames = 0;
    for (j, len) in lens[..rows.len()].iter_mut().enumerate() {
        *len = u32::try_from(totals.of(j)).map_err(|_| EncodeError::Changed)?;
        frames += frame_len(*len);
    }
    if frames != room.len {
        return Err(EncodeError::Changed);
    }
    prefetch(room.start.wrapping_add(room.len), room.len);
    let mut cursors = [Cursor(room.start); BLOCK];
    let mut at = 0;
    for (cursor, &len) in cursors.iter_mut().zip(&lens[..rows.len()]) {
        // SAFETY: the frames before end at `at`, which with this one is within the room, as summed above.
        unsafe {
            *cursor = Cursor(room.start.add(at));
            cursor.byte(SPAN);
            cursor.varint(len.into());
        }
        at += frame_len(len);
    }
    for (field, cells) in fields.iter().zip(&*cells) {
        // SAFETY: each field writes what it added to the totals, from the same cells, so each row stays within its frame.
        unsafe { write_field(field, cells, rows, &mut cursors) };
    }
    debug_assert_eq!(
        cursors[..rows.len()].last().map(|cursor| cursor.0.cast_const()),
        (!rows.is_empty()).then(|| room.start.wrapping_add(room.len).cast_const())
    );
    Ok(())
}

/// Has the memory of the next block brought near while this one is written: its fields are written in passes over all rows, which no
/// processor foresees, and memory that was used before is in no cache.
#[inline(always)]
fn prefetch(start: *mut u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..len).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        // SAFETY: a hint for any address, valid or not.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line).cast_const().cast()) };
    }
    let _ = (start, len);
}

/// Bytes of a span with its tag and length.
#[inline(always)]
pub(crate) fn frame_len(content: u32) -> usize {
    1 + varint_len(content.into()) + content as usize
}

/// Runs the loop for heads of a class of lengths: those of `K` to `2 * K` bytes, or with 0 any.
macro_rules! each_head {
    ($head:ident, |$K:ident| $loop:block) => {
        match $head.short.len() {
            4..=8 => {
                const $K: usize = 4;
                $loop
            }
            9..=16 => {
                const $K: usize = 8;
                $loop
            }
            17..=32 => {
                const $K: usize = 16;
                $loop
            }
            33..=64 => {
                const $K: usize = 32;
                $loop
            }
            _ => {
                const $K: usize = 0;
                $loop
            }
        }
    };
}

/// # Safety
/// `cells` are as the field's `measure` left them, and each cursor has room for what that added for its row.
#[inline(always)]
#[expect(
    clippy::too_many_lines,
    clippy::needless_range_loop,
    reason = "a table of cases; one index for several arrays is quicker than iterators over them"
)]
unsafe fn write_field(field: &Op<'_>, cells: &Cells, rows: &[u32], cursors: &mut [Cursor; BLOCK]) {
    let n = rows.len().min(BLOCK);
    // SAFETY: each arm writes for each row exactly what `Op::measure` counts for it.
    unsafe {
        match field {
            Op::Constant(bytes) => {
                for j in 0..n {
                    cursors[j].bytes(bytes.as_ptr(), bytes.len());
                }
            }
            Op::Ids { tags, trace, span } => {
                for j in 0..n {
                    let (row, cursor) = (rows[j] as usize, &mut cursors[j]);
                    cursor.array([tags[0], 16]);
                    cursor.copy::<16>(trace.slice(row * 16, row * 16 + 16).as_ptr());
                    cursor.array([tags[1], 8]);
                    cursor.copy::<8>(span.slice(row * 8, row * 8 + 8).as_ptr());
                }
            }
            Op::Id8 { tag, .. } => {
                for j in 0..n {
                    let (id, cursor) = (cells.value[j], &mut cursors[j]);
                    if id != 0 {
                        cursor.array([*tag, 8]);
                        cursor.array(id.to_ne_bytes());
                    }
                }
            }
            Op::Fixed64 { tag, .. } => {
                for j in 0..n {
                    let (value, cursor) = (cells.value[j], &mut cursors[j]);
                    if value != 0 {
                        cursor.byte(*tag);
                        cursor.array(value.to_le_bytes());
                    }
                }
            }
            Op::Fixed32 { tag, .. } => {
                for j in 0..n {
                    let (value, cursor) = (cells.value[j], &mut cursors[j]);
                    if value != 0 {
                        cursor.varint((*tag).into());
                        let [low @ .., _, _, _, _] = value.to_le_bytes();
                        cursor.array(low);
                    }
                }
            }
            Op::Varint { tag, .. } => {
                for j in 0..n {
                    let (value, cursor) = (cells.value[j], &mut cursors[j]);
                    if value != 0 {
                        cursor.byte(*tag);
                        cursor.varint(value);
                    }
                }
            }
            Op::Text { tag, .. } => {
                for j in 0..n {
                    let (at, len, cursor) = (cells.at[j], cells.len[j], &mut cursors[j]);
                    cursor.text(*tag, at, len);
                }
            }
            Op::Made(_) | Op::Items(_) => {
                for j in 0..n {
                    let (at, len, cursor) = (cells.at[j], cells.len[j], &mut cursors[j]);
                    cursor.bytes(at, len as usize);
                }
            }
            Op::Status { tag, .. } => {
                for j in 0..n {
                    let (code, len, cursor) = (cells.value[j], cells.len[j], &mut cursors[j]);
                    cursor.byte(*tag);
                    cursor.varint(status_len(code, len) as u64);
                    cursor.text(STATUS_MESSAGE, cells.at[j], len);
                    if code != 0 {
                        cursor.byte(STATUS_CODE);
                        cursor.varint(code);
                    }
                }
            }
            Op::Attribute {
                head,
                value: Value::Bytes { scalar, .. },
            } => {
                let is_tagged = *scalar == Scalar::Tagged;
                each_head!(head, |K| {
                    for j in 0..n {
                        let (at, len, cursor) = (cells.at[j], cells.len[j], &mut cursors[j]);
                        if len == ABSENT {
                            continue;
                        }
                        cursor.head::<K>(head, any_len(*scalar, len as usize));
                        if is_tagged {
                            cursor.varint(len.into());
                        }
                        cursor.bytes(at, len as usize);
                    }
                });
            }
            Op::Attribute {
                head,
                value: Value::Int { .. },
            } => {
                each_head!(head, |K| {
                    for j in 0..n {
                        let (value, len, cursor) = (cells.value[j], cells.len[j], &mut cursors[j]);
                        if len != ABSENT {
                            cursor.head::<K>(head, 1 + len as usize);
                            cursor.varint(value);
                        }
                    }
                });
            }
            Op::Attribute {
                head,
                value: Value::Double { .. },
            } => {
                each_head!(head, |K| {
                    for j in 0..n {
                        let (value, len, cursor) = (cells.value[j], cells.len[j], &mut cursors[j]);
                        if len != ABSENT {
                            cursor.head::<K>(head, 9);
                            cursor.array(value.to_le_bytes());
                        }
                    }
                });
            }
        }
    }
}

/// Where the next byte of a row goes.
#[derive(Clone, Copy)]
struct Cursor(*mut u8);

impl Cursor {
    /// # Safety
    /// There is room for a byte.
    #[inline(always)]
    unsafe fn byte(&mut self, byte: u8) {
        // SAFETY: by the caller's promise, as in all that follow.
        unsafe {
            self.0.write(byte);
            self.0 = self.0.add(1);
        }
    }

    /// # Safety
    /// There is room for `N` bytes.
    #[inline(always)]
    unsafe fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        // SAFETY: by the caller's promise; an array of bytes has no alignment.
        unsafe {
            self.0.cast::<[u8; N]>().write_unaligned(bytes);
            self.0 = self.0.add(N);
        }
    }

    /// # Safety
    /// `from` is readable and there is room, both for `N` bytes.
    #[inline(always)]
    unsafe fn copy<const N: usize>(&mut self, from: *const u8) {
        // SAFETY: by the caller's promise.
        unsafe { self.array(from.cast::<[u8; N]>().read_unaligned()) };
    }

    /// # Safety
    /// There is room for `varint_len(value)` bytes.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // the low seven bits are what is wanted
    unsafe fn varint(&mut self, mut value: u64) {
        // SAFETY: as many bytes as the varint has.
        unsafe {
            while value >= 0x80 {
                self.byte(value as u8 | 0x80);
                value >>= 7;
            }
            self.byte(value as u8);
        }
    }

    /// Copies exactly `len` bytes; the first byte of the next row's frame may stand right behind them.
    ///
    /// # Safety
    /// `from` is readable and there is room, both for `len` bytes, which do not overlap.
    #[inline(always)]
    unsafe fn bytes(&mut self, from: *const u8, len: usize) {
        // SAFETY: each arm touches bytes 0..len only: its loads of `k` bytes begin at 0 and at len - k, with k <= len <= 2k (and with
        // two more between for up to 4k).
        unsafe {
            let to = self.0;
            if len <= 16 {
                if len >= 8 {
                    ends::<8>(from, to, len);
                } else if len >= 4 {
                    ends::<4>(from, to, len);
                } else if len > 0 {
                    to.write(from.read());
                    to.add(len / 2).write(from.add(len / 2).read());
                    to.add(len - 1).write(from.add(len - 1).read());
                }
            } else if len <= 32 {
                ends::<16>(from, to, len);
            } else if len <= 64 {
                ends::<32>(from, to, len);
            } else {
                std::ptr::copy_nonoverlapping(from, to, len);
            }
            self.0 = to.add(len);
        }
    }

    /// A string field, left out where empty.
    ///
    /// # Safety
    /// `from` is readable for `len` bytes, and there is room for them, a tag and a length.
    #[inline(always)]
    unsafe fn text(&mut self, tag: u8, from: *const u8, len: u32) {
        if len != 0 {
            // SAFETY: by the caller's promise.
            unsafe {
                self.byte(tag);
                self.varint(len.into());
                self.bytes(from, len as usize);
            }
        }
    }

    /// All of an attribute up to its value of `value` bytes, the tag of which is written if the head has one.
    ///
    /// # Safety
    /// There is room for it, and the head's short form has `K` to `2 * K` bytes, unless `K` is 0.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // below 128
    unsafe fn head<const K: usize>(&mut self, head: &Head, value: usize) {
        let message = head.message_len(value);
        // SAFETY: the short form has both lengths as one byte, which they are if the longer of them is; else all parts are written
        // as `Head::field_len` counts them. `K` says how long the short form is.
        unsafe {
            if message < 0x80 {
                let (start, len) = (self.0, head.short.len());
                if K == 0 {
                    self.bytes(head.short.as_ptr(), len);
                } else {
                    ends::<K>(head.short.as_ptr(), start, len);
                    self.0 = start.add(len);
                }
                start.add(1).write(message as u8);
                start.add(2 + head.key.len() + 1).write(value as u8);
            } else {
                self.byte(head.tag);
                self.varint(message as u64);
                self.bytes(head.key.as_ptr(), head.key.len());
                self.byte(ANY_VALUE);
                self.varint(value as u64);
                if head.value_tag != 0 {
                    self.byte(head.value_tag);
                }
            }
        }
    }
}

/// Copies the first and the last `K` bytes of `len`, which overlap or meet.
///
/// # Safety
/// `K <= len <= 2 * K`, `from` is readable and `to` writable for `len` bytes, and the two do not overlap.
#[inline(always)]
unsafe fn ends<const K: usize>(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: both ranges lie within 0..len by the caller's promise; arrays of bytes have no alignment.
    unsafe {
        let first = from.cast::<[u8; K]>().read_unaligned();
        let last = from.add(len - K).cast::<[u8; K]>().read_unaligned();
        to.cast::<[u8; K]>().write_unaligned(first);
        to.add(len - K).cast::<[u8; K]>().write_unaligned(last);
    }
}
