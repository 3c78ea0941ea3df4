//! What `validate` must say, in the plainest way: every field by the lazy reader, one after the other, by the schema.

use spanwire_wire::read::{Field, MAX_DEPTH, Message};
use spanwire_wire::schema::{Kind, Type};
use spanwire_wire::tag::WireType;
use spanwire_wire::{Counts, DecodeError, DecodeErrorKind, Signal};

/// What is wrong with a request first, or how much it holds.
pub fn validate(signal: Signal, bytes: &[u8]) -> Result<Counts, DecodeError> {
    let mut counts = Counts::default();
    walk(signal, Message::new(bytes), signal.request(), 0, &mut counts)?;
    Ok(counts)
}

fn walk(signal: Signal, message: Message<'_>, of: Type, depth: u8, counts: &mut Counts) -> Result<(), DecodeError> {
    for field in message.fields() {
        let field = field?;
        let Some(declared) = of.field(field.number()) else {
            continue;
        };
        let payload = field.message();
        if declared.is_packed() && field.wire_type() == WireType::Len {
            payload
                .numbers(declared.kind.wire_type())
                .try_for_each(|number| number.map(drop))?;
            continue;
        }
        expect(&field, declared.kind.wire_type(), declared.wire_type())?;
        match declared.kind {
            Kind::Utf8 => drop(payload.utf8()?),
            Kind::TraceId => drop(payload.trace_id()?),
            Kind::SpanId => drop(payload.span_id()?),
            Kind::Message(inner) => {
                counts.resources += usize::from(inner == signal.resource_group());
                counts.scopes += usize::from(inner == signal.scope_group());
                if inner == signal.item() {
                    counts.items += 1;
                    counts.points += signal.weigh(payload.bytes());
                }
                let nests = matches!(inner, Type::ArrayValue | Type::KeyValueList);
                if nests && depth == MAX_DEPTH {
                    return Err(error(field.offset(), DecodeErrorKind::TooDeep));
                }
                walk(signal, payload, inner, depth + u8::from(nests), counts)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn expect(field: &Field<'_>, single: WireType, expected: WireType) -> Result<(), DecodeError> {
    if field.wire_type() == single {
        return Ok(());
    }
    let kind = DecodeErrorKind::WrongWireType {
        field: field.number(),
        expected,
        found: field.wire_type(),
    };
    Err(error(field.offset(), kind))
}

const fn error(offset: usize, kind: DecodeErrorKind) -> DecodeError {
    DecodeError { offset, kind }
}
