//! `ExportTraceServiceRequest`: [`TraceRequest`], its resources, their scopes and the scopes' spans.
//!
//! A view has read the message's own fields; whatever is repeated is read when it is iterated. A resource or scope
//! that is split over several occurrences is seen merged.

use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Occurrences, Parts, Repeated, View};
use crate::protobuf::read::Message;
use crate::protobuf::tag::{entity_ref, export_request, resource, resource_spans, scope, scope_spans};
use crate::protobuf::value::KeyValues;
use crate::schema::Type;
use crate::trace::span::SpanView;

/// The resources of a request.
pub type ResourceGroups<'a> = Repeated<'a, ResourceSpans<'a>>;
/// The scopes of a resource.
pub type ScopeGroups<'a> = Repeated<'a, ScopeSpans<'a>>;
/// The spans of a scope.
pub type Spans<'a> = Repeated<'a, SpanView<'a>>;
/// The entities of a resource.
pub type EntityRefs<'a> = Repeated<'a, EntityRef<'a>>;
/// Strings in order.
pub type Strings<'a> = Repeated<'a, &'a str>;

/// A whole request, unread. `TracesData` is the same on the wire.
#[derive(Clone, Copy, Debug)]
pub struct TraceRequest<'a> {
    message: Message<'a>,
}

impl<'a> TraceRequest<'a> {
    /// The request in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            message: Message::new(bytes),
        }
    }

    /// The resources with their spans.
    #[must_use]
    pub fn resource_spans(&self) -> ResourceGroups<'a> {
        Parts::whole(self.message).repeated(Type::TraceRequest, export_request::RESOURCE_SPANS, 0)
    }
}

/// A resource and what it sent.
#[derive(Clone, Copy, Debug)]
pub struct ResourceSpans<'a> {
    message: Message<'a>,
    has_resource: bool,
    resource: Resource<'a>,
    schema_url: &'a str,
}

impl<'a> ResourceSpans<'a> {
    /// Reads a whole `ResourceSpans` message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Message::new(bytes), 0)
    }

    /// The message's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.message.bytes()
    }

    /// The resource, if it is given.
    #[must_use]
    pub fn resource(&self) -> Option<Resource<'a>> {
        self.has_resource.then_some(self.resource)
    }

    /// The scopes with their spans.
    #[must_use]
    pub fn scope_spans(&self) -> ScopeGroups<'a> {
        Parts::whole(self.message).repeated(Type::ResourceSpans, resource_spans::SCOPE_SPANS, 0)
    }

    /// The schema of the resource's attributes.
    #[must_use]
    pub const fn schema_url(&self) -> &'a str {
        self.schema_url
    }
}

impl<'a> View<'a> for ResourceSpans<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let (mut resource, mut schema_url) = (Occurrences::default(), "");
        for field in message.fields() {
            let field = field?;
            field.check(Type::ResourceSpans)?;
            match field.number() {
                resource_spans::RESOURCE => resource.add(&field),
                resource_spans::SCHEMA_URL => schema_url = field.message().utf8()?,
                _ => {}
            }
        }
        let has_resource = resource.is_present();
        let resource = Resource::read(resource.parts(&Parts::whole(message), resource_spans::RESOURCE))?;
        Ok(Self {
            message,
            has_resource,
            resource,
            schema_url,
        })
    }
}

/// What sent the spans.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    parts: Parts<'a>,
    dropped_attributes_count: u32,
}

impl<'a> Resource<'a> {
    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        self.parts.repeated(Type::Resource, resource::ATTRIBUTES, 0)
    }

    /// Attributes that the sender dropped.
    #[must_use]
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }

    /// Which of the attributes identify entities.
    #[must_use]
    pub fn entity_refs(&self) -> EntityRefs<'a> {
        self.parts.repeated(Type::Resource, resource::ENTITY_REFS, 0)
    }

    fn read(parts: Parts<'a>) -> Result<Self, DecodeError> {
        let mut dropped_attributes_count = 0;
        for field in parts.fields() {
            let field = field?;
            field.check(Type::Resource)?;
            if field.number() == resource::DROPPED_ATTRIBUTES_COUNT {
                dropped_attributes_count = field.value32();
            }
        }
        Ok(Self {
            parts,
            dropped_attributes_count,
        })
    }
}

/// One entity of a resource.
#[derive(Clone, Copy, Debug)]
pub struct EntityRef<'a> {
    message: Message<'a>,
    schema_url: &'a str,
    entity_type: &'a str,
}

impl<'a> EntityRef<'a> {
    /// The schema of the entity.
    #[must_use]
    pub const fn schema_url(&self) -> &'a str {
        self.schema_url
    }

    /// Its type, such as `service`.
    #[must_use]
    pub const fn entity_type(&self) -> &'a str {
        self.entity_type
    }

    /// Keys of the attributes that identify it.
    #[must_use]
    pub fn id_keys(&self) -> Strings<'a> {
        Parts::whole(self.message).repeated(Type::EntityRef, entity_ref::ID_KEYS, 0)
    }

    /// Keys of the attributes that describe it.
    #[must_use]
    pub fn description_keys(&self) -> Strings<'a> {
        Parts::whole(self.message).repeated(Type::EntityRef, entity_ref::DESCRIPTION_KEYS, 0)
    }
}

impl<'a> View<'a> for EntityRef<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let (mut schema_url, mut entity_type) = ("", "");
        for field in message.fields() {
            let field = field?;
            field.check(Type::EntityRef)?;
            match field.number() {
                entity_ref::SCHEMA_URL => schema_url = field.message().utf8()?,
                entity_ref::TYPE => entity_type = field.message().utf8()?,
                _ => {}
            }
        }
        Ok(Self {
            message,
            schema_url,
            entity_type,
        })
    }
}

impl<'a> View<'a> for &'a str {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        message.utf8()
    }
}

/// A scope and its spans.
#[derive(Clone, Copy, Debug)]
pub struct ScopeSpans<'a> {
    message: Message<'a>,
    has_scope: bool,
    scope: Scope<'a>,
    schema_url: &'a str,
}

impl<'a> ScopeSpans<'a> {
    /// Reads a whole `ScopeSpans` message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Message::new(bytes), 0)
    }

    /// The message's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.message.bytes()
    }

    /// The instrumentation scope, if it is given.
    #[must_use]
    pub fn scope(&self) -> Option<Scope<'a>> {
        self.has_scope.then_some(self.scope)
    }

    /// The spans in order.
    #[must_use]
    pub fn spans(&self) -> Spans<'a> {
        Parts::whole(self.message).repeated(Type::ScopeSpans, scope_spans::SPANS, 0)
    }

    /// The schema of the spans' attributes.
    #[must_use]
    pub const fn schema_url(&self) -> &'a str {
        self.schema_url
    }
}

impl<'a> View<'a> for ScopeSpans<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let (mut scope, mut schema_url) = (Occurrences::default(), "");
        for field in message.fields() {
            let field = field?;
            field.check(Type::ScopeSpans)?;
            match field.number() {
                scope_spans::SCOPE => scope.add(&field),
                scope_spans::SCHEMA_URL => schema_url = field.message().utf8()?,
                _ => {}
            }
        }
        let has_scope = scope.is_present();
        let scope = Scope::read(scope.parts(&Parts::whole(message), scope_spans::SCOPE))?;
        Ok(Self {
            message,
            has_scope,
            scope,
            schema_url,
        })
    }
}

/// The library or module that made the spans.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    parts: Parts<'a>,
    name: &'a str,
    version: &'a str,
    dropped_attributes_count: u32,
}

impl<'a> Scope<'a> {
    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> &'a str {
        self.version
    }

    /// The attributes in order.
    #[must_use]
    pub fn attributes(&self) -> KeyValues<'a> {
        self.parts.repeated(Type::Scope, scope::ATTRIBUTES, 0)
    }

    /// Attributes that the sender dropped.
    #[must_use]
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }

    fn read(parts: Parts<'a>) -> Result<Self, DecodeError> {
        let (mut name, mut version, mut dropped_attributes_count) = ("", "", 0);
        for field in parts.fields() {
            let field = field?;
            field.check(Type::Scope)?;
            match field.number() {
                scope::NAME => name = field.message().utf8()?,
                scope::VERSION => version = field.message().utf8()?,
                scope::DROPPED_ATTRIBUTES_COUNT => dropped_attributes_count = field.value32(),
                _ => {}
            }
        }
        Ok(Self {
            parts,
            name,
            version,
            dropped_attributes_count,
        })
    }
}
