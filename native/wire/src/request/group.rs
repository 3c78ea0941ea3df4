//! [`Group`]: a resource with its scopes, or a scope with its items, which are laid out alike in all signals.

use core::marker::PhantomData;

use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Occurrences, Parts, Repeated, View};
use crate::protobuf::read::Message;
use crate::request::member::{Head, Member};
use crate::request::resource::Resource;
use crate::request::scope::Scope;
use crate::schema::Type;
use crate::signal::Signal;

/// A head, its members, and the schema URL of the head's attributes or of the members.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a, H, M> {
    message: Message<'a>,
    has_head: bool,
    head: H,
    schema_url: &'a str,
    member: PhantomData<fn() -> M>,
}

/// A resource and its scopes of `T`s.
pub type ResourceGroup<'a, T> = Group<'a, Resource<'a>, ScopeGroup<'a, T>>;
/// A scope and its `T`s.
pub type ScopeGroup<'a, T> = Group<'a, Scope<'a>, T>;

const _: () = assert!(Signal::RESOURCE == Signal::SCOPE && Signal::SCOPES == Signal::ITEMS);

impl<'a, H: Head<'a> + Copy, M: Member<'a>> Group<'a, H, M> {
    /// Reads a whole message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Message::new(bytes), 0)
    }

    /// The message's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.message.bytes()
    }

    /// The schema of the resource's attributes, or of the scope's items.
    #[must_use]
    pub const fn schema_url(&self) -> &'a str {
        self.schema_url
    }

    fn head(&self) -> Option<H> {
        self.has_head.then_some(self.head)
    }

    fn members(&self) -> Repeated<'a, M> {
        Parts::whole(self.message).repeated(M::WITHIN, Signal::ITEMS, 0)
    }
}

impl<'a, T: Member<'a>> Group<'a, Resource<'a>, ScopeGroup<'a, T>> {
    /// The resource, if it is given.
    #[must_use]
    pub fn resource(&self) -> Option<Resource<'a>> {
        self.head()
    }

    /// The scopes with their items.
    #[must_use]
    pub fn scopes(&self) -> Repeated<'a, ScopeGroup<'a, T>> {
        self.members()
    }
}

impl<'a, T: Member<'a>> Group<'a, Scope<'a>, T> {
    /// The instrumentation scope, if it is given.
    #[must_use]
    pub fn scope(&self) -> Option<Scope<'a>> {
        self.head()
    }

    /// The items in order.
    #[must_use]
    pub fn items(&self) -> Repeated<'a, T> {
        self.members()
    }
}

impl<'a, H: Head<'a>, M: Member<'a>> View<'a> for Group<'a, H, M> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let (mut head, mut schema_url) = (Occurrences::default(), "");
        for field in message.fields() {
            let field = field?;
            field.check(M::WITHIN)?;
            match field.number() {
                Signal::SCOPE => head.add(&field),
                Signal::SCHEMA_URL => schema_url = field.message().utf8()?,
                _ => {}
            }
        }
        Ok(Self {
            message,
            has_head: head.is_present(),
            head: H::read(head.parts(&Parts::whole(message), Signal::SCOPE))?,
            schema_url,
            member: PhantomData,
        })
    }
}

impl<'a, T: Member<'a>> Member<'a> for ScopeGroup<'a, T> {
    const SIGNAL: Signal = T::SIGNAL;
    const WITHIN: Type = T::SIGNAL.resource_group();
}

impl<'a, T: Member<'a>> Member<'a> for ResourceGroup<'a, T> {
    const SIGNAL: Signal = T::SIGNAL;
    const WITHIN: Type = T::SIGNAL.request();
}
