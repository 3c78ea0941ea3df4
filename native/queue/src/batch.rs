//! [`Batch`]: frames that were taken, and the request they make, grouped by resource and scope in order of first appearance.

use std::collections::HashMap;
use std::sync::Arc;

use spanwire_wire::Signal;
use spanwire_wire::arena::Region;
use spanwire_wire::envelope::Groups;
use spanwire_wire::tag::len_tag;

use crate::group::{Attached, Group};
use crate::position::Stretch;

/// What a lane has taken, in order.
#[derive(Debug)]
pub enum Entry<'a> {
    /// A frame's group and content: an item without tag and length.
    Frame(&'a Arc<Group>, &'a [u8]),
    /// An object of [`Writer::append_object`](crate::Writer::append_object).
    Object(&'a Attached),
}

/// Frames that a lane has taken: their bytes stay where they are until it is dropped.
pub struct Batch {
    signal: Signal,
    stretches: Vec<Stretch>,
    frames: usize,
    end: u64,
}

impl Batch {
    pub(crate) fn new(signal: Signal, stretches: Vec<Stretch>, end: u64) -> Self {
        let frames = count(&stretches);
        Self {
            signal,
            stretches,
            frames,
            end,
        }
    }

    /// What its frames are items of.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// How many they are; not zero unless [`pass`](Self::pass) dropped all.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The number of the frame after the last, for [`Lane::set_done`](crate::Lane::set_done).
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Each frame's group and content: an item without tag and length.
    pub fn each(&self) -> impl Iterator<Item = (&Arc<Group>, &[u8])> {
        self.stretches.iter().flat_map(of_frames)
    }

    /// Each frame and object, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.stretches.iter().flat_map(|stretch| {
            let frames = of_frames(stretch).map(|(group, frame)| Entry::Frame(group, frame));
            frames.chain(stretch.objects.iter().map(Entry::Object))
        })
    }

    /// Asks what becomes of each frame, given its group and content: an item without tag and length.
    pub fn pass(&mut self, mut decide: impl FnMut(&Group, &[u8]) -> Verdict) {
        let mut passed = Vec::with_capacity(self.stretches.len());
        for stretch in self.stretches.drain(..) {
            if stretch.is_of_objects() {
                passed.push(stretch);
                continue;
            }
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
                    Verdict::Replace(item) => {
                        let mut message = Region::new();
                        message.bytes_field(len_tag(Signal::ITEMS).into(), &item);
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
        self.frames = count(&passed);
        self.stretches = passed;
    }

    /// How they are laid out as one export request.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        Request::new(self.signal, &self.stretches)
    }
}

fn of_frames(stretch: &Stretch) -> impl Iterator<Item = (&Arc<Group>, &[u8])> {
    let group = stretch.group().filter(|_| !stretch.is_of_objects());
    group
        .into_iter()
        .flat_map(|group| stretch.each().map(move |(_, frame)| (group, frame)))
}

/// How many frames they are.
fn count(stretches: &[Stretch]) -> usize {
    let frames = stretches.iter().filter(|stretch| !stretch.is_of_objects());
    frames.map(|stretch| stretch.frames).sum()
}

/// What becomes of a frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It stays as it is.
    Keep,
    /// It is left out.
    Drop,
    /// Another item stands in its place.
    Replace(Vec<u8>),
}

/// A request that can be written.
pub struct Request<'a> {
    signal: Signal,
    groups: Groups<(&'a [u8], &'a [u8]), &'a [u8]>,
}

/// Where groups stand: known ones by identity, others by their content.
#[derive(Default)]
struct Index<'a> {
    by_identity: HashMap<*const Group, (usize, usize)>,
    resources: HashMap<(&'a [u8], &'a [u8]), usize>,
    scopes: HashMap<(usize, &'a [u8], &'a [u8]), usize>,
}

impl<'a> Request<'a> {
    fn new(signal: Signal, stretches: &'a [Stretch]) -> Self {
        let mut request = Self {
            signal,
            groups: Groups::with_capacity(stretches.len()),
        };
        let mut index = Index::default();
        let mut last: Option<(*const Group, (usize, usize))> = None;
        for stretch in stretches {
            let Some(group) = stretch.group().filter(|_| !stretch.is_of_objects()) else {
                continue;
            };
            let at = match last {
                Some((known, at)) if std::ptr::eq(known, Arc::as_ptr(group)) => at,
                _ => request.find(&mut index, group),
            };
            last = Some((Arc::as_ptr(group), at));
            request.groups.add(at, stretch.bytes());
        }
        request
    }

    fn find(&mut self, index: &mut Index<'a>, group: &'a Group) -> (usize, usize) {
        if let Some(&at) = index.by_identity.get(&std::ptr::from_ref(group)) {
            return at;
        }
        let groups = &mut self.groups;
        let resource = *index
            .resources
            .entry((&group.resource, &group.resource_schema))
            .or_insert_with_key(|&head| groups.add_resource(head));
        let scope = *index
            .scopes
            .entry((resource, &group.scope, &group.scope_schema))
            .or_insert_with_key(|&(_, message, url)| groups.add_scope(resource, (message, url)));
        index.by_identity.insert(std::ptr::from_ref(group), (resource, scope));
        (resource, scope)
    }

    /// What it carries.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// The request's length.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.request_len()
    }

    /// Whether it has no frames: never, of a batch that was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Hands over the request's bytes, piece by piece.
    pub fn write(&self, mut put: &mut dyn FnMut(&[u8])) {
        self.groups.write_bytes(&mut put);
    }

    /// The bytes in memory of their own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.write(&mut |piece| bytes.extend_from_slice(piece));
        bytes
    }
}
