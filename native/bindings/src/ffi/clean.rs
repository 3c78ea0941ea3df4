//! Clean values, as the façade hands them over: scalars (subclasses by their plain content) in tuples, lists and dicts.
//!
//! No Python code runs here. What OTLP cannot hold is refused with its reason, and the caller leaves it out.

use spanwire_record::Status;
use spanwire_wire::arena::Region;
use spanwire_wire::write;

use super::int::Ints;
use super::nested::Nested;
use super::object::{Kind, Ref};
use super::state::Scratch;
use crate::encode::depth::DEPTH_IN_LIST;
use crate::encode::drops::{self, Drop};

/// By the interpreter's API: ints that are set alone are read by the façade, so these are few.
const INTS: Ints = Ints::by_api();

/// The UTF-8 of a str, in `scratch` unless it is ASCII.
pub fn utf8<'s>(value: Ref<'s>, scratch: &'s mut Vec<u8>) -> Result<&'s [u8], Drop> {
    value.text().ok_or(Drop::Type)?.utf8(scratch).map_err(|_| Drop::Text)
}

/// The number of an int.
pub fn int(value: Ref<'_>) -> Result<i64, Drop> {
    INTS.i64(value).ok_or(Drop::IntegerRange)
}

/// The truth of a bool.
pub fn truth(value: Ref<'_>) -> Result<bool, Drop> {
    value.as_bool().ok_or(Drop::Type)
}

/// The content of an `AnyValue`, for what stands in a container; `text` is scratch.
pub fn container(out: &mut Region, value: Ref<'_>, depth: u32, text: &mut Vec<u8>) -> Result<(), Drop> {
    let mut nested = Nested {
        ints: INTS,
        any_keys: true,
        text,
    };
    nested.value(out, value, depth)
}

/// The attributes of an event or link, appended to `scratch.encoded` as `KeyValue`s under `tag`. One that cannot be encoded is
/// left out alone (counted).
pub fn attributes(tag: u8, attributes: Ref<'_>, scratch: &mut Scratch) -> Status {
    let Some(entries) = attributes.entries() else {
        drops::count(Drop::Type);
        return Status::UNENCODABLE;
    };
    let mut status = Status::OK;
    for (key, value) in entries {
        let start = scratch.encoded.len();
        if let Err(reason) = attribute(tag, key, value, scratch) {
            scratch.encoded.truncate(start);
            drops::count(reason);
            status |= Status::UNENCODABLE;
        }
    }
    status
}

fn attribute(tag: u8, key: Ref<'_>, value: Ref<'_>, scratch: &mut Scratch) -> Result<(), Drop> {
    let Scratch {
        key: key_room,
        text,
        encoded: out,
    } = scratch;
    let key = key.text().ok_or(Drop::Key)?.utf8(key_room).map_err(|_| Drop::Text)?;
    match value.kind() {
        Kind::Str => write::attribute_str(out, tag, key, utf8(value, text)?),
        Kind::Int => write::attribute_int(out, tag, key, int(value)?),
        Kind::Float => write::attribute_double(out, tag, key, value.float()),
        Kind::Bool => write::attribute_bool(out, tag, key, truth(value)?),
        Kind::Bytes => write::attribute_bytes(out, tag, key, value.bytes()),
        Kind::None => write::attribute_empty(out, tag, key),
        Kind::Tuple | Kind::List | Kind::Dict => {
            let open = write::open_attribute(out, tag, key);
            container(out, value, DEPTH_IN_LIST, text)?;
            write::close_attribute(out, open);
        }
        Kind::Other => return Err(Drop::Type),
    }
    Ok(())
}
