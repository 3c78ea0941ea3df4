//! [`Group`]: what frames have in common.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The encoded resource and scope of a tracer's, logger's or meter's items.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Group {
    /// The `Resource` message, with its tag and length in its request.
    pub resource: Vec<u8>,
    /// The resource's schema URL, or nothing.
    pub resource_schema: Vec<u8>,
    /// The `InstrumentationScope` message, with its tag and length in its resource's group.
    pub scope: Vec<u8>,
    /// The scope's schema URL, or nothing.
    pub scope_schema: Vec<u8>,
    /// What its owner needs to have beside the frames.
    pub attached: Attached,
}

impl Group {
    /// Most bytes that a request needs beside this group's frames: four headers and the heads.
    pub(crate) fn overhead(&self) -> usize {
        const HEADER: usize = 11;
        4 * HEADER + self.resource.len() + self.resource_schema.len() + self.scope.len() + self.scope_schema.len()
    }
}

impl Group {
    /// Whether frames of either may be said to be of the other: they are equal, and nothing is attached.
    pub(crate) fn is_interchangeable(&self, other: &Self) -> bool {
        self.attached.0.is_none() && other.attached.0.is_none() && self == other
    }
}

/// Anything that goes with a group, dropped with it by whichever thread that is; no part of what makes groups equal.
#[derive(Clone, Default)]
pub struct Attached(pub Option<Arc<dyn Any + Send + Sync>>);

impl Attached {
    /// What is attached, if it is a `T`.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0
            .as_deref()
            .and_then(|attached| (attached as &dyn Any).downcast_ref())
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() { "Attached(..)" } else { "Attached" })
    }
}

impl PartialEq for Attached {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Attached {}

impl Hash for Attached {
    fn hash<H: Hasher>(&self, _state: &mut H) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(attached: impl Any + Send + Sync) -> Group {
        Group {
            scope: vec![1],
            attached: Attached(Some(Arc::new(attached))),
            ..Group::default()
        }
    }

    #[test]
    fn what_is_attached_is_found_by_its_type() {
        assert_eq!(with(5_u32).attached.get::<u32>(), Some(&5));
        assert_eq!(with(5_u32).attached.get::<u64>(), None);
        assert_eq!(Group::default().attached.get::<u32>(), None);
    }

    #[test]
    fn groups_are_equal_whatever_is_attached() {
        let groups = std::collections::HashSet::from([
            with("one"),
            with(2),
            Group {
                scope: vec![1],
                ..Group::default()
            },
        ]);
        assert_eq!(groups.len(), 1);
        assert_ne!(with("one"), Group::default());
    }
}
