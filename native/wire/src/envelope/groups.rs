//! [`Groups`]: a request made of items that come one by one, each with its resource and scope.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::ops::Range;

use crate::protobuf::tag::len_tag;
use crate::protobuf::write::{Header, len_field_len};
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

/// The message and the schema URL.
impl Head for (&[u8], &[u8]) {
    fn message(&self) -> &[u8] {
        self.0
    }

    fn schema_url(&self) -> &[u8] {
        self.1
    }
}

/// Items of one scope, each with its tag and length, one behind the other.
pub trait Run {
    /// Their bytes.
    fn bytes_len(&self) -> usize;

    /// Takes `next` in, if it lies right behind and the two are one run.
    #[inline(always)]
    fn join(&mut self, next: &Self) -> bool {
        let _ = next;
        false
    }
}

impl Run for &[u8] {
    #[inline(always)]
    fn bytes_len(&self) -> usize {
        self.len()
    }
}

impl Run for Vec<u8> {
    #[inline(always)]
    fn bytes_len(&self) -> usize {
        self.len()
    }
}

/// A place in memory that the writer knows.
impl Run for Range<usize> {
    #[inline(always)]
    fn bytes_len(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn join(&mut self, next: &Self) -> bool {
        let is_behind = self.end == next.start;
        if is_behind {
            self.end = next.end;
        }
        is_behind
    }
}

/// A piece of a request, in order.
#[derive(Debug)]
pub enum Piece<'a, R> {
    /// Headers, heads and schema URLs.
    Bytes(&'a [u8]),
    /// Items.
    Run(&'a R),
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

impl<H, R> Groups<H, R> {
    /// Without a group, with room for as many runs.
    #[must_use]
    pub fn with_capacity(runs: usize) -> Self {
        Self {
            resources: Vec::new(),
            runs: Vec::with_capacity(runs),
        }
    }

    /// Without a group, with room for as many resources and runs.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn try_with_capacity(resources: usize, runs: usize) -> Result<Self, TryReserveError> {
        let mut groups = Self::default();
        groups.resources.try_reserve_exact(resources)?;
        groups.runs.try_reserve_exact(runs)?;
        Ok(groups)
    }

    /// [`add_resource`](Self::add_resource) with room for as many scopes.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn try_add_resource(&mut self, head: H, scopes: usize) -> Result<usize, TryReserveError> {
        let mut room = Vec::new();
        room.try_reserve_exact(scopes)?;
        self.resources.try_reserve(1)?;
        self.resources.push(Resource { head, scopes: room });
        Ok(self.resources.len() - 1)
    }

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

    /// Whether there is no group.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// The heads of resource and scope, if all items are of one group.
    #[must_use]
    pub fn only(&self) -> Option<(&H, &H)> {
        let [resource] = self.resources.as_slice() else {
            return None;
        };
        let [scope] = resource.scopes.as_slice() else {
            return None;
        };
        Some((&resource.head, &scope.head))
    }

    /// The run that was added first.
    #[must_use]
    pub fn first_run(&self) -> Option<&R> {
        self.runs.first().map(|linked| &linked.run)
    }
}

impl<H: Head, R: Run> Groups<H, R> {
    /// Adds items to a scope of a resource.
    #[inline(always)]
    pub fn add(&mut self, (resource, scope): (usize, usize), run: R) {
        let scope = &mut self.resources[resource].scopes[scope];
        let new = self.runs.len();
        scope.items_len += run.bytes_len();
        // An empty scope has no run yet.
        if let Some(last) = self.runs.get_mut(scope.last) {
            if last.run.join(&run) {
                return;
            }
            last.next = Some(new);
        } else {
            scope.first = new;
        }
        scope.last = new;
        self.runs.push(Linked { run, next: None });
    }

    /// The request's length.
    #[must_use]
    pub fn request_len(&self) -> usize {
        let lens = self.resources.iter().map(Resource::content_len);
        lens.map(len_field_len).sum()
    }

    /// Hands over the request, piece by piece.
    #[inline]
    pub fn write(&self, put: &mut impl FnMut(Piece<'_, R>)) {
        for resource in &self.resources {
            head(put, len_tag(Signal::RESOURCES), resource.content_len(), &resource.head);
            for scope in &resource.scopes {
                head(put, len_tag(Signal::SCOPES), scope.content_len(), &scope.head);
                let mut next = Some(scope.first);
                while let Some(linked) = next.and_then(|at| self.runs.get(at)) {
                    put(Piece::Run(&linked.run));
                    next = linked.next;
                }
                schema_url(put, &scope.head);
            }
            schema_url(put, &resource.head);
        }
    }
}

impl<H: Head, R: Run + AsRef<[u8]>> Groups<H, R> {
    /// Hands over the request's bytes, where runs are bytes themselves.
    pub fn write_bytes(&self, put: &mut impl FnMut(&[u8])) {
        self.write(&mut |piece| match piece {
            Piece::Bytes(bytes) => put(bytes),
            Piece::Run(run) => put(run.as_ref()),
        });
    }
}

impl<H: Head> Scope<H> {
    fn content_len(&self) -> usize {
        head_len(&self.head) + self.items_len
    }
}

impl<H: Head> Resource<H> {
    fn content_len(&self) -> usize {
        let scopes = self.scopes.iter().map(|scope| len_field_len(scope.content_len()));
        head_len(&self.head) + scopes.sum::<usize>()
    }
}

fn head<R>(put: &mut impl FnMut(Piece<'_, R>), tag: u8, len: usize, head: &impl Head) {
    put(Piece::Bytes(Header::new(tag, len).as_slice()));
    put(Piece::Bytes(head.message()));
}

fn schema_url<R>(put: &mut impl FnMut(Piece<'_, R>), head: &impl Head) {
    let url = head.schema_url();
    if !url.is_empty() {
        put(Piece::Bytes(
            Header::new(len_tag(Signal::SCHEMA_URL), url.len()).as_slice(),
        ));
        put(Piece::Bytes(url));
    }
}

fn head_len(head: &impl Head) -> usize {
    let url = head.schema_url().len();
    head.message().len() + if url == 0 { 0 } else { len_field_len(url) }
}
