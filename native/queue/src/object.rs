//! [`Objects`]: a lane's queue of objects that are no frames, beside the frames, in one order with them.
//!
//! An object holds its place among the frames: the chunk has [`OBJECT_BYTES`] there, so that its number, the bounds and the
//! counts are as for frames. The object itself waits here until the lane has passed that number. No object outlives the
//! process, and none is part of a request.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::group::{Attached, Group};

/// Bytes that a queue counts for an object.
pub const OBJECT_BYTES: usize = 1024;

/// The objects that a lane has not passed.
#[derive(Debug, Default)]
pub struct Objects {
    /// The number of each among the queue's frames; in order.
    waiting: VecDeque<(u64, Attached)>,
}

/// What is attached to the group that the places of objects are of.
struct Places;

/// The group of places: no frame is of it.
pub fn places() -> Arc<Group> {
    Arc::new(Group {
        attached: Attached(Some(Arc::new(Places))),
        ..Group::default()
    })
}

/// Whether what is of this group are places.
pub fn are_places(group: &Group) -> bool {
    group.attached.get::<Places>().is_some()
}

impl Objects {
    /// Appends the object whose place has that number.
    pub fn append(&mut self, number: u64, object: Attached) {
        self.waiting.push_back((number, object));
    }

    /// Those from number `from` to before `to`.
    pub fn take(&mut self, from: u64, to: u64) -> Vec<Attached> {
        let (first, end) = (self.before(from), self.before(to));
        self.waiting.drain(first..end).map(|(_, object)| object).collect()
    }

    /// Those before number `to`.
    pub fn pass(&mut self, to: u64) -> impl Iterator<Item = Attached> + '_ {
        let end = self.before(to);
        self.waiting.drain(..end).map(|(_, object)| object)
    }

    fn before(&self, number: u64) -> usize {
        self.waiting.partition_point(|(of, _)| *of < number)
    }
}
