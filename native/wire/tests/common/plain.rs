//! A writer that is slow, obvious and independent of the crate's, and that can write the same message in the odd
//! ways that protobuf allows: other field orders, unknown fields, overridden scalars, split embedded messages,
//! padded varints.

use super::model::{
    EntityRef, Event, KeyValue, Link, Request, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status, Value,
};

/// Where oddities come from: a sequence of numbers, or none.
#[derive(Clone, Debug)]
pub struct Noise {
    state: u64,
}

impl Noise {
    /// Everything in field order, nothing odd: what protobuf's own serializer writes.
    pub const fn none() -> Self {
        Self { state: 0 }
    }

    pub const fn seeded(seed: u64) -> Self {
        Self { state: seed | 1 }
    }

    /// True once in `n` times, never without noise.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.state != 0 && self.below(n) == 0
    }

    /// A number below `n`; 0 without noise.
    pub fn below(&mut self, n: u64) -> u64 {
        if self.state == 0 {
            return 0;
        }
        // Marsaglia's xorshift64.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % n
    }
}

/// A message's fields, not yet in their final order.
#[derive(Debug, Default)]
struct Fields {
    encoded: Vec<(u32, Vec<u8>)>,
    /// The order across numbers matters: a oneof.
    ordered: bool,
}

impl Fields {
    fn push(&mut self, number: u32, wire_type: u32, noise: &mut Noise, payload: &[u8]) {
        let mut field = varint(u64::from(number << 3 | wire_type), 5, noise);
        field.extend_from_slice(payload);
        self.encoded.push((number, field));
    }

    fn varint(&mut self, number: u32, value: u64, noise: &mut Noise) {
        let payload = varint(value, 10, noise);
        self.push(number, 0, noise, &payload);
    }

    /// A field whose content is `value`, unless it is the default. With noise, another value may come before.
    fn int(&mut self, number: u32, value: u64, noise: &mut Noise) {
        let overridden = noise.once_in(16);
        if overridden {
            let other = noise.below(300);
            self.varint(number, other, noise);
        }
        if overridden || value != 0 {
            self.varint(number, value, noise);
        }
    }

    fn fixed64(&mut self, number: u32, value: u64, noise: &mut Noise) {
        let overridden = noise.once_in(16);
        if overridden {
            self.push(number, 1, noise, &7_u64.to_le_bytes());
        }
        if overridden || value != 0 {
            self.push(number, 1, noise, &value.to_le_bytes());
        }
    }

    fn fixed32(&mut self, number: u32, value: u32, noise: &mut Noise) {
        let overridden = noise.once_in(16);
        if overridden {
            self.push(number, 5, noise, &7_u32.to_le_bytes());
        }
        if overridden || value != 0 {
            self.push(number, 5, noise, &value.to_le_bytes());
        }
    }

    fn text(&mut self, number: u32, text: &str, noise: &mut Noise) {
        self.bytes(number, text.as_bytes(), b"replaced", noise);
    }

    fn id<const LENGTH: usize>(&mut self, number: u32, id: [u8; LENGTH], noise: &mut Noise) {
        let bytes: &[u8] = if id == [0; LENGTH] { &[] } else { &id };
        self.bytes(number, bytes, &[0xEE; LENGTH], noise);
    }

    fn bytes(&mut self, number: u32, bytes: &[u8], replaced: &[u8], noise: &mut Noise) {
        let overridden = noise.once_in(16);
        if overridden {
            self.delimited(number, replaced, noise);
        }
        if overridden || !bytes.is_empty() {
            self.delimited(number, bytes, noise);
        }
    }

    /// An embedded message that occurs once; with noise, perhaps in two parts.
    fn embedded(&mut self, number: u32, mut message: Fields, noise: &mut Noise) {
        if message.encoded.len() > 1 && noise.once_in(4) {
            let second = message.encoded.split_off(1);
            let second = Fields {
                encoded: second,
                ordered: message.ordered,
            };
            self.message(number, message, noise);
            self.message(number, second, noise);
        } else {
            self.message(number, message, noise);
        }
    }

    /// One message of a repeated field.
    fn message(&mut self, number: u32, message: Fields, noise: &mut Noise) {
        let bytes = message.finish(noise);
        self.delimited(number, &bytes, noise);
    }

    fn delimited(&mut self, number: u32, bytes: &[u8], noise: &mut Noise) {
        let mut payload = varint(bytes.len() as u64, 5, noise);
        payload.extend_from_slice(bytes);
        self.push(number, 2, noise, &payload);
    }

    fn finish(mut self, noise: &mut Noise) -> Vec<u8> {
        if noise.once_in(4) {
            let at = noise.below(self.encoded.len() as u64 + 1);
            self.encoded.insert(at.try_into().unwrap(), (0, unknown(noise)));
        }
        // Fields of one number keep their order.
        for _ in 0..self.encoded.len() {
            if !self.ordered && self.encoded.len() > 1 && noise.once_in(2) {
                let at = usize::try_from(noise.below(self.encoded.len() as u64 - 1)).unwrap();
                if self.encoded[at].0 != self.encoded[at + 1].0 {
                    self.encoded.swap(at, at + 1);
                }
            }
        }
        self.encoded.into_iter().flat_map(|(_, bytes)| bytes).collect()
    }
}

/// A varint, with noise perhaps padded, to at most `most` bytes.
pub fn varint(mut value: u64, most: usize, noise: &mut Noise) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    if bytes.len() < most && noise.once_in(32) {
        *bytes.last_mut().unwrap() |= 0x80;
        let padding = noise.below((most - bytes.len()) as u64);
        bytes.resize(bytes.len() + usize::try_from(padding).unwrap(), 0x80);
        bytes.push(0);
    }
    bytes
}

/// A field that OTLP does not declare, of any wire type.
pub fn unknown(noise: &mut Noise) -> Vec<u8> {
    const NUMBER: u32 = 1000;
    let none = &mut Noise::none();
    let mut fields = Fields::default();
    match noise.below(6) {
        0 => fields.varint(NUMBER, noise.below(1 << 40), none),
        1 => fields.push(NUMBER, 1, none, &[0xFF; 8]),
        2 => fields.delimited(NUMBER, &[0xFF; 3], none),
        3 => fields.push(NUMBER, 5, none, &[0xFF; 4]),
        _ => {
            let inside = if noise.below(2) == 0 {
                unknown(noise)
            } else {
                Vec::new()
            };
            fields.push(NUMBER, 3, none, &inside);
            fields.push(NUMBER, 4, none, &[]);
        }
    }
    fields.finish(none)
}

pub fn request(request: &Request, noise: &mut Noise) -> Vec<u8> {
    let mut fields = Fields::default();
    for group in &request.resources {
        let group = resource_spans(group, noise);
        fields.message(1, group, noise);
    }
    fields.finish(noise)
}

fn resource_spans(group: &ResourceSpans, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    if let Some(resource) = &group.resource {
        let resource = self::resource(resource, noise);
        fields.embedded(1, resource, noise);
    }
    for scope in &group.scopes {
        let scope = scope_spans(scope, noise);
        fields.message(2, scope, noise);
    }
    fields.text(3, &group.schema_url, noise);
    fields
}

fn resource(resource: &Resource, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    attributes(&mut fields, 1, &resource.attributes, noise);
    fields.int(2, resource.dropped_attributes_count.into(), noise);
    for entity in &resource.entity_refs {
        let entity = entity_ref(entity, noise);
        fields.message(3, entity, noise);
    }
    fields
}

fn entity_ref(entity: &EntityRef, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    fields.text(1, &entity.schema_url, noise);
    fields.text(2, &entity.entity_type, noise);
    for (number, keys) in [(3, &entity.id_keys), (4, &entity.description_keys)] {
        for key in keys {
            fields.delimited(number, key.as_bytes(), noise);
        }
    }
    fields
}

fn scope_spans(group: &ScopeSpans, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    if let Some(scope) = &group.scope {
        let scope = self::scope(scope, noise);
        fields.embedded(1, scope, noise);
    }
    for span in &group.spans {
        let span = span_fields(span, noise);
        fields.message(2, span, noise);
    }
    fields.text(3, &group.schema_url, noise);
    fields
}

fn scope(scope: &Scope, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    fields.text(1, &scope.name, noise);
    fields.text(2, &scope.version, noise);
    attributes(&mut fields, 3, &scope.attributes, noise);
    fields.int(4, scope.dropped_attributes_count.into(), noise);
    fields
}

pub fn span(span: &Span, noise: &mut Noise) -> Vec<u8> {
    span_fields(span, noise).finish(noise)
}

fn span_fields(span: &Span, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    fields.id(1, span.trace_id, noise);
    fields.id(2, span.span_id, noise);
    fields.text(3, &span.trace_state, noise);
    fields.id(4, span.parent_span_id, noise);
    fields.text(5, &span.name, noise);
    fields.int(6, i64::from(span.kind).cast_unsigned(), noise);
    fields.fixed64(7, span.start, noise);
    fields.fixed64(8, span.end, noise);
    attributes(&mut fields, 9, &span.attributes, noise);
    fields.int(10, span.dropped_attributes_count.into(), noise);
    for event in &span.events {
        let event = self::event(event, noise);
        fields.message(11, event, noise);
    }
    fields.int(12, span.dropped_events_count.into(), noise);
    for link in &span.links {
        let link = self::link(link, noise);
        fields.message(13, link, noise);
    }
    fields.int(14, span.dropped_links_count.into(), noise);
    if let Some(status) = &span.status {
        let status = self::status(status, noise);
        fields.embedded(15, status, noise);
    }
    fields.fixed32(16, span.flags, noise);
    fields
}

fn event(event: &Event, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    fields.fixed64(1, event.time, noise);
    fields.text(2, &event.name, noise);
    attributes(&mut fields, 3, &event.attributes, noise);
    fields.int(4, event.dropped_attributes_count.into(), noise);
    fields
}

fn link(link: &Link, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    fields.id(1, link.trace_id, noise);
    fields.id(2, link.span_id, noise);
    fields.text(3, &link.trace_state, noise);
    attributes(&mut fields, 4, &link.attributes, noise);
    fields.int(5, link.dropped_attributes_count.into(), noise);
    fields.fixed32(6, link.flags, noise);
    fields
}

fn status(status: &Status, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    fields.text(2, &status.message, noise);
    fields.int(3, i64::from(status.code).cast_unsigned(), noise);
    fields
}

fn attributes(fields: &mut Fields, number: u32, attributes: &[KeyValue], noise: &mut Noise) {
    for attribute in attributes {
        let attribute = key_value(attribute, noise);
        fields.message(number, attribute, noise);
    }
}

fn key_value(attribute: &KeyValue, noise: &mut Noise) -> Fields {
    let mut fields = Fields::default();
    fields.text(1, &attribute.key, noise);
    if let Some(value) = &attribute.value {
        let value = value_fields(value, noise);
        fields.embedded(2, value, noise);
    }
    fields.int(3, i64::from(attribute.key_string_index).cast_unsigned(), noise);
    fields
}

pub fn value(value: &Value, noise: &mut Noise) -> Vec<u8> {
    value_fields(value, noise).finish(noise)
}

fn value_fields(value: &Value, noise: &mut Noise) -> Fields {
    let mut fields = Fields {
        ordered: true,
        ..Fields::default()
    };
    if !matches!(value, Value::Empty) && noise.once_in(8) {
        // A member that the one after it replaces, of another number so that nothing merges.
        match value {
            Value::Array(_) => fields.delimited(6, &[], noise),
            _ => fields.delimited(5, &[], noise),
        }
    }
    match value {
        Value::Empty => {}
        Value::Str(text) => fields.delimited(1, text.as_bytes(), noise),
        Value::Bool(bool) => fields.push(2, 0, noise, &[u8::from(*bool)]),
        Value::Int(int) => fields.varint(3, int.cast_unsigned(), noise),
        Value::Double(bits) => fields.push(4, 1, noise, &bits.to_le_bytes()),
        Value::Bytes(bytes) => fields.delimited(7, bytes, noise),
        Value::StringIndex(index) => fields.varint(8, i64::from(*index).cast_unsigned(), noise),
        Value::Array(elements) => {
            let mut array = Fields::default();
            for element in elements {
                let element = value_fields(element, noise);
                array.message(1, element, noise);
            }
            fields.embedded(5, array, noise);
        }
        Value::Map(entries) => {
            let mut map = Fields::default();
            attributes(&mut map, 1, entries, noise);
            fields.embedded(6, map, noise);
        }
    }
    fields
}
