//! [`items`]: the walk of a request down to its items.

use crate::protobuf::error::DecodeError;
use crate::protobuf::read::{Fields, Message};
use crate::schema::Type;
use crate::signal::Signal;

/// An item and the messages around it.
#[derive(Clone, Copy, Debug)]
pub struct PlacedItem<'a> {
    /// The group of its resource.
    pub resource_group: Message<'a>,
    /// The group of its scope.
    pub scope_group: Message<'a>,
    /// The item.
    pub item: Message<'a>,
}

/// The items of a request in the order of the wire. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    /// The types of the messages around an item, from the outside in.
    types: [Type; 3],
    fields: [Fields<'a>; 3],
    /// The groups that the walk is in.
    groups: [Message<'a>; 2],
    level: usize,
}

/// Fields that lead to items, from the outside in.
const PATH: [u32; 3] = [Signal::RESOURCES, Signal::SCOPES, Signal::ITEMS];

/// Walks down to the items of a request. Only the messages around them must be well-formed.
#[must_use]
pub fn items(signal: Signal, request: &[u8]) -> Items<'_> {
    Items {
        types: [signal.request(), signal.resource_group(), signal.scope_group()],
        fields: [Message::new(request).fields(), Fields::default(), Fields::default()],
        groups: [Message::default(); 2],
        level: 0,
    }
}

/// Counts the items of a request without a look into them.
pub fn count_items(signal: Signal, request: &[u8]) -> Result<usize, DecodeError> {
    items(signal, request).try_fold(0, |count, item| item.map(|_| count + 1))
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<PlacedItem<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let field = match self.fields[self.level].next() {
                None if self.level == 0 => return None,
                None => {
                    self.level -= 1;
                    continue;
                }
                Some(field) => field.and_then(|field| field.check(self.types[self.level]).map(|()| field)),
            };
            let message = match field {
                Ok(field) if field.number() == PATH[self.level] => field.message(),
                Ok(_) => continue,
                Err(error) => {
                    self.level = 0;
                    self.fields[0] = Fields::default();
                    return Some(Err(error));
                }
            };
            if let Some(group) = self.groups.get_mut(self.level) {
                *group = message;
                self.level += 1;
                self.fields[self.level] = message.fields();
            } else {
                let [resource_group, scope_group] = self.groups;
                return Some(Ok(PlacedItem {
                    resource_group,
                    scope_group,
                    item: message,
                }));
            }
        }
    }
}
