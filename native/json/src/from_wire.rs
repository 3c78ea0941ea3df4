//! Protobuf to OTLP/JSON, by the schema.
//!
//! Default values are left out, except where a field's presence says something: messages, `optional` fields, members of
//! a oneof, and an attribute's key.

use spanwire_wire::schema::{Field, Kind, Label, Members as Read, MessageView, Type};
use spanwire_wire::{DecodeError, KeyValue, Signal, Value};

use crate::write::{self, Members};

/// Appends the serialized export request `bytes` of `signal` (or `TracesData`, `LogsData` …) as OTLP/JSON to `out`, on
/// one line without its end; on an error `out` is as it was.
pub fn from_wire(signal: Signal, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let length = out.len();
    let written = message(out, MessageView::request(signal, bytes));
    if written.is_err() {
        out.truncate(length);
    }
    written
}

/// [`from_wire`] of traces.
pub fn traces_from_wire(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    from_wire(Signal::Traces, bytes, out)
}

type Written = Result<(), DecodeError>;

fn object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Members<'_>) -> Written) -> Written {
    out.push(b'{');
    fill(&mut Members::new(out))?;
    out.push(b'}');
    Ok(())
}

/// Recursion is bounded by the schema: values, which nest, are written by [`value`].
fn message(out: &mut Vec<u8>, view: MessageView<'_>) -> Written {
    let read = view.members()?;
    object(out, |members| {
        for field in view.of().fields() {
            if read.has(field) {
                match field.label {
                    Label::Many => list(members, &read, field)?,
                    _ => single(members, &read, field)?,
                }
            }
        }
        Ok(())
    })
}

fn list(members: &mut Members<'_>, read: &Read<'_>, field: &Field) -> Written {
    match field.kind {
        Kind::Message(Type::KeyValue) => members.array(field.json, read.key_values(field), key_value),
        Kind::Message(of) => members.array(field.json, read.messages(field, of), message),
        Kind::Utf8 => members.array(field.json, read.texts(field), |out, text| {
            write::string(out, text);
            Ok(())
        }),
        kind => members.array(field.json, read.numbers(field), |out, value| {
            number(out, kind, value);
            Ok(())
        }),
    }
}

/// A field that stands once. Its default value is left out, unless presence says something.
fn single(members: &mut Members<'_>, read: &Read<'_>, field: &Field) -> Written {
    let explicit = !matches!(field.label, Label::One);
    let bytes = read.bytes(field);
    match field.kind {
        Kind::Message(Type::AnyValue) => return value(members.name(field.json), read.value(field)?),
        Kind::Message(of) => return message(members.name(field.json), read.message(field, of)),
        Kind::Utf8 => {
            let text = bytes.utf8()?;
            if explicit || !text.is_empty() {
                write::string(members.name(field.json), text);
            }
        }
        _ if bytes.bytes().is_empty() && matches!(field.kind, Kind::Bytes | Kind::SpanId | Kind::TraceId) => {
            if explicit {
                members.name(field.json).extend_from_slice(b"\"\"");
            }
        }
        Kind::Bytes => write::bytes(members.name(field.json), bytes.bytes()),
        Kind::SpanId => write::id(members.name(field.json), bytes.span_id()?.to_hex()),
        Kind::TraceId => write::id(members.name(field.json), bytes.trace_id()?.to_hex()),
        kind => {
            let value = read.number(field);
            if explicit || value != 0 {
                number(members.name(field.json), kind, value);
            }
        }
    }
    Ok(())
}

/// A number as it stands on the wire: those of 64 bits become strings.
#[allow(clippy::cast_possible_truncation)] // narrow fields are read by their low 32 bits, as protobuf reads them
fn number(out: &mut Vec<u8>, kind: Kind, value: u64) {
    let narrow = value as u32;
    match kind {
        Kind::Bool => write::display(out, value != 0),
        Kind::Double => write::double(out, f64::from_bits(value)),
        Kind::Enum | Kind::Int32 => write::display(out, narrow.cast_signed()),
        Kind::Sint32 => write::display(out, (narrow >> 1).cast_signed() ^ -(narrow & 1).cast_signed()),
        Kind::Fixed32 | Kind::Uint32 => write::display(out, narrow),
        Kind::Int64 | Kind::Sfixed64 => write::quoted(out, value.cast_signed()),
        Kind::Fixed64 | Kind::Uint64 => write::quoted(out, value),
        Kind::Bytes | Kind::Message(_) | Kind::SpanId | Kind::TraceId | Kind::Utf8 => {}
    }
}

fn key_value(out: &mut Vec<u8>, entry: KeyValue<'_>) -> Written {
    object(out, |members| {
        write::string(members.name("key"), entry.key());
        members.number("keyStrindex", entry.key_string_index());
        if entry.has_value() {
            value(members.name("value"), entry.value()?)?;
        }
        Ok(())
    })
}

/// Recursion is bounded by the readers' depth limit.
fn value(out: &mut Vec<u8>, value: Value<'_>) -> Written {
    object(out, |members| {
        match value {
            Value::Empty => {}
            Value::Str(text) => write::string(members.name("stringValue"), text),
            Value::Bool(truth) => write::display(members.name("boolValue"), truth),
            Value::Int(number) => write::quoted(members.name("intValue"), number),
            Value::Double(number) => write::double(members.name("doubleValue"), number),
            Value::Bytes(bytes) => write::bytes(members.name("bytesValue"), bytes),
            Value::StringIndex(index) => write::display(members.name("stringValueStrindex"), index),
            Value::Array(elements) => {
                let out = members.name("arrayValue");
                object(out, |members| members.array("values", elements.iter(), self::value))?;
            }
            Value::Map(entries) => {
                let out = members.name("kvlistValue");
                object(out, |members| members.array("values", entries.iter(), key_value))?;
            }
        }
        Ok(())
    })
}
