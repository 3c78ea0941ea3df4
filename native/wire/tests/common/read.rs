//! Reads everything that the lazy views offer.

use spanwire_wire::request::{EntityRef, Resource, Scope};
use spanwire_wire::{
    Counts, DecodeError, EventView, KeyValue, KeyValues, LinkView, ResourceSpans, ScopeSpans, SpanView, TraceRequest,
    UnixNanos, Value,
};

use super::model;

type Result<T> = core::result::Result<T, DecodeError>;

pub fn request(bytes: &[u8]) -> Result<model::Request> {
    let resources = TraceRequest::new(bytes)
        .resources()
        .map(|group| resource_spans(&group?));
    Ok(model::Request {
        resources: resources.collect::<Result<_>>()?,
    })
}

/// What `validate` should have counted in `request`.
pub fn counts(request: &model::Request) -> Counts {
    let scopes = || request.resources.iter().flat_map(|group| &group.scopes);
    Counts {
        resources: request.resources.len(),
        scopes: scopes().count(),
        items: scopes().map(|group| group.spans.len()).sum(),
        points: scopes().map(|group| group.spans.len()).sum(),
    }
}

fn resource_spans(group: &ResourceSpans<'_>) -> Result<model::ResourceSpans> {
    Ok(model::ResourceSpans {
        resource: group.resource().map(|resource| self::resource(&resource)).transpose()?,
        scopes: group
            .scopes()
            .map(|group| scope_spans(&group?))
            .collect::<Result<_>>()?,
        schema_url: group.schema_url().into(),
    })
}

fn resource(resource: &Resource<'_>) -> Result<model::Resource> {
    Ok(model::Resource {
        attributes: attributes(resource.attributes())?,
        dropped_attributes_count: resource.dropped_attributes_count(),
        entity_refs: resource
            .entity_refs()
            .map(|entity| entity_ref(&entity?))
            .collect::<Result<_>>()?,
    })
}

fn entity_ref(entity: &EntityRef<'_>) -> Result<model::EntityRef> {
    let owned = |text: Result<&str>| text.map(String::from);
    Ok(model::EntityRef {
        schema_url: entity.schema_url().into(),
        entity_type: entity.entity_type().into(),
        id_keys: entity.id_keys().map(owned).collect::<Result<_>>()?,
        description_keys: entity.description_keys().map(owned).collect::<Result<_>>()?,
    })
}

fn scope_spans(group: &ScopeSpans<'_>) -> Result<model::ScopeSpans> {
    Ok(model::ScopeSpans {
        scope: group.scope().map(|scope| self::scope(&scope)).transpose()?,
        spans: group.items().map(|span| self::span(&span?)).collect::<Result<_>>()?,
        schema_url: group.schema_url().into(),
    })
}

fn scope(scope: &Scope<'_>) -> Result<model::Scope> {
    Ok(model::Scope {
        name: scope.name().into(),
        version: scope.version().into(),
        attributes: attributes(scope.attributes())?,
        dropped_attributes_count: scope.dropped_attributes_count(),
    })
}

pub fn span(span: &SpanView<'_>) -> Result<model::Span> {
    let status = span.status();
    Ok(model::Span {
        trace_id: span.trace_id().to_bytes(),
        span_id: span.span_id().to_bytes(),
        trace_state: span.trace_state().into(),
        parent_span_id: span.parent_span_id().unwrap_or_default().to_bytes(),
        name: span.name().into(),
        kind: span.kind().into(),
        start: span.start_time().get(),
        end: span.end_time().get(),
        attributes: attributes(span.attributes())?,
        dropped_attributes_count: span.dropped_attributes_count(),
        events: span.events().map(|event| self::event(&event?)).collect::<Result<_>>()?,
        dropped_events_count: span.dropped_events_count(),
        links: span.links().map(|link| self::link(&link?)).collect::<Result<_>>()?,
        dropped_links_count: span.dropped_links_count(),
        status: span.has_status().then(|| model::Status {
            message: status.message().into(),
            code: status.code().into(),
        }),
        flags: span.flags(),
    })
}

fn event(event: &EventView<'_>) -> Result<model::Event> {
    Ok(model::Event {
        time: UnixNanos::get(event.time()),
        name: event.name().into(),
        attributes: attributes(event.attributes())?,
        dropped_attributes_count: event.dropped_attributes_count(),
    })
}

fn link(link: &LinkView<'_>) -> Result<model::Link> {
    Ok(model::Link {
        trace_id: link.trace_id().to_bytes(),
        span_id: link.span_id().to_bytes(),
        trace_state: link.trace_state().into(),
        attributes: attributes(link.attributes())?,
        dropped_attributes_count: link.dropped_attributes_count(),
        flags: link.flags(),
    })
}

fn attributes(attributes: KeyValues<'_>) -> Result<Vec<model::KeyValue>> {
    attributes.map(|attribute| key_value(&attribute?)).collect()
}

pub fn key_value(attribute: &KeyValue<'_>) -> Result<model::KeyValue> {
    Ok(model::KeyValue {
        key: attribute.key().into(),
        value: attribute
            .has_value()
            .then(|| attribute.value().and_then(|read| value(&read)))
            .transpose()?,
        key_string_index: attribute.key_string_index(),
    })
}

pub fn value(value: &Value<'_>) -> Result<model::Value> {
    Ok(match *value {
        Value::Empty => model::Value::Empty,
        Value::Str(text) => model::Value::Str(text.into()),
        Value::Bool(bool) => model::Value::Bool(bool),
        Value::Int(int) => model::Value::Int(int),
        Value::Double(double) => model::Value::Double(double.to_bits()),
        Value::Bytes(bytes) => model::Value::Bytes(bytes.into()),
        Value::StringIndex(index) => model::Value::StringIndex(index),
        Value::Array(array) => model::Value::Array(
            array
                .iter()
                .map(|element| self::value(&element?))
                .collect::<Result<_>>()?,
        ),
        Value::Map(map) => model::Value::Map(attributes(map.iter())?),
    })
}
