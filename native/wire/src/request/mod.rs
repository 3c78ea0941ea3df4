//! The export request of any signal as typed views: [`Request`], its resources, their scopes and the scopes' items.
//!
//! A view has read the message's own fields; whatever is repeated is read when it is iterated. A resource or scope
//! that is split over several occurrences is seen merged.

#![expect(private_bounds, reason = "sealed: a request holds what this crate reads")]

mod group;
pub(crate) mod member;
mod resource;
mod scope;

use core::marker::PhantomData;

pub use group::{Group, ResourceGroup, ScopeGroup};
pub use resource::{EntityRef, EntityRefs, Resource, Strings};
pub use scope::Scope;

use crate::protobuf::parts::{Parts, Repeated};
use crate::protobuf::read::Message;
use crate::request::member::Member;
use crate::signal::Signal;

/// A whole request of `T`s, unread. `TracesData` and its like are the same on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a, T> {
    message: Message<'a>,
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Member<'a>> Request<'a, T> {
    /// The request in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            message: Message::new(bytes),
            item: PhantomData,
        }
    }

    /// The resources with their scopes.
    #[must_use]
    pub fn resources(&self) -> Repeated<'a, ResourceGroup<'a, T>> {
        Parts::whole(self.message).repeated(ResourceGroup::<T>::WITHIN, Signal::RESOURCES, 0)
    }
}
