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

use super::heads::Head;
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
    /// Made when a second scope appears: scope → index.
    by_equality: Option<Bound<'py, PyDict>>,
}

/// A scope's group within its resource's.
pub type Group = (usize, usize);

/// The groups of one batch. Holds strong references until the batch is done.
pub struct Groups<'py> {
    resources: Vec<Resource<'py>>,
    /// Made when a second resource appears: resource → index.
    by_equality: Option<Bound<'py, PyDict>>,
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
            by_equality: None,
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

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    #[cold]
    fn find(&mut self, heads: &mut impl Heads<'py>, resource: &Bound<'py, PyAny>, scope: &Bound<'py, PyAny>) -> Group {
        let at = find_equal(
            heads,
            &mut self.by_equality,
            resource,
            self.resources.iter().map(|known| &known.object),
        );
        let at = at.unwrap_or_else(|| {
            let head = heads.resource(resource);
            self.resources.push(Resource {
                object: resource.clone(),
                head,
                scopes: Vec::new(),
                by_equality: None,
            });
            self.resources.len() - 1
        });
        let Resource {
            scopes, by_equality, ..
        } = &mut self.resources[at];
        let scope_at = find_equal(heads, by_equality, scope, scopes.iter().map(|(known, _)| known));
        let scope_at = scope_at.unwrap_or_else(|| {
            let group = Scope {
                head: heads.scope(scope),
                first: usize::MAX,
                last: usize::MAX,
                frames_len: 0,
            };
            scopes.push((scope.clone(), group));
            scopes.len() - 1
        });
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

/// Where an object equal to `object` stands among `known`, as a dict would say; an object that cannot be hashed or compared
/// equals only itself.
fn find_equal<'a, 'py: 'a>(
    heads: &mut impl Heads<'py>,
    by_equality: &mut Option<Bound<'py, PyDict>>,
    object: &Bound<'py, PyAny>,
    known: impl ExactSizeIterator<Item = &'a Bound<'py, PyAny>> + Clone,
) -> Option<usize> {
    if known.len() == 0 {
        return None;
    }
    if let Some(at) = known.clone().position(|known| known.is(object)) {
        return Some(at);
    }
    let (py, len) = (object.py(), known.len());
    let dict = by_equality.get_or_insert_with(|| {
        let dict = PyDict::new(py);
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
