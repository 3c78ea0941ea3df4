//! Columns that most requests have no use for: nothing is stored until a value is not the default.

use super::error::DecodeError;
use super::views::{View, Views, reserve};

/// A column of numbers or ids.
#[derive(Debug)]
pub(super) struct Lazy<T> {
    values: Vec<T>,
    default: T,
}

impl<T: Copy + PartialEq> Lazy<T> {
    pub const fn new(default: T) -> Self {
        Self {
            values: Vec::new(),
            default,
        }
    }

    /// Sets the value of `row`, which none has been set for yet, nor for one behind it.
    #[inline(always)]
    pub fn set(&mut self, row: usize, value: T) {
        if value != self.default {
            if self.values.len() != row {
                self.fill(row);
            }
            self.values.push(value);
        }
    }

    #[cold]
    fn fill(&mut self, rows: usize) {
        self.values.resize(rows, self.default);
    }

    /// Makes room for so many rows, if it is in use.
    pub fn reserve(&mut self, rows: usize) {
        if !self.values.is_empty() {
            reserve(&mut self.values, rows);
        }
    }

    /// Forgets `row` and what is behind it.
    pub fn truncate(&mut self, row: usize) {
        self.values.truncate(row);
    }

    /// All rows; none if all are the default.
    pub fn finish(mut self, rows: usize) -> Option<Vec<T>> {
        if self.values.is_empty() {
            return None;
        }
        self.fill(rows);
        Some(self.values)
    }
}

/// A column of strings.
#[derive(Debug, Default)]
pub(super) struct LazyViews {
    views: Views,
}

impl LazyViews {
    /// Sets the value of `row`, which none has been set for yet, nor for one behind it.
    #[inline(always)]
    pub fn set(&mut self, row: usize, view: View) -> Result<(), DecodeError> {
        if view.len == 0 {
            return Ok(());
        }
        if self.views.len() != row {
            self.views.resize(row);
        }
        self.views.push(view)
    }

    /// Forgets `row` and what is behind it.
    pub fn truncate(&mut self, row: usize) {
        if self.views.len() > row {
            self.views.resize(row);
        }
    }

    /// All rows; none if all are empty.
    pub fn finish(mut self, rows: usize) -> Option<Views> {
        if self.views.is_empty() {
            return None;
        }
        self.views.resize(rows);
        Some(self.views)
    }
}

/// Where the elements of each row begin among those of all rows.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    offsets: Vec<i64>,
}

impl Offsets {
    /// Says that `row` gets one more element, behind `before` elements in all.
    #[inline(always)]
    pub fn add(&mut self, row: usize, before: usize) {
        if self.offsets.len() <= row {
            self.offsets.resize(row + 1, position(before));
        }
    }

    /// Forgets `row` and all behind it.
    pub fn truncate(&mut self, row: usize) {
        self.offsets.truncate(row + 1);
    }

    /// Offsets of all rows, one more than rows.
    pub fn finish(mut self, rows: usize, elements: usize) -> Vec<i64> {
        self.offsets.resize(rows + 1, position(elements));
        self.offsets
    }
}

/// There are fewer elements than bytes in the input.
fn position(elements: usize) -> i64 {
    i64::try_from(elements).unwrap_or(i64::MAX)
}
