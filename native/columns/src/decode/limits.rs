//! How much memory absent values may take, and which keys get columns.
//!
//! A column has a slot for each row. An input of a few megabytes can hold a million spans and a thousand keys that one span
//! each has; a column for each of these keys would take gigabytes. So the slots without value of one table together take at
//! most [`SPANS`] bytes a byte of input ([`ITEMS`] for events, and for links), and there are at most [`MOST_COLUMNS`] columns.
//! Where more would be needed, the input is read again without columns for the keys that fewest rows have: their attributes
//! are ragged ones. Nobody can make it read more than [`PASSES`] times a table.

use std::collections::HashSet;

/// Columns in one table.
pub(super) const MOST_COLUMNS: usize = 1024;
/// Bytes of absent attributes of spans a byte of input.
const SPANS: usize = 4;
/// Bytes of absent attributes of events (or links) a byte of input.
const ITEMS: usize = 1;
/// What small inputs may take in any case.
const SMALL: usize = 64 * 1024;
/// Passes that exclude keys, before the last but one admits only what was seen to fit, and the last one none.
const PASSES: u32 = 4;

/// Which attributes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Table {
    Spans,
    Events,
    Links,
}

/// The limits of one table.
#[derive(Clone, Debug)]
pub(super) struct Limits<'a> {
    pub table: Table,
    padding: usize,
    passes: u32,
    admitted: Admitted<'a>,
}

#[derive(Clone, Debug)]
enum Admitted<'a> {
    AllBut(HashSet<&'a [u8]>),
    Only(HashSet<&'a [u8]>),
}

impl<'a> Limits<'a> {
    pub fn new(table: Table, input: usize) -> Self {
        let factor = if matches!(table, Table::Spans) { SPANS } else { ITEMS };
        Self {
            table,
            padding: input.saturating_mul(factor).saturating_add(SMALL),
            passes: 0,
            admitted: Admitted::AllBut(HashSet::new()),
        }
    }

    /// Whether so many bytes for absent values are too many.
    #[inline(always)]
    pub const fn exceeded(&self, padding: usize) -> bool {
        padding > self.padding
    }

    /// Whether `key` may have a column beside so many others.
    pub fn admits(&self, columns: usize, key: &[u8]) -> bool {
        columns < MOST_COLUMNS
            && match &self.admitted {
                Admitted::AllBut(keys) => !keys.contains(key),
                Admitted::Only(keys) => keys.contains(key),
            }
    }

    /// Admits fewer keys. `emptiest` are those with columns, the emptiest first, with their cost.
    pub fn tighten(&mut self, emptiest: &[(&'a [u8], usize)]) {
        self.passes += 1;
        let mut left: usize = emptiest.iter().map(|&(_, cost)| cost).sum();
        // Half of what is allowed, as the rest of the input may be emptier than what was seen of it; and one at least.
        let excluded = emptiest.iter().enumerate().take_while(|&(at, &(_, cost))| {
            let take = at == 0 || left > self.padding / 2;
            left -= cost;
            take
        });
        let excluded = excluded.count();
        let (excluded, kept) = emptiest.split_at(excluded);
        match &mut self.admitted {
            Admitted::AllBut(keys) if self.passes < PASSES - 1 => keys.extend(excluded.iter().map(|&(key, _)| key)),
            admitted if self.passes < PASSES => {
                *admitted = Admitted::Only(kept.iter().map(|&(key, _)| key).collect());
            }
            admitted => *admitted = Admitted::Only(HashSet::new()),
        }
    }
}
