//! Stretches of the input: [`View`] is one, [`Views`] is a column of them.

use super::error::DecodeError;
use crate::ffi::prefer_huge_pages;

/// Where a string, or an encoded message, stands: in the input, or behind its end in [`Decoded::extra`](super::Decoded::extra).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct View {
    /// The offset of its first byte.
    pub start: usize,
    /// How many bytes.
    pub len: usize,
}

/// A column of views, as Arrow's views of strings would have it: starts and lengths.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Views {
    /// Offsets of the first bytes.
    pub starts: Vec<i64>,
    /// Bytes of each.
    pub lengths: Vec<i32>,
}

impl Views {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The view at `row`.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<View> {
        let start = usize::try_from(*self.starts.get(row)?).ok()?;
        let len = usize::try_from(*self.lengths.get(row)?).ok()?;
        Some(View { start, len })
    }

    #[inline(always)]
    pub(super) fn push(&mut self, view: View) -> Result<(), DecodeError> {
        let (Ok(start), Ok(len)) = (i64::try_from(view.start), i32::try_from(view.len)) else {
            return Err(DecodeError::TooLong { offset: view.start });
        };
        self.starts.push(start);
        self.lengths.push(len);
        Ok(())
    }

    /// Makes room for so many rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        reserve(&mut self.starts, rows);
        reserve(&mut self.lengths, rows);
    }

    /// Shorter, or filled up with empty ones.
    pub(super) fn resize(&mut self, rows: usize) {
        self.starts.resize(rows, 0);
        self.lengths.resize(rows, 0);
    }
}

/// Makes room for so many rows at once: growing step by step copies, and touches its pages one by one.
pub(super) fn reserve<T>(column: &mut Vec<T>, rows: usize) {
    column.reserve_exact(rows.saturating_sub(column.len()));
    prefer_huge_pages(column.spare_capacity_mut());
}
