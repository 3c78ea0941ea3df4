//! [`Groups`]: a request made of items that come one by one, each with its resource and scope.

use alloc::vec::Vec;

use crate::protobuf::tag::len_tag;
use crate::protobuf::write::{self, Header, ScopeGroup};
use crate::signal::Signal;

/// What stands in a group beside scopes or items.
pub trait Head {
    /// Whole fields in front of them, such as the resource.
    fn message(&self) -> &[u8];
    /// The schema URL behind them, or nothing.
    fn schema_url(&self) -> &[u8];
}

/// All other fields as they stand, the schema URL among them.
impl Head for &[u8] {
    fn message(&self) -> &[u8] {
        self
    }

    fn schema_url(&self) -> &[u8] {
        &[]
    }
}

/// Items under their resources and scopes, in order of first appearance.
#[derive(Debug)]
pub struct Groups<H, R> {
    resources: Vec<Resource<H>>,
    runs: Vec<Linked<R>>,
}

#[derive(Debug)]
struct Resource<H> {
    head: H,
    scopes: Vec<Scope<H>>,
}

#[derive(Debug)]
struct Scope<H> {
    head: H,
    /// Of its runs: the first, the last; past the end where there is none.
    first: usize,
    last: usize,
    items_len: usize,
}

/// A run, and where the next one of its scope is.
#[derive(Debug)]
struct Linked<R> {
    run: R,
    next: Option<usize>,
}

impl<H, R> Default for Groups<H, R> {
    fn default() -> Self {
        Self {
            resources: Vec::new(),
            runs: Vec::new(),
        }
    }
}

impl<H: Head, R: AsRef<[u8]>> Groups<H, R> {
    /// Adds a resource; its number.
    pub fn add_resource(&mut self, head: H) -> usize {
        self.resources.push(Resource {
            head,
            scopes: Vec::new(),
        });
        self.resources.len() - 1
    }

    /// Adds a scope to a resource; its number there.
    pub fn add_scope(&mut self, resource: usize, head: H) -> usize {
        let scopes = &mut self.resources[resource].scopes;
        scopes.push(Scope {
            head,
            first: usize::MAX,
            last: usize::MAX,
            items_len: 0,
        });
        scopes.len() - 1
    }

    /// Adds items to a scope of a resource, each with its tag and length.
    pub fn add(&mut self, (resource, scope): (usize, usize), run: R) {
        let scope = &mut self.resources[resource].scopes[scope];
        let new = self.runs.len();
        scope.items_len += run.as_ref().len();
        match self.runs.get_mut(scope.last) {
            Some(last) => last.next = Some(new),
            None => scope.first = new,
        }
        scope.last = new;
        self.runs.push(Linked { run, next: None });
    }

    /// The request's length.
    #[must_use]
    pub fn request_len(&self) -> usize {
        let lens = self.resources.iter().map(Resource::content_len);
        lens.map(write::len_field_len).sum()
    }

    /// Hands over the request's bytes, piece by piece.
    pub fn write(&self, put: &mut impl FnMut(&[u8])) {
        for resource in &self.resources {
            put(Header::new(len_tag(Signal::RESOURCES), resource.content_len()).as_slice());
            put(resource.head.message());
            for scope in &resource.scopes {
                write::scope_spans_head(put, len_tag(Signal::SCOPES), &scope.group());
                let mut next = Some(scope.first);
                while let Some(linked) = next.and_then(|at| self.runs.get(at)) {
                    put(linked.run.as_ref());
                    next = linked.next;
                }
                write::schema_url(put, len_tag(Signal::SCHEMA_URL), scope.head.schema_url());
            }
            write::schema_url(put, len_tag(Signal::SCHEMA_URL), resource.head.schema_url());
        }
    }
}

impl<H: Head> Scope<H> {
    fn group(&self) -> ScopeGroup<'_> {
        ScopeGroup {
            head: self.head.message(),
            schema_url: self.head.schema_url(),
            frames_len: self.items_len,
        }
    }
}

impl<H: Head> Resource<H> {
    fn content_len(&self) -> usize {
        let scopes = self.scopes.iter().map(Scope::group);
        write::resource_spans_len(self.head.message(), self.head.schema_url(), scopes)
    }
}
