//! The same messages by the crate's own writers: what they write must be what the plain writer writes.

use spanwire_wire::arena::{Open, Region};
use spanwire_wire::envelope::Groups;
use spanwire_wire::tag::{
    WireType, any_value, entity_ref, event, fixed64_tag, key_value, len_tag, link, resource, resource_spans, scope,
    scope_spans, short_tag, span, status, tag, varint_tag,
};
use spanwire_wire::write::{self, VALUES};

use super::model::{EntityRef, Event, KeyValue, Link, Request, Resource, Scope, ScopeSpans, Span, Value};

pub fn request(request: &Request) -> Vec<u8> {
    let mut parts = Vec::new();
    for group in &request.resources {
        let mut head = Region::new();
        if let Some(resource) = &group.resource {
            self::resource(&mut head, resource);
        }
        let scopes: Vec<_> = group.scopes.iter().map(scope_parts).collect();
        parts.push((head, group.schema_url.as_bytes(), scopes));
    }
    let mut groups = Groups::default();
    for (head, url, scopes) in &parts {
        let resource = groups.add_resource((head.as_slice(), *url));
        for (head, spans, url) in scopes {
            let scope = groups.add_scope(resource, (head.as_slice(), *url));
            groups.add((resource, scope), spans.as_slice());
        }
    }
    let mut bytes = Vec::with_capacity(groups.request_len());
    groups.write_bytes(&mut |piece| bytes.extend_from_slice(piece));
    assert_eq!(bytes.len(), groups.request_len());
    bytes
}

/// A scope, its spans, and its schema URL.
fn scope_parts(group: &ScopeSpans) -> (Region, Region, &[u8]) {
    let (mut head, mut spans) = (Region::new(), Region::new());
    if let Some(scope) = &group.scope {
        self::scope(&mut head, scope);
    }
    for span in &group.spans {
        self::span(&mut spans, span);
    }
    (head, spans, group.schema_url.as_bytes())
}

/// Opens a message with one of the widths that the length may be guessed to have.
fn open(out: &mut Region, field: u32) -> Open {
    let width = 1 + (out.len() % 3) as u8;
    out.open(len_tag(field), width)
}

fn id(out: &mut Region, field: u32, id: &[u8]) {
    if id.iter().any(|&byte| byte != 0) {
        write::bytes_field(out, len_tag(field), id);
    }
}

fn text(out: &mut Region, field: u32, text: &str) {
    write::bytes_field(out, len_tag(field), text.as_bytes());
}

fn int(out: &mut Region, field: u32, value: u32) {
    write::varint_field(out, varint_tag(field), value.into());
}

fn signed(out: &mut Region, field: u32, value: i32) {
    write::varint_field(out, varint_tag(field), i64::from(value).cast_unsigned());
}

fn resource(out: &mut Region, resource: &Resource) {
    let message = open(out, resource_spans::RESOURCE);
    attributes(out, len_tag(resource::ATTRIBUTES), &resource.attributes);
    int(
        out,
        resource::DROPPED_ATTRIBUTES_COUNT,
        resource.dropped_attributes_count,
    );
    for entity in &resource.entity_refs {
        entity_ref(out, entity);
    }
    out.close(message);
}

fn entity_ref(out: &mut Region, entity: &EntityRef) {
    let message = open(out, resource::ENTITY_REFS);
    text(out, entity_ref::SCHEMA_URL, &entity.schema_url);
    text(out, entity_ref::TYPE, &entity.entity_type);
    for (field, keys) in [
        (entity_ref::ID_KEYS, &entity.id_keys),
        (entity_ref::DESCRIPTION_KEYS, &entity.description_keys),
    ] {
        for key in keys {
            out.bytes_field(len_tag(field).into(), key.as_bytes());
        }
    }
    out.close(message);
}

fn scope(out: &mut Region, scope: &Scope) {
    let message = open(out, scope_spans::SCOPE);
    text(out, scope::NAME, &scope.name);
    text(out, scope::VERSION, &scope.version);
    attributes(out, len_tag(scope::ATTRIBUTES), &scope.attributes);
    int(out, scope::DROPPED_ATTRIBUTES_COUNT, scope.dropped_attributes_count);
    out.close(message);
}

fn span(out: &mut Region, span: &Span) {
    let message = open(out, scope_spans::SPANS);
    if span.trace_id == [0; 16] || span.span_id == [0; 8] {
        id(out, span::TRACE_ID, &span.trace_id);
        id(out, span::SPAN_ID, &span.span_id);
    } else {
        out.ids(
            len_tag(span::TRACE_ID),
            span.trace_id,
            len_tag(span::SPAN_ID),
            span.span_id,
        );
    }
    text(out, span::TRACE_STATE, &span.trace_state);
    id(out, span::PARENT_SPAN_ID, &span.parent_span_id);
    text(out, span::NAME, &span.name);
    signed(out, span::KIND, span.kind);
    write::fixed64_field(out, fixed64_tag(span::START_TIME_UNIX_NANO), span.start);
    write::fixed64_field(out, fixed64_tag(span::END_TIME_UNIX_NANO), span.end);
    attributes(out, len_tag(span::ATTRIBUTES), &span.attributes);
    int(out, span::DROPPED_ATTRIBUTES_COUNT, span.dropped_attributes_count);
    for event in &span.events {
        self::event(out, event);
    }
    int(out, span::DROPPED_EVENTS_COUNT, span.dropped_events_count);
    for link in &span.links {
        self::link(out, link);
    }
    int(out, span::DROPPED_LINKS_COUNT, span.dropped_links_count);
    if let Some(status) = &span.status {
        let message = open(out, span::STATUS);
        text(out, status::MESSAGE, &status.message);
        signed(out, status::CODE, status.code);
        out.close(message);
    }
    if span.flags != 0 {
        out.fixed32_field(tag(span::FLAGS, WireType::Fixed32) as u16, span.flags);
    }
    out.close(message);
}

fn event(out: &mut Region, event: &Event) {
    let message = open(out, span::EVENTS);
    write::fixed64_field(out, fixed64_tag(event::TIME_UNIX_NANO), event.time);
    text(out, event::NAME, &event.name);
    attributes(out, len_tag(event::ATTRIBUTES), &event.attributes);
    int(out, event::DROPPED_ATTRIBUTES_COUNT, event.dropped_attributes_count);
    out.close(message);
}

fn link(out: &mut Region, link: &Link) {
    let message = open(out, span::LINKS);
    id(out, link::TRACE_ID, &link.trace_id);
    id(out, link::SPAN_ID, &link.span_id);
    text(out, link::TRACE_STATE, &link.trace_state);
    attributes(out, len_tag(link::ATTRIBUTES), &link.attributes);
    int(out, link::DROPPED_ATTRIBUTES_COUNT, link.dropped_attributes_count);
    if link.flags != 0 {
        out.fixed32_field(short_tag(link::FLAGS, WireType::Fixed32).into(), link.flags);
    }
    out.close(message);
}

fn attributes(out: &mut Region, tag: u8, attributes: &[KeyValue]) {
    for attribute in attributes {
        let key = attribute.key.as_bytes();
        if attribute.key_string_index != 0 || attribute.value.is_none() {
            // Nothing that the crate writes in one go.
            let message = out.open_short(tag);
            write::bytes_field(out, len_tag(key_value::KEY), key);
            if let Some(value) = &attribute.value {
                let message = open(out, key_value::VALUE);
                self::value(out, value);
                out.close(message);
            }
            signed(out, key_value::KEY_STRINDEX, attribute.key_string_index);
            out.close(message);
            continue;
        }
        match attribute.value.as_ref().expect("checked above") {
            Value::Empty => write::attribute_empty(out, tag, key),
            Value::Str(text) => write::attribute_str(out, tag, key, text.as_bytes()),
            Value::Bool(bool) => write::attribute_bool(out, tag, key, *bool),
            Value::Int(int) => write::attribute_int(out, tag, key, *int),
            Value::Double(bits) => write::attribute_double(out, tag, key, f64::from_bits(*bits)),
            Value::Bytes(bytes) => write::attribute_bytes(out, tag, key, bytes),
            value => {
                let opened = write::open_attribute(out, tag, key);
                self::value(out, value);
                write::close_attribute(out, opened);
            }
        }
    }
}

pub fn value(out: &mut Region, value: &Value) {
    match value {
        Value::Empty => {}
        Value::Str(text) => write::value_str(out, text.as_bytes()),
        Value::Bool(bool) => write::value_bool(out, *bool),
        Value::Int(int) => write::value_int(out, *int),
        Value::Double(bits) => write::value_double(out, f64::from_bits(*bits)),
        Value::Bytes(bytes) => write::value_bytes(out, bytes),
        Value::StringIndex(index) => {
            let index = i64::from(*index).cast_unsigned();
            out.varint_field(varint_tag(any_value::STRING_VALUE_STRINDEX).into(), index);
        }
        Value::Array(elements) => {
            let array = write::open_array(out);
            for element in elements {
                let message = write::open_element(out);
                self::value(out, element);
                out.close(message);
            }
            out.close(array);
        }
        Value::Map(entries) => {
            let map = write::open_map(out);
            attributes(out, VALUES, entries);
            out.close(map);
        }
    }
}
