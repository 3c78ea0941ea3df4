//! [`Cells`]: what one field of a block of rows holds, read once; and [`Source`], where bytes of fields come from.

use spanwire_wire::read::Message;
use spanwire_wire::validate::{Part, validate_part};

use super::source::{Ints, Piece, Texts, with_ints, within, without_zeros};
use super::table::{ABSENT, Table};
use crate::error::EncodeError;
use crate::ffi::{Plain, Shared};
use crate::text;

/// Rows that are encoded together: all that is written of them stays in the nearest cache.
pub(crate) const BLOCK: usize = 64;

/// The longest value, bytes.
const LONGEST: usize = i32::MAX as usize;

/// Values of one field for the rows of a block.
pub(crate) struct Cells {
    /// Where bytes are that are copied: valid for `len`.
    pub at: [*const u8; BLOCK],
    /// Numbers.
    pub value: [u64; BLOCK],
    /// Bytes of the value, or [`ABSENT`].
    pub len: [u32; BLOCK],
    /// What was made for this block.
    pub scratch: Scratch,
}

/// Bytes that are made for a block.
#[derive(Default)]
pub(crate) struct Scratch {
    pub bytes: Vec<u8>,
    points: Vec<u32>,
}

impl Cells {
    pub fn new() -> Self {
        Self {
            at: [std::ptr::null(); BLOCK],
            value: [0; BLOCK],
            len: [0; BLOCK],
            scratch: Scratch::default(),
        }
    }
}

/// Where the bytes of a field come from.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub name: String,
    pub mask: Option<Shared<'a, u8>>,
    pub kind: SourceKind<'a>,
}

/// What bytes must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// UTF-8.
    Text,
    /// Anything.
    Bytes,
    /// An `AnyValue` message.
    AnyValue,
}

impl Content {
    /// What is wrong with bytes that are none.
    pub fn check(self, bytes: &[u8]) -> Result<(), String> {
        match self {
            Self::Text if !text::is_utf8(bytes) => Err(text::why_not_utf8(bytes)),
            Self::Text | Self::Bytes => Ok(()),
            Self::AnyValue => validate_part(Part::AnyValue, Message::new(bytes))
                .map_err(|error| format!("no AnyValue message: {error}")),
        }
    }
}

#[derive(Debug)]
pub(crate) enum SourceKind<'a> {
    /// As they were given, to be checked.
    Texts { texts: Texts<'a>, content: Content },
    /// Bytes made before: which of them each row has.
    Table { codes: Ints<'a>, table: Table },
    /// The same for booleans.
    Two { truths: Shared<'a, u8>, table: Table },
}

impl Source<'_> {
    /// Tells `take` of each row's bytes: the row's place in the block, where they are, and how many, or [`ABSENT`]. They stay where they
    /// are as long as the columns and `scratch` do. Texts are checked if `CHECK`.
    #[inline(always)]
    pub fn each<const CHECK: bool>(
        &self,
        rows: &[u32],
        scratch: &mut Scratch,
        mut take: impl FnMut(usize, *const u8, u32),
    ) -> Result<(), EncodeError> {
        match &self.kind {
            SourceKind::Texts { texts, content } => {
                if CHECK && *content != Content::Bytes {
                    self.check(texts, *content, rows)?;
                }
                self.each_text(texts, rows, scratch, take)
            }
            SourceKind::Table { codes, table } => with_ints!(codes, codes => self.each_code(codes, table, rows, take)),
            SourceKind::Two { truths, table } => {
                let two = [table.get(0), table.get(1)];
                for (j, &row) in rows.iter().enumerate() {
                    let (at, len) = two[usize::from(truths.get(row as usize) != 0)];
                    take(j, at, if self.is_masked(row) { ABSENT } else { len });
                }
                Ok(())
            }
        }
    }

    #[inline(always)]
    fn is_masked(&self, row: u32) -> bool {
        self.mask.is_some_and(|mask| mask.get(row as usize) != 0)
    }

    #[inline(always)]
    fn each_code<T: Plain + Code>(
        &self,
        codes: &Shared<'_, T>,
        table: &Table,
        rows: &[u32],
        mut take: impl FnMut(usize, *const u8, u32),
    ) -> Result<(), EncodeError> {
        for (j, &row) in rows.iter().enumerate() {
            let code = codes.get(row as usize).code();
            if code < 0 || self.is_masked(row) {
                take(j, [].as_ptr(), ABSENT);
                continue;
            }
            let Some((at, len)) = usize::try_from(code).ok().and_then(|code| table.find(code)) else {
                let different = table.len();
                return Err(self.wrong(row, format!("code {code}, but there are {different} different values")));
            };
            take(j, at, len);
        }
        Ok(())
    }

    #[inline(always)]
    fn each_text(
        &self,
        texts: &Texts<'_>,
        rows: &[u32],
        scratch: &mut Scratch,
        mut take: impl FnMut(usize, *const u8, u32),
    ) -> Result<(), EncodeError> {
        match texts {
            Texts::Fixed { data, width } if *width < 8 => {
                self.each_fixed(data, *width, rows, take, |start| narrow_len(data, start, *width));
                Ok(())
            }
            Texts::Fixed { data, width } => {
                self.each_fixed(data, *width, rows, take, |start| {
                    match last_word(data, start, *width) {
                        // The last 8 are zeros.
                        0 => without_zeros(data.slice(start, start + *width - 8)),
                        len => len,
                    }
                });
                Ok(())
            }
            Texts::Offsets { offsets, data } => match offsets {
                Ints::I32(offsets) => self.each_range(rows, data, take, |row| between(offsets, row)),
                Ints::I64(offsets) => self.each_range(rows, data, take, |row| between(offsets, row)),
                offsets => self.each_range(rows, data, take, |row| {
                    (narrow(offsets.get(row)), narrow(offsets.get(row + 1)))
                }),
            },
            Texts::Views { starts, lengths, data } => match (starts, lengths) {
                (Ints::I64(starts), Ints::I32(lengths)) => self.each_range(rows, data, take, |row| {
                    (starts.get(row), end(starts.get(row), lengths.get(row).into()))
                }),
                (starts, lengths) => self.each_range(rows, data, take, |row| {
                    let start = narrow(starts.get(row));
                    (start, end(start, narrow(lengths.get(row))))
                }),
            },
            Texts::Ucs4 { .. } => self.transcode(texts, rows, scratch, take),
            Texts::Empty(_) => {
                for (j, &row) in rows.iter().enumerate() {
                    take(j, [].as_ptr(), if self.is_masked(row) { ABSENT } else { 0 });
                }
                Ok(())
            }
        }
    }

    #[inline(always)]
    fn each_fixed(
        &self,
        data: &Shared<'_, u8>,
        width: usize,
        rows: &[u32],
        mut take: impl FnMut(usize, *const u8, u32),
        len: impl Fn(usize) -> usize,
    ) {
        for (j, &row) in rows.iter().enumerate() {
            let start = row as usize * width;
            let len = u32::try_from(len(start)).unwrap_or(ABSENT);
            let at = data.start().wrapping_add(start);
            take(j, at, if self.is_masked(row) { ABSENT } else { len });
        }
    }

    #[inline(always)]
    fn each_range(
        &self,
        rows: &[u32],
        data: &Shared<'_, u8>,
        mut take: impl FnMut(usize, *const u8, u32),
        range: impl Fn(usize) -> (i64, i64),
    ) -> Result<(), EncodeError> {
        let bytes = data.len() as u64;
        let is_short = bytes <= LONGEST as u64;
        for (j, &row) in rows.iter().enumerate() {
            // Where nothing is, offsets may be anything.
            if self.is_masked(row) {
                take(j, [].as_ptr(), ABSENT);
                continue;
            }
            let (start, end) = range(row as usize);
            let (from, to) = (start.cast_unsigned(), end.cast_unsigned());
            if from > to || to > bytes || (!is_short && to - from > LONGEST as u64) {
                return Err(self.wrong(
                    row,
                    format!(
                        "its offsets say {start}:{end}, and there are {bytes} bytes of data (a value may have 2 GiB)"
                    ),
                ));
            }
            #[expect(clippy::cast_possible_truncation, reason = "within the data, and not over 2 GiB")]
            take(j, data.start().wrapping_add(from as usize), (to - from) as u32);
        }
        Ok(())
    }

    fn transcode(
        &self,
        texts: &Texts<'_>,
        rows: &[u32],
        scratch: &mut Scratch,
        mut take: impl FnMut(usize, *const u8, u32),
    ) -> Result<(), EncodeError> {
        let Scratch { bytes, points } = scratch;
        let mut places = [(0, ABSENT); BLOCK];
        bytes.clear();
        for (place, &row) in places.iter_mut().zip(rows) {
            if self.is_masked(row) {
                continue;
            }
            let start = bytes.len();
            if let Ok(Piece::Ucs4(text)) = texts.get(row as usize) {
                // A copy: its length was asked once, and is not asked again.
                points.clear();
                points.extend_from_slice(text);
                text::push_ucs4(points, bytes).map_err(|why| self.wrong(row, why))?;
            }
            *place = (start, u32::try_from(bytes.len() - start).unwrap_or(ABSENT));
        }
        for (j, &(start, len)) in places[..rows.len().min(BLOCK)].iter().enumerate() {
            take(j, bytes.as_ptr().wrapping_add(start), len);
        }
        Ok(())
    }

    /// Whether all values are what they must be. Texts that lie one behind the other are looked at together.
    fn check(&self, texts: &Texts<'_>, content: Content, rows: &[u32]) -> Result<(), EncodeError> {
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
            return Ok(());
        };
        let (first, last) = (first as usize, last as usize);
        let together = match texts {
            Texts::Ucs4 { .. } | Texts::Empty(_) => return Ok(()), // as they become UTF-8
            // Rows may be those of several groups, each in rising order; only a stretch is looked at together.
            _ if !is_stretch(rows) => None,
            // Where nothing is, offsets may be anything: values may lie outside of the first and the last one.
            Texts::Offsets { offsets, .. }
                if self.mask.is_some() && !(first..=last).all(|row| offsets.get(row) <= offsets.get(row + 1)) =>
            {
                None
            }
            Texts::Fixed { data, width } => Some(data.slice(first * width, (last + 1) * width)),
            Texts::Offsets { offsets, data } => within(data, offsets.get(first), offsets.get(last + 1)).ok(),
            Texts::Views { .. } => None,
        };
        if content == Content::Text
            && let Some(together) = together
        {
            let is_fine = together.is_ascii()
                || (text::is_utf8(together) && rows.iter().all(|&row| begins_character(texts, row)));
            if is_fine {
                return Ok(());
            }
        }
        for &row in rows {
            if !self.is_masked(row)
                && let Ok(Piece::Bytes(bytes)) = texts.get(row as usize)
            {
                content.check(bytes).map_err(|why| self.wrong(row, why))?;
            }
        }
        Ok(())
    }

    #[cold]
    pub fn wrong(&self, row: u32, why: String) -> EncodeError {
        EncodeError::value(&self.name, row as usize, why)
    }
}

/// Whether rows follow each other; all are looked at, which takes fewer instructions than to stop at the first that does not.
#[inline(always)]
fn is_stretch(rows: &[u32]) -> bool {
    let first = rows.first().copied().unwrap_or_default();
    (0..)
        .zip(rows)
        .fold(0, |odd, (place, &row)| odd | (row ^ first.wrapping_add(place)))
        == 0
}

#[inline(always)]
fn between<T: Plain + Code>(offsets: &Shared<'_, T>, row: usize) -> (i64, i64) {
    let (start, end) = offsets.pair(row);
    (start.code(), end.code())
}

/// Where `len` bytes from `start` on end; nowhere if it is less than 0.
#[inline(always)]
fn end(start: i64, len: i64) -> i64 {
    if len < 0 { -1 } else { start.saturating_add(len) }
}

fn narrow(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(-1)
}

/// How long the `width` bytes there, less than 8, are without the zeros at their end.
#[inline(always)]
fn narrow_len(data: &Shared<'_, u8>, start: usize, width: usize) -> usize {
    match data.word(start) {
        Some(word) => {
            let word = word << (64 - 8 * width);
            // Of a word of zeros none is left.
            width.saturating_sub(word.leading_zeros() as usize / 8)
        }
        None => without_zeros(data.slice(start, start + width)),
    }
}

/// How long the `width` bytes there, 8 or more, are without the zeros at their end; 0 if the last 8 are all zeros.
#[inline(always)]
fn last_word(data: &Shared<'_, u8>, start: usize, width: usize) -> usize {
    match data.word(start + width - 8) {
        Some(0) | None => 0,
        Some(word) => width - word.leading_zeros() as usize / 8,
    }
}

/// Whether a value does not begin in the middle of a character.
#[inline(always)]
fn begins_character(texts: &Texts<'_>, row: u32) -> bool {
    !matches!(texts.get(row as usize), Ok(Piece::Bytes([byte, ..])) if byte & 0xC0 == 0x80)
}

/// Integers as codes and offsets: what does not fit is less than 0.
pub(crate) trait Code: Copy {
    fn code(self) -> i64;
}

macro_rules! code {
    ($($narrow:ty),*) => {
        $(impl Code for $narrow {
            #[inline(always)]
            fn code(self) -> i64 {
                self.into()
            }
        })*
    };
}

code!(i8, u8, i16, u16, i32, u32, i64);

impl Code for u64 {
    #[inline(always)]
    fn code(self) -> i64 {
        i64::try_from(self).unwrap_or(-1)
    }
}
