//! [`Resource`], the sender of a request's items, and the [`EntityRef`]s in it.

use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Parts, Repeated, View};
use crate::protobuf::read::Message;
use crate::protobuf::value::KeyValues;
use crate::request::member::Head;
use crate::schema::Type;
use crate::schema::numbers::{entity_ref, resource};

/// The entities of a resource.
pub type EntityRefs<'a> = Repeated<'a, EntityRef<'a>>;
/// Strings in order.
pub type Strings<'a> = Repeated<'a, &'a str>;

/// What sent the items of a request.
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
}

impl<'a> Head<'a> for Resource<'a> {
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
