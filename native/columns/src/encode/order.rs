//! Rows in the order of the output: grouped by resource and scope, groups in order of first appearance.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::cells::BLOCK;
use super::source::Ints;
use crate::error::EncodeError;

/// What stands before the spans of a resource and of a scope. Groups of one resource may share its bytes.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Heads {
    /// The `Resource` message, with its tag and length in `ResourceSpans`.
    pub resource: Arc<[u8]>,
    /// The resource's schema URL, or nothing.
    pub resource_schema: Arc<[u8]>,
    /// The `InstrumentationScope` message, with its tag and length in `ScopeSpans`.
    pub scope: Arc<[u8]>,
    /// The scope's schema URL, or nothing.
    pub scope_schema: Arc<[u8]>,
}

/// Which row stands at which position.
#[derive(Debug)]
pub(crate) enum Order {
    /// Each at its own.
    Same,
    /// These.
    Rows(Vec<u32>),
}

impl Order {
    /// The rows at the positions, [`BLOCK`] at most.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "there are less than 2^32 rows")]
    pub fn rows<'r>(&self, positions: Range<usize>, rows: &'r mut [u32; BLOCK]) -> &'r [u32] {
        let rows = &mut rows[..positions.len().min(BLOCK)];
        match self {
            Self::Same => {
                for (row, position) in rows.iter_mut().zip(positions) {
                    *row = position as u32;
                }
            }
            Self::Rows(order) => rows.copy_from_slice(&order[positions.start..][..rows.len()]),
        }
        rows
    }
}

/// Positions of one group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    /// Its heads.
    pub group: usize,
    pub positions: Range<usize>,
}

/// The order of rows, and the groups in it. Without `codes` all rows are of the first group.
pub(crate) fn order(
    groups: &[Heads],
    codes: Option<&Ints<'_>>,
    rows: usize,
) -> Result<(Order, Vec<Segment>), EncodeError> {
    let Some(codes) = codes else {
        let all = Segment {
            group: 0,
            positions: 0..rows,
        };
        return Ok((Order::Same, Vec::from_iter((rows > 0).then_some(all))));
    };
    if codes.len() != rows {
        let have = codes.len();
        return Err(EncodeError::column(
            "group",
            format!("it has {have} values, and {rows} are needed"),
        ));
    }
    let same = representatives(groups);
    let of = |row: usize| {
        let code = codes.get(row);
        let group = usize::try_from(code).ok().and_then(|code| same.get(code));
        let why = || format!("{code}, but there are {} groups", groups.len());
        group.copied().ok_or_else(|| EncodeError::value("group", row, why()))
    };
    let mut counts = vec![0_usize; groups.len()];
    let mut appeared: Vec<usize> = Vec::new();
    for row in 0..rows {
        let group = of(row)?;
        if counts[group] == 0 {
            appeared.push(group);
        }
        counts[group] += 1;
    }
    // Resources in order of first appearance, and the scopes of each so.
    let mut ranks: HashMap<(&[u8], &[u8]), usize> = HashMap::new();
    for &group in &appeared {
        let rank = ranks.len();
        ranks
            .entry((&groups[group].resource, &groups[group].resource_schema))
            .or_insert(rank);
    }
    appeared.sort_by_key(|&group| ranks[&(&*groups[group].resource, &*groups[group].resource_schema)]);
    let mut segments = Vec::with_capacity(appeared.len());
    let mut next = vec![0_usize; groups.len()];
    let mut at = 0;
    for &group in &appeared {
        next[group] = at;
        let positions = at..at + counts[group];
        at = positions.end;
        segments.push(Segment { group, positions });
    }
    if segments.len() <= 1 {
        return Ok((Order::Same, segments));
    }
    let (mut order, mut is_same) = (vec![0_u32; rows], true);
    for row in 0..rows {
        let position = &mut next[of(row)?];
        // Codes that changed since they were counted lead outside, or to a place that is taken.
        let place = order.get_mut(*position).ok_or(EncodeError::Changed)?;
        *place = u32::try_from(row).unwrap_or(u32::MAX);
        is_same &= *position == row;
        *position += 1;
    }
    Ok((if is_same { Order::Same } else { Order::Rows(order) }, segments))
}

/// For each group the first that is equal to it.
fn representatives(groups: &[Heads]) -> Vec<usize> {
    let mut first = HashMap::new();
    groups
        .iter()
        .enumerate()
        .map(|(index, heads)| *first.entry(heads).or_insert(index))
        .collect()
}
