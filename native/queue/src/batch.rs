//! [`Batch`]: frames that were taken, and the request they make, grouped by resource and scope in order of first appearance.

use std::collections::HashMap;

use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write::{self, Header, ScopeGroup};

use crate::group::Group;
use crate::position::Stretch;

/// Frames that a lane has taken: their bytes stay where they are until it is dropped.
pub struct Batch {
    stretches: Vec<Stretch>,
    spans: usize,
    end: u64,
}

impl Batch {
    pub(crate) fn new(stretches: Vec<Stretch>, end: u64) -> Self {
        let spans = stretches.iter().map(|stretch| stretch.frames).sum();
        Self { stretches, spans, end }
    }

    /// How many they are; not zero unless [`pass`](Self::pass) dropped all.
    #[must_use]
    pub fn spans(&self) -> usize {
        self.spans
    }

    /// The number of the frame after the last, for [`Lane::set_done`](crate::Lane::set_done).
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Each frame's group and content, a `Span` message without tag and length.
    pub fn frames(&self) -> impl Iterator<Item = (&std::sync::Arc<Group>, &[u8])> {
        self.stretches.iter().flat_map(|stretch| {
            let group = stretch.group();
            stretch.each().filter_map(move |(_, frame)| Some((group?, frame)))
        })
    }

    /// Asks what becomes of each frame, given its group and content, a `Span` message without tag and length.
    pub fn pass(&mut self, mut decide: impl FnMut(&Group, &[u8]) -> Verdict) {
        let mut passed = Vec::with_capacity(self.stretches.len());
        for stretch in self.stretches.drain(..) {
            let Some(group) = stretch.group().cloned() else {
                continue;
            };
            // Of frames that are kept as they are: where the first begins and the last ends, and how many they are.
            let mut kept = (0..0, 0);
            let mut rest = Vec::new();
            for (place, frame) in stretch.each() {
                match decide(&group, frame) {
                    Verdict::Keep if kept.1 > 0 && kept.0.end == place.start => {
                        kept = (kept.0.start..place.end, kept.1 + 1);
                    }
                    Verdict::Keep => {
                        rest.push((std::mem::replace(&mut kept, (place, 1)), None));
                    }
                    Verdict::Drop => {}
                    Verdict::Replace(span) => {
                        let mut message = Region::new();
                        message.bytes_field(len_tag(tag::scope_spans::SPANS).into(), &span);
                        rest.push((std::mem::take(&mut kept), None));
                        rest.push(((0..0, 1), Some(message.into_vec())));
                    }
                }
            }
            rest.push((kept, None));
            for ((place, frames), replaced) in rest {
                if frames == 0 {
                    continue;
                }
                passed.push(match (replaced, &stretch.replaced) {
                    (Some(bytes), _) => stretch.part(0..0, frames, Some(bytes)),
                    (None, Some(bytes)) => stretch.part(0..0, frames, Some(bytes[place].to_vec())),
                    (None, None) => {
                        let start = stretch.bytes.start;
                        stretch.part(start + place.start..start + place.end, frames, None)
                    }
                });
            }
        }
        self.spans = passed.iter().map(|stretch| stretch.frames).sum();
        self.stretches = passed;
    }

    /// How they are laid out as one `ExportTraceServiceRequest`.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request::new(&self.stretches)
    }
}

/// What becomes of a frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It stays as it is.
    Keep,
    /// It is left out.
    Drop,
    /// Another `Span` message stands in its place.
    Replace(Vec<u8>),
}

/// A request that can be written.
pub struct Request<'a> {
    resources: Vec<Resource<'a>>,
    stretches: Vec<Linked<'a>>,
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

/// Frames that lie one behind the other, and where the next ones of their scope are.
struct Linked<'a> {
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

impl<'a> Request<'a> {
    fn new(stretches: &'a [Stretch]) -> Self {
        let mut request = Self {
            resources: Vec::new(),
            stretches: Vec::with_capacity(stretches.len()),
        };
        let mut index = Index::default();
        let mut last: Option<(*const Group, (usize, usize))> = None;
        for stretch in stretches {
            let Some(group) = stretch.group() else { continue };
            let at = match last {
                Some((known, at)) if std::ptr::eq(known, std::sync::Arc::as_ptr(group)) => at,
                _ => request.find(&mut index, group),
            };
            last = Some((std::sync::Arc::as_ptr(group), at));
            request.add(at, stretch.bytes());
        }
        request
    }

    fn find(&mut self, index: &mut Index<'a>, group: &'a Group) -> (usize, usize) {
        if let Some(&at) = index.by_identity.get(&std::ptr::from_ref(group)) {
            return at;
        }
        let resource = *index
            .resources
            .entry((&group.resource, &group.resource_schema))
            .or_insert_with(|| {
                self.resources.push(Resource {
                    group,
                    scopes: Vec::new(),
                });
                self.resources.len() - 1
            });
        let scopes = &mut self.resources[resource].scopes;
        let scope = *index
            .scopes
            .entry((resource, &group.scope, &group.scope_schema))
            .or_insert_with(|| {
                scopes.push(Scope {
                    group,
                    first: usize::MAX,
                    last: usize::MAX,
                    frames_len: 0,
                });
                scopes.len() - 1
            });
        index.by_identity.insert(std::ptr::from_ref(group), (resource, scope));
        (resource, scope)
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
        self.stretches.push(Linked { bytes, next: None });
    }

    /// The request's length.
    #[must_use]
    pub fn len(&self) -> usize {
        let resources = self.resources.iter();
        resources
            .map(|resource| write::len_field_len(resource.content_len()))
            .sum()
    }

    /// Whether it has no spans: never, of a batch that was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
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

    /// The bytes in memory of their own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.write(&mut |piece| bytes.extend_from_slice(piece));
        bytes
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
