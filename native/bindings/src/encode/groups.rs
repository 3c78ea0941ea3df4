//! Which span belongs to which `ResourceSpans` and `ScopeSpans`, and the request made of them.
//!
//! Groups are formed as the SDK's encoder forms them: by Python's equality, in order of first appearance, with the head of the
//! first member. Identity is asked first; only a second resource (or scope) in a batch makes Python compare.

use std::collections::HashMap;
use std::ops::Range;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write::{self, Header, ScopeGroup};

use super::head::Head;
use crate::ffi::sdk_span::Identities;

/// A stretch of frames of one scope group, one behind the other.
struct Run {
    start: usize,
    end: usize,
    next: Option<usize>,
}

struct Scope {
    head: Head,
    first: usize,
    last: usize,
    frames_len: usize,
}

struct Resource<'py> {
    object: Bound<'py, PyAny>,
    head: Head,
    /// Scope groups, in order of appearance, and which scope each is.
    scopes: Vec<(Bound<'py, PyAny>, Scope)>,
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
    resources: Vec<Resource<'py>>,
    index: Index<'py>,
    /// (resource, scope) by identity → their groups.
    known: HashMap<Identities, Group>,
    runs: Vec<Run>,
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
            resources: Vec::new(),
            index: Index::default(),
            known: HashMap::new(),
            runs: Vec::new(),
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
    pub fn add(&mut self, (resource, scope): Group, frame: Range<usize>) {
        let group = &mut self.resources[resource].scopes[scope].1;
        let new = self.runs.len();
        group.frames_len += frame.len();
        // An empty group has no run yet.
        if let Some(run) = self.runs.get_mut(group.last) {
            if run.end == frame.start {
                run.end = frame.end;
                return;
            }
            run.next = Some(new);
        } else {
            group.first = new;
        }
        group.last = new;
        self.runs.push(Run {
            start: frame.start,
            end: frame.end,
            next: None,
        });
    }

    /// The heads of resource and scope if all spans are of one group.
    pub fn only(&self) -> Option<(&Head, &Head)> {
        let [resource] = self.resources.as_slice() else {
            return None;
        };
        let [(_, scope)] = resource.scopes.as_slice() else {
            return None;
        };
        Some((&resource.head, &scope.head))
    }

    /// The frames that came first.
    pub fn first_run(&self) -> Option<Range<usize>> {
        self.runs.first().map(|run| run.start..run.end)
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    #[cold]
    fn find(&mut self, heads: &mut impl Heads<'py>, resource: &Bound<'py, PyAny>, scope: &Bound<'py, PyAny>) -> Group {
        let known = self.resources.iter().map(|known| &known.object);
        let at = self.index.find(heads, resource, known);
        if at == self.resources.len() {
            self.resources.push(Resource {
                object: resource.clone(),
                head: heads.resource(resource),
                scopes: Vec::new(),
                index: Index::default(),
            });
        }
        let Resource { scopes, index, .. } = &mut self.resources[at];
        let scope_at = index.find(heads, scope, scopes.iter().map(|(known, _)| known));
        if scope_at == scopes.len() {
            let group = Scope {
                head: heads.scope(scope),
                first: usize::MAX,
                last: usize::MAX,
                frames_len: 0,
            };
            scopes.push((scope.clone(), group));
        }
        (at, scope_at)
    }

    /// The request's length.
    pub fn request_len(&self) -> usize {
        self.resources
            .iter()
            .map(|resource| write::len_field_len(resource.content_len()))
            .sum()
    }

    /// Hands over the request's bytes, piece by piece; `frames` are what the runs point into.
    pub fn write(&self, frames: &[u8], put: &mut impl FnMut(&[u8])) {
        for resource in &self.resources {
            put(Header::new(len_tag(tag::export_request::RESOURCE_SPANS), resource.content_len()).as_slice());
            put(&resource.head.message);
            for (_, scope) in &resource.scopes {
                write::scope_spans_head(put, len_tag(tag::resource_spans::SCOPE_SPANS), &scope.group());
                let mut next = Some(scope.first);
                while let Some(run) = next.and_then(|at| self.runs.get(at)) {
                    put(&frames[run.start..run.end]);
                    next = run.next;
                }
                write::schema_url(put, len_tag(tag::scope_spans::SCHEMA_URL), &scope.head.schema_url);
            }
            write::schema_url(put, len_tag(tag::resource_spans::SCHEMA_URL), &resource.head.schema_url);
        }
    }
}

impl Scope {
    fn group(&self) -> ScopeGroup<'_> {
        ScopeGroup {
            head: &self.head.message,
            schema_url: &self.head.schema_url,
            frames_len: self.frames_len,
        }
    }
}

impl Resource<'_> {
    fn content_len(&self) -> usize {
        let scopes = self.scopes.iter().map(|(_, scope)| scope.group());
        write::resource_spans_len(&self.head.message, &self.head.schema_url, scopes)
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
