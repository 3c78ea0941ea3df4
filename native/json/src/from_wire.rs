//! Protobuf to OTLP/JSON, by the lazy readers.
//!
//! Default values are left out, except where a field's presence says something: a span's status, an attribute's key
//! and value.

use spanwire_wire::request::{EntityRef, Resource, ResourceSpans, Scope, ScopeSpans};
use spanwire_wire::{DecodeError, EventView, KeyValue, KeyValues, LinkView, SpanView, StatusView, TraceRequest, Value};

use crate::write::{self, Members};

/// Appends the serialized `ExportTraceServiceRequest` `bytes` (or `TracesData`) as OTLP/JSON to `out`, on one line
/// without its end; on an error `out` is as it was.
pub fn traces_from_wire(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let length = out.len();
    let written = object(out, |members| {
        members.array(
            "resourceSpans",
            TraceRequest::new(bytes).resource_spans(),
            resource_spans,
        )
    });
    if written.is_err() {
        out.truncate(length);
    }
    written
}

type Written = Result<(), DecodeError>;

fn object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Members<'_>) -> Written) -> Written {
    out.push(b'{');
    fill(&mut Members::new(out))?;
    out.push(b'}');
    Ok(())
}

#[allow(clippy::needless_pass_by_value)] // as items come, here and below
fn resource_spans(out: &mut Vec<u8>, view: ResourceSpans<'_>) -> Written {
    object(out, |members| {
        if let Some(view) = view.resource() {
            resource(members.name("resource"), &view)?;
        }
        members.array("scopeSpans", view.scope_spans(), scope_spans)?;
        members.text("schemaUrl", view.schema_url());
        Ok(())
    })
}

fn resource(out: &mut Vec<u8>, view: &Resource<'_>) -> Written {
    object(out, |members| {
        attributes(members, view.attributes())?;
        members.number("droppedAttributesCount", view.dropped_attributes_count());
        members.array("entityRefs", view.entity_refs(), entity_ref)
    })
}

fn entity_ref(out: &mut Vec<u8>, view: EntityRef<'_>) -> Written {
    let key = |out: &mut Vec<u8>, key: &str| {
        write::string(out, key);
        Ok(())
    };
    object(out, |members| {
        members.text("schemaUrl", view.schema_url());
        members.text("type", view.entity_type());
        members.array("idKeys", view.id_keys(), key)?;
        members.array("descriptionKeys", view.description_keys(), key)
    })
}

fn scope_spans(out: &mut Vec<u8>, view: ScopeSpans<'_>) -> Written {
    object(out, |members| {
        if let Some(view) = view.scope() {
            scope(members.name("scope"), &view)?;
        }
        members.array("spans", view.spans(), span)?;
        members.text("schemaUrl", view.schema_url());
        Ok(())
    })
}

fn scope(out: &mut Vec<u8>, view: &Scope<'_>) -> Written {
    object(out, |members| {
        members.text("name", view.name());
        members.text("version", view.version());
        attributes(members, view.attributes())?;
        members.number("droppedAttributesCount", view.dropped_attributes_count());
        Ok(())
    })
}

fn span(out: &mut Vec<u8>, view: SpanView<'_>) -> Written {
    object(out, |members| {
        if view.trace_id().is_valid() {
            write::id(members.name("traceId"), view.trace_id().to_hex());
        }
        if view.span_id().is_valid() {
            write::id(members.name("spanId"), view.span_id().to_hex());
        }
        members.text("traceState", view.trace_state());
        if let Some(id) = view.parent_span_id() {
            write::id(members.name("parentSpanId"), id.to_hex());
        }
        members.number("flags", view.flags());
        members.text("name", view.name());
        members.number("kind", i32::from(view.kind()));
        members.wide_number("startTimeUnixNano", view.start_time().get());
        members.wide_number("endTimeUnixNano", view.end_time().get());
        attributes(members, view.attributes())?;
        members.number("droppedAttributesCount", view.dropped_attributes_count());
        members.array("events", view.events(), event)?;
        members.number("droppedEventsCount", view.dropped_events_count());
        members.array("links", view.links(), link)?;
        members.number("droppedLinksCount", view.dropped_links_count());
        status(members.name("status"), view.status())
    })
}

fn event(out: &mut Vec<u8>, view: EventView<'_>) -> Written {
    object(out, |members| {
        members.wide_number("timeUnixNano", view.time().get());
        members.text("name", view.name());
        attributes(members, view.attributes())?;
        members.number("droppedAttributesCount", view.dropped_attributes_count());
        Ok(())
    })
}

fn link(out: &mut Vec<u8>, view: LinkView<'_>) -> Written {
    object(out, |members| {
        if view.trace_id().is_valid() {
            write::id(members.name("traceId"), view.trace_id().to_hex());
        }
        if view.span_id().is_valid() {
            write::id(members.name("spanId"), view.span_id().to_hex());
        }
        members.text("traceState", view.trace_state());
        attributes(members, view.attributes())?;
        members.number("droppedAttributesCount", view.dropped_attributes_count());
        members.number("flags", view.flags());
        Ok(())
    })
}

fn status(out: &mut Vec<u8>, view: StatusView<'_>) -> Written {
    object(out, |members| {
        members.text("message", view.message());
        members.number("code", i32::from(view.code()));
        Ok(())
    })
}

fn attributes(members: &mut Members<'_>, entries: KeyValues<'_>) -> Written {
    members.array("attributes", entries, key_value)
}

fn key_value(out: &mut Vec<u8>, entry: KeyValue<'_>) -> Written {
    object(out, |members| {
        write::string(members.name("key"), entry.key());
        members.number("keyStrindex", entry.key_string_index());
        value(members.name("value"), entry.value()?)
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
