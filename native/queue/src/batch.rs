//! A batch: the oldest frames as one request, grouped by resource and scope in order of first appearance.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write::{self, Header, ScopeGroup};

use crate::arena::Chunk;
use crate::group::Group;

/// A request.
#[derive(Debug)]
pub struct Batch {
    /// One `ExportTraceServiceRequest`.
    pub request: Vec<u8>,
    /// How many spans it has.
    pub spans: usize,
}

/// Which frames make the next request, and in which order.
pub struct Plan<'a> {
    resources: Vec<Resource<'a>>,
    stretches: Vec<Stretch<'a>>,
    spans: usize,
}

struct Resource<'a> {
    group: &'a Group,
    scopes: Vec<Scope<'a>>,
}

struct Scope<'a> {
    group: &'a Group,
    /// Of its stretches: the first, the last.
    first: usize,
    last: usize,
    frames_len: usize,
}

/// Frames of one scope that lie one behind the other.
struct Stretch<'a> {
    bytes: &'a [u8],
    next: Option<usize>,
}

/// Where groups stand: known ones by identity, others by their content.
#[derive(Default)]
struct Index<'a> {
    by_identity: HashMap<*const Group, (usize, usize)>,
    resources: HashMap<(&'a [u8], &'a [u8]), usize>,
    scopes: HashMap<(usize, &'a [u8], &'a [u8]), usize>,
}

impl<'a> Index<'a> {
    fn find(&mut self, group: &'a Arc<Group>) -> Option<(usize, usize)> {
        let identity = Arc::as_ptr(group);
        if let Some(&at) = self.by_identity.get(&identity) {
            return Some(at);
        }
        let &resource = self.resources.get(&resource_key(group))?;
        let &scope = self.scopes.get(&scope_key(resource, group))?;
        self.by_identity.insert(identity, (resource, scope));
        Some((resource, scope))
    }
}

impl<'a> Plan<'a> {
    /// The oldest frames of `chunks`: at most `max_spans`, and as many as make at most `max_bytes`, but at least one.
    pub fn new(chunks: &'a VecDeque<Chunk>, max_spans: usize, max_bytes: usize) -> Self {
        let mut plan = Self {
            resources: Vec::new(),
            stretches: Vec::new(),
            spans: 0,
        };
        let mut index = Index::default();
        let mut bytes_left = max_bytes;
        for chunk in chunks {
            for (group, frames) in chunk.runs() {
                let at = index.find(group);
                if at.is_none() {
                    bytes_left = bytes_left.saturating_sub(group.overhead());
                }
                let start = chunk.start(frames.start);
                let most = frames.start + frames.len().min(max_spans - plan.spans);
                let mut end = fitting(chunk, frames.start..most, bytes_left);
                if end == frames.start && plan.spans == 0 && most > end {
                    end += 1;
                }
                if end > frames.start {
                    let bytes = &chunk.bytes()[start..chunk.end(end - 1)];
                    bytes_left = bytes_left.saturating_sub(bytes.len());
                    plan.spans += end - frames.start;
                    let at = at.unwrap_or_else(|| plan.insert(&mut index, group));
                    plan.add(at, bytes);
                }
                if end < frames.end {
                    return plan;
                }
            }
        }
        plan
    }

    fn insert(&mut self, index: &mut Index<'a>, group: &'a Arc<Group>) -> (usize, usize) {
        let resource = *index.resources.entry(resource_key(group)).or_insert_with(|| {
            self.resources.push(Resource {
                group,
                scopes: Vec::new(),
            });
            self.resources.len() - 1
        });
        let scopes = &mut self.resources[resource].scopes;
        let at = (resource, scopes.len());
        scopes.push(Scope {
            group,
            first: usize::MAX,
            last: usize::MAX,
            frames_len: 0,
        });
        index.scopes.insert(scope_key(resource, group), at.1);
        index.by_identity.insert(Arc::as_ptr(group), at);
        at
    }

    fn add(&mut self, (resource, scope): (usize, usize), bytes: &'a [u8]) {
        let new = self.stretches.len();
        let scope = &mut self.resources[resource].scopes[scope];
        scope.frames_len += bytes.len();
        match self.stretches.get_mut(scope.last) {
            Some(last) => last.next = Some(new),
            None => scope.first = new, // it has none yet
        }
        scope.last = new;
        self.stretches.push(Stretch { bytes, next: None });
    }

    /// How many frames there are.
    pub fn spans(&self) -> usize {
        self.spans
    }

    /// The request's length.
    pub fn request_len(&self) -> usize {
        let resources = self.resources.iter();
        resources
            .map(|resource| write::len_field_len(resource.content_len()))
            .sum()
    }

    /// Hands over the request's bytes, piece by piece.
    pub fn write(&self, mut put: &mut dyn FnMut(&[u8])) {
        for resource in &self.resources {
            put(Header::new(len_tag(tag::export_request::RESOURCE_SPANS), resource.content_len()).as_slice());
            put(&resource.group.resource);
            for scope in &resource.scopes {
                write::scope_spans_head(&mut put, len_tag(tag::resource_spans::SCOPE_SPANS), &scope.message());
                let mut next = Some(scope.first);
                while let Some(stretch) = next.and_then(|at| self.stretches.get(at)) {
                    put(stretch.bytes);
                    next = stretch.next;
                }
                write::schema_url(
                    &mut put,
                    len_tag(tag::scope_spans::SCHEMA_URL),
                    &scope.group.scope_schema,
                );
            }
            write::schema_url(
                &mut put,
                len_tag(tag::resource_spans::SCHEMA_URL),
                &resource.group.resource_schema,
            );
        }
    }
}

impl Scope<'_> {
    fn message(&self) -> ScopeGroup<'_> {
        ScopeGroup {
            head: &self.group.scope,
            schema_url: &self.group.scope_schema,
            frames_len: self.frames_len,
        }
    }
}

impl Resource<'_> {
    fn content_len(&self) -> usize {
        let scopes = self.scopes.iter().map(Scope::message);
        write::resource_spans_len(&self.group.resource, &self.group.resource_schema, scopes)
    }
}

fn resource_key(group: &Group) -> (&[u8], &[u8]) {
    (&group.resource, &group.resource_schema)
}

fn scope_key(resource: usize, group: &Group) -> (usize, &[u8], &[u8]) {
    (resource, &group.scope, &group.scope_schema)
}

/// The end of the longest stretch from `frames.start` on, within `frames`, of at most `bytes` bytes.
fn fitting(chunk: &Chunk, frames: Range<usize>, bytes: usize) -> usize {
    let start = chunk.start(frames.start);
    let (mut low, mut high) = (frames.start, frames.end);
    while low < high {
        let middle = low.midpoint(high);
        if chunk.end(middle) - start <= bytes {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
