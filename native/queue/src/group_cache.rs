//! [`GroupCache`]: groups by the encoded resource and scope that they were made of.

use std::collections::HashMap;
use std::sync::Arc;

use crate::group::Group;

/// Finds a group by the addresses of its encoded resource and scope, which it keeps, so that their addresses stay theirs.
#[derive(Debug, Default)]
pub struct GroupCache(HashMap<(usize, usize), Made>);

#[derive(Debug)]
struct Made {
    _resource: Arc<[u8]>,
    _scope: Arc<[u8]>,
    group: Arc<Group>,
}

impl GroupCache {
    /// With more, all are forgotten: the queue finds out by itself that groups are equal, only slower.
    const MOST: usize = 256;

    /// The group of that resource and scope, made if it is not known.
    pub fn find(&mut self, resource: &Arc<[u8]>, scope: &Arc<[u8]>, make: impl FnOnce() -> Arc<Group>) -> Arc<Group> {
        let key = (resource.as_ptr().addr(), scope.as_ptr().addr());
        if self.0.len() >= Self::MOST && !self.0.contains_key(&key) {
            self.0.clear();
        }
        let found = self.0.entry(key).or_insert_with(|| Made {
            _resource: Arc::clone(resource),
            _scope: Arc::clone(scope),
            group: make(),
        });
        Arc::clone(&found.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_made_once_for_each_resource_and_scope() {
        let mut cache = GroupCache::default();
        let (one, other): (Arc<[u8]>, Arc<[u8]>) = (Arc::from(*b"one"), Arc::from(*b"one"));
        let first = cache.find(&one, &other, Arc::default);
        assert!(Arc::ptr_eq(
            &first,
            &cache.find(&one, &other, || unreachable!("it is known"))
        ));
        assert!(!Arc::ptr_eq(&first, &cache.find(&other, &one, Arc::default)));
        let many: Vec<Arc<[u8]>> = (0..GroupCache::MOST).map(|_| Arc::from(*b"many")).collect();
        for resource in &many {
            cache.find(resource, &other, Arc::default);
        }
        assert!(cache.0.len() <= GroupCache::MOST);
    }
}
