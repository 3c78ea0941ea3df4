//! Which spans are of which resource and scope.

use std::collections::HashMap;

use super::views::View;

/// What spans have in common. Messages are without tag and length; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct GroupHead {
    /// The `Resource` message.
    pub resource: Option<View>,
    /// The schema of the resource.
    pub resource_schema_url: View,
    /// The `InstrumentationScope` message.
    pub scope: Option<View>,
    /// The schema of the scope.
    pub scope_schema_url: View,
}

/// The groups seen, and the rows of each.
#[derive(Debug, Default)]
pub(super) struct Groups {
    heads: Vec<GroupHead>,
    resources: HashMap<Box<[u8]>, u32>,
    /// By resource, and scope within it.
    known: HashMap<(u32, Box<[u8]>), u32>,
    /// Groups of consecutive rows, and where each run ends.
    runs: Vec<(usize, u32)>,
}

impl Groups {
    /// Head and schema as they are compared.
    pub fn key(message: Option<&[u8]>, schema_url: &[u8]) -> Box<[u8]> {
        let length = message.map_or(0, |message| message.len() as u64 + 1).to_le_bytes();
        [&length[..], message.unwrap_or_default(), schema_url].concat().into()
    }

    fn number(of: usize) -> u32 {
        u32::try_from(of).expect("an input of fewer than 16 GiB: a group takes four bytes")
    }

    pub fn resource(&mut self, key: Box<[u8]>) -> u32 {
        let new = Self::number(self.resources.len());
        *self.resources.entry(key).or_insert(new)
    }

    pub fn add(&mut self, resource: u32, scope: Box<[u8]>, head: GroupHead, end: usize) {
        let new = Self::number(self.heads.len());
        let group = *self.known.entry((resource, scope)).or_insert(new);
        if group == new {
            self.heads.push(head);
        }
        match self.runs.last_mut() {
            Some((last_end, last)) if *last == group => *last_end = end,
            _ => self.runs.push((end, group)),
        }
    }

    /// The groups, and which of them each row is of; none if all are of the first.
    pub fn finish(self, rows: usize) -> (Vec<GroupHead>, Option<Vec<u32>>) {
        if self.heads.len() < 2 {
            return (self.heads, None);
        }
        let mut group = Vec::with_capacity(rows);
        for (end, of) in self.runs {
            group.resize(end, of);
        }
        (self.heads, Some(group))
    }
}
