//! Which span belongs to which `ResourceSpans` and `ScopeSpans`, and the request made of them.
//!
//! Groups are formed as the SDK's encoder forms them: by Python's equality, in order of first appearance, with the head of the
//! first member. Identity is asked first; only a second resource (or scope) in a batch makes Python compare.

use std::collections::HashMap;
use std::ops::Range;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use spanwire_wire::envelope::{self, Piece};

use super::head::Head;
use crate::ffi::sdk_span::Identities;

struct Resource<'py> {
    object: Bound<'py, PyAny>,
    /// Of its scopes, in order of appearance.
    scopes: Vec<Bound<'py, PyAny>>,
    index: Index<'py>,
}

/// Where objects stand that were met: as a dict would say, but an object that cannot be hashed or compared equals only itself.
#[derive(Default)]
struct Index<'py> {
    by_identity: HashMap<usize, usize>,
    /// Made when a second object appears.
    by_equality: Option<Bound<'py, PyDict>>,
}

/// A scope's group within its resource's.
pub type Group = (usize, usize);

/// The groups of one batch. Holds strong references until the batch is done.
pub struct Groups<'py> {
    envelope: envelope::Groups<Head, Range<usize>>,
    resources: Vec<Resource<'py>>,
    index: Index<'py>,
    /// (resource, scope) by identity → their groups.
    known: HashMap<Identities, Group>,
    /// Identities and groups of the span before.
    last: Option<(Identities, Group)>,
    /// Kept alive, so that an identity stands for one object during the batch.
    alive: Vec<Bound<'py, PyAny>>,
}

/// Makes the bytes of heads; asked once a group.
pub trait Heads<'py> {
    fn resource(&mut self, resource: &Bound<'py, PyAny>) -> Head;
    fn scope(&mut self, scope: &Bound<'py, PyAny>) -> Head;
    /// Is told what comparing raised.
    fn raised(&mut self, error: PyErr);
}

impl<'py> Groups<'py> {
    pub fn new() -> Self {
        Self {
            envelope: envelope::Groups::default(),
            resources: Vec::new(),
            index: Index::default(),
            known: HashMap::new(),
            last: None,
            alive: Vec::new(),
        }
    }

    /// Adds a frame if its resource and scope are those of the span before.
    #[inline(always)]
    pub fn add_to_last(&mut self, identities: Identities, frame: Range<usize>) -> bool {
        match self.last {
            Some((last, group)) if last == identities => {
                self.add(group, frame);
                true
            }
            _ => false,
        }
    }

    /// The group of spans with that `resource` and `scope`; `true` if it was not known by identity, so that Python code may have
    /// run.
    pub fn group_of(
        &mut self,
        heads: &mut impl Heads<'py>,
        resource: &Bound<'py, PyAny>,
        scope: &Bound<'py, PyAny>,
    ) -> (Group, bool) {
        let identities = (resource.as_ptr() as usize, scope.as_ptr() as usize);
        let known = self.known.get(&identities).copied();
        let group = known.unwrap_or_else(|| self.find(heads, resource, scope));
        if known.is_none() {
            self.alive.extend([resource.clone(), scope.clone()]);
            self.known.insert(identities, group);
        }
        self.last = Some((identities, group));
        (group, known.is_none())
    }

    /// Adds a frame to `group`.
    #[inline(always)]
    pub fn add(&mut self, group: Group, frame: Range<usize>) {
        self.envelope.add(group, frame);
    }

    /// The heads of resource and scope if all spans are of one group.
    pub fn only(&self) -> Option<(&Head, &Head)> {
        self.envelope.only()
    }

    /// Where the first stretch of frames is.
    pub fn first_run(&self) -> Option<Range<usize>> {
        self.envelope.first_run().cloned()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.envelope.is_empty()
    }

    #[cold]
    fn find(&mut self, heads: &mut impl Heads<'py>, resource: &Bound<'py, PyAny>, scope: &Bound<'py, PyAny>) -> Group {
        let known = self.resources.iter().map(|known| &known.object);
        let at = self.index.find(heads, resource, known);
        if at == self.resources.len() {
            self.envelope.add_resource(heads.resource(resource));
            self.resources.push(Resource {
                object: resource.clone(),
                scopes: Vec::new(),
                index: Index::default(),
            });
        }
        let Resource { scopes, index, .. } = &mut self.resources[at];
        let scope_at = index.find(heads, scope, scopes.iter());
        if scope_at == scopes.len() {
            self.envelope.add_scope(at, heads.scope(scope));
            scopes.push(scope.clone());
        }
        (at, scope_at)
    }

    /// The request's length.
    pub fn request_len(&self) -> usize {
        self.envelope.request_len()
    }

    /// Hands over the request's bytes, piece by piece; `frames` are what the runs point into.
    pub fn write(&self, frames: &[u8], put: &mut impl FnMut(&[u8])) {
        self.envelope.write(&mut |piece| match piece {
            Piece::Bytes(bytes) => put(bytes),
            Piece::Run(run) => put(&frames[run.clone()]),
        });
    }
}

impl envelope::Head for Head {
    fn message(&self) -> &[u8] {
        &self.message
    }

    fn schema_url(&self) -> &[u8] {
        &self.schema_url
    }
}

impl<'py> Index<'py> {
    /// Where `object` or an equal one stands among those `known`, or behind them. `object` must live as long as this.
    fn find<'a>(
        &mut self,
        heads: &mut impl Heads<'py>,
        object: &Bound<'py, PyAny>,
        known: impl ExactSizeIterator<Item = &'a Bound<'py, PyAny>>,
    ) -> usize
    where
        'py: 'a,
    {
        let identity = object.as_ptr() as usize;
        if let Some(&at) = self.by_identity.get(&identity) {
            return at;
        }
        let len = known.len();
        let equal = if len == 0 {
            None
        } else {
            self.find_equal(heads, object, known)
        };
        let at = equal.unwrap_or(len);
        self.by_identity.insert(identity, at);
        at
    }

    fn find_equal<'a>(
        &mut self,
        heads: &mut impl Heads<'py>,
        object: &Bound<'py, PyAny>,
        known: impl ExactSizeIterator<Item = &'a Bound<'py, PyAny>>,
    ) -> Option<usize>
    where
        'py: 'a,
    {
        let len = known.len();
        let dict = self.by_equality.get_or_insert_with(|| {
            let dict = PyDict::new(object.py());
            for (index, known) in known.enumerate() {
                // One that cannot be hashed is found by identity only.
                dict.set_item(known, index).unwrap_or_else(|error| heads.raised(error));
            }
            dict
        });
        match dict.get_item(object) {
            Ok(Some(at)) => return at.extract().ok(),
            Ok(None) => dict.set_item(object, len).unwrap_or_else(|error| heads.raised(error)),
            Err(error) => heads.raised(error),
        }
        None
    }
}
