//! [`Known`]: which groups a batch has.

use std::collections::HashSet;
use std::sync::Arc;

use crate::group::Group;

/// The groups that a batch has so far.
#[derive(Default)]
pub struct Known {
    last: Option<Arc<Group>>,
    by_identity: HashSet<*const Group>,
    by_content: HashSet<Arc<Group>>,
}

impl Known {
    /// Whether it has none like it; from now on it has.
    pub fn is_new(&mut self, group: &Arc<Group>) -> bool {
        if self.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, group)) {
            return false;
        }
        self.last = Some(Arc::clone(group));
        self.by_identity.insert(Arc::as_ptr(group)) && self.by_content.insert(Arc::clone(group))
    }
}
