//! [`Scope`]: the instrumentation scope of a request's items.

use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::Parts;
use crate::protobuf::value::KeyValues;
use crate::request::member::Head;
use crate::schema::Type;
use crate::schema::numbers::scope;

/// The library or module that made the items.
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
}

impl<'a> Head<'a> for Scope<'a> {
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
