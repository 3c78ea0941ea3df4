//! Requests with anything that the schema allows, in any form that protobuf does: fields in any order, scalars and members of
//! oneofs several times, messages in parts, numbers packed or not, padded varints, unknown fields.

use spanwire_wire::Signal;
use spanwire_wire::schema::{Field, Kind, Label, Type};
use spanwire_wire::tag::WireType;

use super::plain::{Noise, unknown, varint};

/// About so many fields a request.
const FIELDS: u64 = 300;

pub fn request(signal: Signal, seed: u64) -> Vec<u8> {
    let mut noise = Noise::seeded(seed);
    let mut left = noise.below(FIELDS);
    message(signal.request(), &mut left, &mut noise, 0)
}

fn message(of: Type, left: &mut u64, noise: &mut Noise, depth: usize) -> Vec<u8> {
    let (mut bytes, fields) = (Vec::new(), of.fields());
    let many = 1 + noise.below(fields.len() as u64 + 3);
    for _ in 0..many {
        let field = &fields[noise.below(fields.len() as u64) as usize];
        if noise.once_in(12) {
            bytes.extend(unknown(noise));
        }
        if *left == 0 || depth > 40 {
            break;
        }
        *left -= 1;
        occurrence(field, left, noise, depth, &mut bytes);
    }
    bytes
}

/// One occurrence of a field.
fn occurrence(field: &Field, left: &mut u64, noise: &mut Noise, depth: usize, bytes: &mut Vec<u8>) {
    let is_packed = field.label == Label::Many && field.is_packed() && !noise.once_in(4);
    let payload = match field.kind {
        Kind::Message(inner) => message(inner, left, noise, depth + 1),
        _ if is_packed => {
            let many = noise.below(4);
            (0..many).flat_map(|_| scalar(field.kind, noise)).collect()
        }
        kind => scalar(kind, noise),
    };
    let wire_type = if is_packed {
        WireType::Len
    } else {
        field.kind.wire_type()
    };
    bytes.extend(varint(u64::from(field.number << 3 | wire_type as u32), 5, noise));
    if wire_type == WireType::Len {
        bytes.extend(varint(payload.len() as u64, 5, noise));
    }
    bytes.extend(payload);
}

fn scalar(kind: Kind, noise: &mut Noise) -> Vec<u8> {
    let number = match noise.below(5) {
        0 => 0,
        1 => 1,
        2 => u64::MAX - noise.below(3),
        3 => noise.below(1000),
        _ => noise.below(u64::MAX),
    };
    match (kind, kind.wire_type()) {
        (Kind::TraceId, _) => id(16, noise),
        (Kind::SpanId, _) => id(8, noise),
        (Kind::Utf8, _) => ["", "a", "größe", "日本", "x.y"][noise.below(5) as usize].into(),
        (_, WireType::Varint) => varint(number, 10, noise),
        (_, WireType::Fixed64) => number.to_le_bytes().into(),
        (_, WireType::Fixed32) => (number as u32).to_le_bytes().into(),
        _ => (0..noise.below(4)).map(|byte| byte as u8 ^ 0xF1).collect(),
    }
}

fn id(len: u64, noise: &mut Noise) -> Vec<u8> {
    let len = if noise.once_in(4) { 0 } else { len };
    (0..len).map(|_| noise.below(256) as u8).collect()
}
