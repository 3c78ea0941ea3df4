//! What `validate` must say, in the plainest way: every field by the lazy reader, one after the other, by a table of
//! its own.

use spanwire_wire::read::{Field, MAX_DEPTH, Message};
use spanwire_wire::tag::WireType;
use spanwire_wire::{Counts, DecodeError, DecodeErrorKind};

/// The messages: what each of their fields is, by number. v is a varint, e eight bytes, f four, `-` undeclared, S text, B bytes, T and P a trace and a span id; otherwise the message's letter.
const MESSAGES: [(char, &str); 14] = [
    ('Q', "R"),
    ('R', "rsS"),
    ('r', "avE"),
    ('E', "SSSS"),
    ('s', "cpS"),
    ('c', "SSav"),
    ('p', "TPSPSveeavxvlvuf"),
    ('x', "eSav"),
    ('l', "TPSavf"),
    ('u', "-Sv"),
    ('a', "SAv"),
    ('A', "SvveymBv"),
    ('y', "A"),
    ('m', "a"),
];

/// What is wrong with a request first, or how much it holds.
pub fn validate(bytes: &[u8]) -> Result<Counts, DecodeError> {
    let mut counts = Counts::default();
    walk(Message::new(bytes), 'Q', 0, &mut counts)?;
    Ok(counts)
}

fn walk(message: Message<'_>, of: char, depth: u8, counts: &mut Counts) -> Result<(), DecodeError> {
    let fields = MESSAGES.iter().find(|(name, _)| *name == of).unwrap().1.as_bytes();
    for field in message.fields() {
        let field = field?;
        let kind = usize::try_from(field.number() - 1).ok().and_then(|at| fields.get(at));
        let Some(kind) = kind.map(|kind| char::from(*kind)).filter(|kind| *kind != '-') else {
            continue;
        };
        expect(&field, wire_type(kind))?;
        let payload = field.message();
        match kind {
            'S' => drop(payload.utf8()?),
            'T' => drop(payload.trace_id()?),
            'P' => drop(payload.span_id()?),
            'B' | 'v' | 'e' | 'f' => {}
            _ => {
                counts.resources += usize::from(kind == 'R');
                counts.scopes += usize::from(kind == 's');
                counts.spans += usize::from(kind == 'p');
                let nests = matches!(kind, 'y' | 'm');
                if nests && depth == MAX_DEPTH {
                    return Err(error(field.offset(), DecodeErrorKind::TooDeep));
                }
                walk(payload, kind, depth + u8::from(nests), counts)?;
            }
        }
    }
    Ok(())
}

const fn wire_type(kind: char) -> WireType {
    match kind {
        'v' => WireType::Varint,
        'e' => WireType::Fixed64,
        'f' => WireType::Fixed32,
        _ => WireType::Len,
    }
}

fn expect(field: &Field<'_>, expected: WireType) -> Result<(), DecodeError> {
    if field.wire_type() == expected {
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
