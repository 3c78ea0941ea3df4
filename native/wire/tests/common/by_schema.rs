//! A request as text, read by `MessageView`, which knows no message by itself.

use std::collections::BTreeSet;

use spanwire_wire::schema::{Field, Kind, Label, Members, MessageView, Type};
use spanwire_wire::{DecodeError, Signal};

use super::text;

/// Fields that were there, by type and name.
pub type Seen = BTreeSet<(&'static str, &'static str)>;

/// What the typed views offer of a request, which must be valid.
pub fn request(signal: Signal, bytes: &[u8], seen: &mut Seen) -> Result<String, DecodeError> {
    message(MessageView::request(signal, bytes), seen)
}

/// Fields that no view has: of profiles all but the envelope's.
pub fn is_viewed(of: Type, field: &Field) -> bool {
    match of {
        Type::ProfilesRequest => field.name != "DICTIONARY",
        Type::Profile => matches!(
            field.name,
            "SAMPLES" | "TIME_UNIX_NANO" | "DURATION_NANO" | "PROFILE_ID" | "DROPPED_ATTRIBUTES_COUNT"
        ),
        _ => true,
    }
}

fn message(view: MessageView<'_>, seen: &mut Seen) -> Result<String, DecodeError> {
    let (of, members) = (view.of(), view.members()?);
    let mut shown = Vec::new();
    for field in of.fields().iter().filter(|field| is_viewed(of, field)) {
        if members.has(field) {
            seen.insert((of.name(), field.name));
        }
        shown.push((field.name, member(of, &members, field, seen)?));
    }
    Ok(text::message(shown))
}

fn member(of: Type, members: &Members<'_>, field: &Field, seen: &mut Seen) -> Result<Option<String>, DecodeError> {
    Ok(Some(match (field.label, field.kind) {
        (Label::Many, Kind::Message(Type::Sample)) if of == Type::Profile => {
            text::number(members.messages(field, Type::Sample).count())
        }
        (Label::Many, Kind::Message(inner)) => {
            text::list(members.messages(field, inner).map(|view| message(view?, seen)))?
        }
        (Label::Many, Kind::Utf8) => text::list(members.texts(field).map(|value| Ok(text::bytes(value?))))?,
        (Label::Many, kind) => text::list(members.numbers(field).map(|value| Ok(number(kind, value?))))?,
        (Label::Optional | Label::OneOf, _) | (_, Kind::Message(_)) if !members.has(field) => return Ok(None),
        (_, Kind::Message(inner)) => message(members.message(field, inner), seen)?,
        (_, Kind::TraceId) => text::bytes(members.bytes(field).trace_id()?.as_bytes()),
        (_, Kind::SpanId) => text::bytes(members.bytes(field).span_id()?.as_bytes()),
        (_, Kind::Utf8) => text::bytes(members.bytes(field).utf8()?),
        (_, Kind::Bytes) => text::bytes(members.bytes(field).bytes()),
        (_, kind) => number(kind, members.number(field)),
    }))
}

fn number(kind: Kind, value: u64) -> String {
    let low = value as u32;
    match kind {
        Kind::Double => text::double(f64::from_bits(value)),
        Kind::Bool => text::number(u8::from(value != 0)),
        Kind::Fixed32 | Kind::Uint32 => text::number(low),
        Kind::Int32 | Kind::Enum => text::number(low.cast_signed()),
        Kind::Sint32 => text::number(i64::from(low >> 1) ^ -i64::from(low & 1)),
        Kind::Int64 | Kind::Sfixed64 => text::number(value.cast_signed()),
        _ => text::number(value),
    }
}
