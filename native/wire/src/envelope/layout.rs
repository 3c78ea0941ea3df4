//! [`Layout`]: where the items of a request stand, and what is around them.

use alloc::vec::Vec;
use core::ops::Range;

use crate::protobuf::error::DecodeError;
use crate::protobuf::read::{Field, Message};
use crate::protobuf::tag::len_tag;
use crate::protobuf::write::Header;
use crate::schema::Type;
use crate::signal::Signal;

/// Where something stands in the request.
type Place = Range<usize>;

/// The fields of a message beside those that lead to items: they go into each request that has one of the items.
#[derive(Debug, Default)]
struct Level {
    /// In front of the first field that leads to items, and behind it.
    before: Vec<Place>,
    after: Vec<Place>,
}

impl Level {
    fn add(&mut self, place: Place, is_behind: bool) {
        let places = if is_behind { &mut self.after } else { &mut self.before };
        match places.last_mut() {
            Some(last) if last.end == place.start => last.end = place.end,
            _ => places.push(place),
        }
    }

    fn len(&self) -> usize {
        self.before.iter().chain(&self.after).map(Range::len).sum()
    }
}

/// An item with its tag and length, and which resource and scope it is of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    resource: usize,
    scope: usize,
    place: Place,
}

impl Item {
    /// Its bytes in a request, with tag and length.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a tag and a length are always there
    pub fn len(&self) -> usize {
        self.place.len()
    }
}

/// A request made of some of another's items.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Part {
    /// The request.
    pub bytes: Vec<u8>,
    /// Its items.
    pub items: usize,
    /// What they [weigh](Signal::weigh).
    pub points: usize,
}

/// Where the items of a request stand.
#[derive(Debug)]
pub struct Layout<'a> {
    signal: Signal,
    request: &'a [u8],
    around: Level,
    resources: Vec<Level>,
    scopes: Vec<Level>,
    items: Vec<Item>,
}

impl<'a> Layout<'a> {
    /// Looks at the messages around the items: these must be well-formed, the items need not be.
    pub fn of(signal: Signal, request: &'a [u8]) -> Result<Self, DecodeError> {
        let mut layout = Self {
            signal,
            request,
            around: Level::default(),
            resources: Vec::new(),
            scopes: Vec::new(),
            items: Vec::new(),
        };
        let mut has_resources = false;
        for field in fields(signal.request(), Message::new(request)) {
            let (field, place) = field?;
            if field.number() == Signal::RESOURCES {
                has_resources = true;
                layout.resource(field.message())?;
            } else {
                layout.around.add(place, has_resources);
            }
        }
        Ok(layout)
    }

    fn resource(&mut self, message: Message<'_>) -> Result<(), DecodeError> {
        let mut level = Level::default();
        let (resource, mut has_scopes) = (self.resources.len(), false);
        for field in fields(self.signal.resource_group(), message) {
            let (field, place) = field?;
            if field.number() == Signal::SCOPES {
                has_scopes = true;
                self.scope(resource, field.message())?;
            } else {
                level.add(place, has_scopes);
            }
        }
        self.resources.push(level);
        Ok(())
    }

    fn scope(&mut self, resource: usize, message: Message<'_>) -> Result<(), DecodeError> {
        let mut level = Level::default();
        let (scope, mut has_items) = (self.scopes.len(), false);
        for field in fields(self.signal.scope_group(), message) {
            let (field, place) = field?;
            if field.number() == Signal::ITEMS {
                has_items = true;
                self.items.push(Item { resource, scope, place });
            } else {
                level.add(place, has_items);
            }
        }
        self.scopes.push(level);
        Ok(())
    }

    /// The items in order.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many scopes there are, with items or without.
    #[must_use]
    pub fn scopes(&self) -> usize {
        self.scopes.len()
    }

    /// An item's message.
    pub fn message(&self, item: &Item) -> Result<&'a [u8], DecodeError> {
        let field = Message::at(&self.request[item.place.clone()], item.place.start)
            .fields()
            .next();
        Ok(field.transpose()?.map_or(&[][..], |field| field.message().bytes()))
    }

    /// A request of some of the items, which stand in order, with all that is around them.
    #[must_use]
    pub fn write(&self, items: &[Item]) -> Part {
        let len = |items: &[Item]| items.iter().map(Item::len).sum::<usize>();
        let mut bytes = Vec::with_capacity(len(items) + 8 * items.len() + self.around.len());
        self.copy(&mut bytes, &self.around.before);
        for of_resource in items.chunk_by(|a, b| a.resource == b.resource) {
            let resource = &self.resources[of_resource[0].resource];
            let scopes: Vec<_> = of_resource
                .chunk_by(|a, b| a.scope == b.scope)
                .map(|of_scope| {
                    let level = &self.scopes[of_scope[0].scope];
                    let len = level.len() + len(of_scope);
                    (Header::new(len_tag(Signal::SCOPES), len), level, of_scope, len)
                })
                .collect();
            let scopes_len = scopes.iter().map(|(header, _, _, len)| header.as_slice().len() + len);
            let len = resource.len() + scopes_len.sum::<usize>();
            bytes.extend_from_slice(Header::new(len_tag(Signal::RESOURCES), len).as_slice());
            self.copy(&mut bytes, &resource.before);
            for (header, level, of_scope, _) in scopes {
                bytes.extend_from_slice(header.as_slice());
                self.copy(&mut bytes, &level.before);
                for item in of_scope {
                    bytes.extend_from_slice(&self.request[item.place.clone()]);
                }
                self.copy(&mut bytes, &level.after);
            }
            self.copy(&mut bytes, &resource.after);
        }
        self.copy(&mut bytes, &self.around.after);
        Part {
            bytes,
            items: items.len(),
            points: self.weigh(items),
        }
    }

    fn weigh(&self, items: &[Item]) -> usize {
        if self.signal != Signal::Metrics {
            return items.len();
        }
        let weight = |item| self.message(item).map_or(0, |message| self.signal.weigh(message));
        items.iter().map(weight).sum()
    }

    fn copy(&self, bytes: &mut Vec<u8>, places: &[Place]) {
        for place in places {
            bytes.extend_from_slice(&self.request[place.clone()]);
        }
    }
}

/// The fields of a message of type `of`, each with its place in the request.
fn fields(of: Type, message: Message<'_>) -> impl Iterator<Item = Result<(Field<'_>, Place), DecodeError>> {
    let mut fields = message.fields();
    core::iter::from_fn(move || {
        let start = fields.offset();
        let field = fields.next()?;
        let field = field.and_then(|field| field.check(of).map(|()| field));
        Some(field.map(|field| (field, start..fields.offset())))
    })
}
