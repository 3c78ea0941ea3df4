//! [`Cells`]: what one field of a block of rows holds, read once.

use super::table::Table;
use crate::encode::source::{Ints, Piece, Texts, with_ints, without_zeros};
use crate::error::EncodeError;
use crate::ffi::{Plain, Shared};
use crate::text;

/// Rows that are encoded together: all that is written of them stays in the nearest cache.
pub(crate) const BLOCK: usize = 64;

/// The length of what is not there.
pub(crate) const ABSENT: u32 = u32::MAX;

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
    pub scratch: Vec<u8>,
    points: Vec<u32>,
}

impl Cells {
    pub fn new() -> Self {
        Self {
            at: [std::ptr::null(); BLOCK],
            value: [0; BLOCK],
            len: [0; BLOCK],
            scratch: Vec::new(),
            points: Vec::new(),
        }
    }

    /// Where nothing is, there is nothing to write.
    pub fn absent_as_empty(&mut self, rows: usize) {
        for len in &mut self.len[..rows] {
            *len = if *len == ABSENT { 0 } else { *len };
        }
    }

    /// Points cells to the scratch memory, once that moves no more; `value` says where.
    pub fn point_to_scratch(&mut self, rows: usize) {
        for j in 0..rows {
            let len = if self.len[j] == ABSENT { 0 } else { self.len[j] as usize };
            let start = usize::try_from(self.value[j]).unwrap_or(usize::MAX);
            self.at[j] = self.scratch[start..][..len].as_ptr();
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

#[derive(Debug)]
pub(crate) enum SourceKind<'a> {
    /// Text is checked, other bytes are not.
    Texts { texts: Texts<'a>, is_text: bool },
    /// Bytes made before: which of them each row has.
    Table { codes: Ints<'a>, table: Table },
    /// The same for booleans.
    Two { truths: Shared<'a, u8>, table: Table },
}

impl Source<'_> {
    /// Reads the block's values; texts are checked if `CHECK`.
    #[inline(always)]
    pub fn load<const CHECK: bool>(&self, rows: &[u32], cells: &mut Cells) -> Result<(), EncodeError> {
        match &self.kind {
            SourceKind::Texts { texts, is_text } => {
                self.load_texts(texts, rows, cells)?;
                if CHECK && *is_text {
                    self.check(texts, rows, cells)?;
                }
                Ok(())
            }
            SourceKind::Table { codes, table } => {
                with_ints!(codes, codes => self.load_codes(codes, table, rows, cells))
            }
            SourceKind::Two { truths, table } => {
                let two = [table.get(0), table.get(1)];
                for (j, &row) in rows.iter().enumerate() {
                    (cells.at[j], cells.len[j]) = two[usize::from(truths.get(row as usize) != 0)];
                }
                self.mask_out(rows, cells);
                Ok(())
            }
        }
    }

    #[inline(always)]
    fn is_masked(&self, row: u32) -> bool {
        self.mask.is_some_and(|mask| mask.get(row as usize) != 0)
    }

    #[inline(always)]
    fn mask_out(&self, rows: &[u32], cells: &mut Cells) {
        if let Some(mask) = self.mask {
            for (len, &row) in cells.len.iter_mut().zip(rows) {
                *len = if mask.get(row as usize) == 0 { *len } else { ABSENT };
            }
        }
    }

    fn load_codes<T: Plain + Code>(
        &self,
        codes: &Shared<'_, T>,
        table: &Table,
        rows: &[u32],
        cells: &mut Cells,
    ) -> Result<(), EncodeError> {
        for (j, &row) in rows.iter().enumerate() {
            cells.len[j] = ABSENT;
            if self.is_masked(row) {
                continue;
            }
            let code = codes.get(row as usize).code();
            if code < 0 {
                continue;
            }
            let index = usize::try_from(code).unwrap_or(usize::MAX);
            if index >= table.len() {
                let different = table.len();
                return Err(self.wrong(row, format!("code {code}, but there are {different} different values")));
            }
            (cells.at[j], cells.len[j]) = table.get(index);
        }
        Ok(())
    }

    fn load_texts(&self, texts: &Texts<'_>, rows: &[u32], cells: &mut Cells) -> Result<(), EncodeError> {
        match texts {
            Texts::Fixed { data, width } => {
                match *width {
                    1..8 => fixed(data, *width, rows, cells, |start| narrow_len(data, start, *width)),
                    8..=16 => fixed(data, *width, rows, cells, |start| {
                        match last_word(data, start, *width) {
                            0 => last_word(data, start, 8),
                            len => len,
                        }
                    }),
                    _ => fixed(data, *width, rows, cells, |start| {
                        match last_word(data, start, *width) {
                            0 => without_zeros(data.slice(start, start + *width - 8)),
                            len => len,
                        }
                    }),
                }
                self.mask_out(rows, cells);
                Ok(())
            }
            Texts::Offsets { offsets, data } => with_ints!(offsets, offsets => {
                self.load_ranges(rows, data, cells, |row| (offsets.get(row).code(), offsets.get(row + 1).code()))
            }),
            Texts::Views { starts, lengths, data } => with_ints!(starts, starts => with_ints!(lengths, lengths => {
                self.load_ranges(rows, data, cells, |row| {
                    let (start, len) = (starts.get(row).code(), lengths.get(row).code());
                    (start, if len < 0 { -1 } else { start.saturating_add(len) })
                })
            })),
            Texts::Ucs4 { .. } => self.transcode(texts, rows, cells),
            Texts::Empty(_) => {
                cells.at[..rows.len()].fill([].as_ptr());
                cells.len[..rows.len()].fill(0);
                self.mask_out(rows, cells);
                Ok(())
            }
        }
    }

    #[inline(always)]
    fn load_ranges(
        &self,
        rows: &[u32],
        data: &Shared<'_, u8>,
        cells: &mut Cells,
        range: impl Fn(usize) -> (i64, i64),
    ) -> Result<(), EncodeError> {
        for (j, &row) in rows.iter().enumerate() {
            // Where nothing is, offsets may be anything.
            if self.is_masked(row) {
                cells.len[j] = ABSENT;
                continue;
            }
            let (start, end) = range(row as usize);
            let (from, to) = (
                usize::try_from(start).unwrap_or(usize::MAX),
                usize::try_from(end).unwrap_or(0),
            );
            if from > to || to > data.len() || to - from > LONGEST {
                let bytes = data.len();
                return Err(self.wrong(
                    row,
                    format!(
                        "its offsets say {start}:{end}, and there are {bytes} bytes of data (a value may have 2 GiB)"
                    ),
                ));
            }
            cells.at[j] = data.slice(from, to).as_ptr();
            cells.len[j] = u32::try_from(to - from).unwrap_or(ABSENT);
        }
        Ok(())
    }

    fn transcode(&self, texts: &Texts<'_>, rows: &[u32], cells: &mut Cells) -> Result<(), EncodeError> {
        cells.scratch.clear();
        for (j, &row) in rows.iter().enumerate() {
            let start = cells.scratch.len();
            cells.value[j] = start as u64;
            cells.len[j] = ABSENT;
            if self.is_masked(row) {
                continue;
            }
            if let Ok(Piece::Ucs4(points)) = texts.get(row as usize) {
                // A copy: its length was asked once, and is not asked again.
                cells.points.clear();
                cells.points.extend_from_slice(points);
                text::push_ucs4(&cells.points, &mut cells.scratch).map_err(|why| self.wrong(row, why))?;
            }
            cells.len[j] = u32::try_from(cells.scratch.len() - start).unwrap_or(ABSENT);
        }
        cells.point_to_scratch(rows.len());
        Ok(())
    }

    /// Whether all texts are UTF-8. Values that lie one behind the other are looked at together.
    fn check(&self, texts: &Texts<'_>, rows: &[u32], cells: &Cells) -> Result<(), EncodeError> {
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
            return Ok(());
        };
        let (first, last) = (first as usize, last as usize);
        // Rows are in rising order or permuted; only a stretch is looked at together.
        if last >= first && last - first + 1 == rows.len() {
            let together = match texts {
                Texts::Ucs4 { .. } | Texts::Empty(_) => return Ok(()),
                Texts::Fixed { data, width } => Some(data.slice(first * width, (last + 1) * width)),
                Texts::Offsets { offsets, data } => {
                    let (start, end) = (offsets.get(first), offsets.get(last + 1));
                    super::source::within(data, start, end).ok()
                }
                Texts::Views { .. } => None,
            };
            if together.is_some_and(<[u8]>::is_ascii) {
                return Ok(());
            }
            if let Some(together) = together
                && text::is_utf8(together)
                && rows
                    .iter()
                    .zip(&cells.len)
                    .all(|(&row, &len)| len == ABSENT || begins_character(texts, row))
            {
                return Ok(());
            }
        }
        for (j, &row) in rows.iter().enumerate() {
            if cells.len[j] == ABSENT {
                continue;
            }
            if let Ok(Piece::Bytes(bytes)) = texts.get(row as usize)
                && !text::is_utf8(bytes)
            {
                return Err(self.wrong(row, text::why_not_utf8(bytes)));
            }
        }
        Ok(())
    }

    #[cold]
    pub fn wrong(&self, row: u32, why: String) -> EncodeError {
        EncodeError::Value {
            column: self.name.clone(),
            row: row as usize,
            why,
        }
    }
}

/// Values of so many bytes each, and how many of them `len` says are not zeros at the end.
#[inline(always)]
fn fixed(data: &Shared<'_, u8>, width: usize, rows: &[u32], cells: &mut Cells, len: impl Fn(usize) -> usize) {
    for (j, &row) in rows.iter().enumerate() {
        let start = row as usize * width;
        cells.len[j] = u32::try_from(len(start)).unwrap_or(ABSENT);
        cells.at[j] = data.start().wrapping_add(start);
    }
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
        Some(0) => 0,
        Some(word) => width - word.leading_zeros() as usize / 8,
        None => without_zeros(data.slice(start, start + width)),
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
