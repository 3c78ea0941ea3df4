//! proptest strategies for whole requests.
#![allow(dead_code, reason = "each test program uses its part")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::common::model::{
    EntityRef, Event, KeyValue, Link, Request, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status, Value,
};

/// So many cases, or a few under Miri, which takes a thousand times as long (and has no files to keep failures in).
pub fn cases(cases: u32) -> ProptestConfig {
    if cfg!(miri) {
        return ProptestConfig {
            cases: 2,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
    }
    ProptestConfig {
        cases,
        ..ProptestConfig::default()
    }
}

/// How many of a repeated thing: mostly few, now and then enough for a length of two bytes.
fn few<T: Strategy>(item: T) -> impl Strategy<Value = Vec<T::Value>> {
    let most = if cfg!(miri) { 2 } else { 4 };
    vec(item, 0..most)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z.]{0,8}",
        1 => vec(any::<char>(), 0..6).prop_map(String::from_iter),
        1 => (100..200_usize).prop_map(|len| "x".repeat(len)),
    ]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 1 => any::<u32>()]
}

pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        text().prop_map(Value::Str),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::Double),
        vec(any::<u8>(), 0..10).prop_map(Value::Bytes),
        any::<i32>().prop_map(Value::StringIndex),
    ];
    leaf.prop_recursive(4, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec(key_value_of(inner), 0..4).prop_map(Value::Map),
        ]
    })
}

fn key_value_of(value: impl Strategy<Value = Value>) -> impl Strategy<Value = KeyValue> {
    (
        text(),
        option::weighted(0.9, value),
        prop_oneof![9 => Just(0), 1 => any::<i32>()],
    )
        .prop_map(|(key, value, key_string_index)| KeyValue {
            key,
            value,
            key_string_index,
        })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    few(key_value_of(value()))
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), text(), attributes(), count()).prop_map(|(time, name, attributes, dropped_attributes_count)| Event {
        time,
        name,
        attributes,
        dropped_attributes_count,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (
        any::<[u8; 16]>(),
        any::<[u8; 8]>(),
        text(),
        attributes(),
        count(),
        count(),
    )
        .prop_map(
            |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
                trace_id,
                span_id,
                trace_state,
                attributes,
                dropped_attributes_count,
                flags,
            },
        )
}

fn status() -> impl Strategy<Value = Status> {
    (text(), prop_oneof![4 => 0..3, 1 => any::<i32>()]).prop_map(|(message, code)| Status { message, code })
}

pub fn span() -> impl Strategy<Value = Span> {
    let ids = (
        any::<[u8; 16]>(),
        any::<[u8; 8]>(),
        prop_oneof![Just([0; 8]), any::<[u8; 8]>()],
        text(),
    );
    let scalars = (
        text(),
        prop_oneof![4 => 0..6, 1 => any::<i32>()],
        any::<u64>(),
        any::<u64>(),
        count(),
    );
    let lists = (attributes(), few(event()), few(link()));
    let counts = (count(), count(), count());
    (ids, scalars, lists, counts, option::of(status())).prop_map(
        |(
            (trace_id, span_id, parent_span_id, trace_state),
            (name, kind, start, end, flags),
            (attributes, events, links),
            (dropped_attributes_count, dropped_events_count, dropped_links_count),
            status,
        )| Span {
            trace_id,
            span_id,
            trace_state,
            parent_span_id,
            name,
            kind,
            start,
            end,
            attributes,
            dropped_attributes_count,
            events,
            dropped_events_count,
            links,
            dropped_links_count,
            status,
            flags,
        },
    )
}

fn entity_ref() -> impl Strategy<Value = EntityRef> {
    (text(), text(), few(text()), few(text())).prop_map(|(schema_url, entity_type, id_keys, description_keys)| {
        EntityRef {
            schema_url,
            entity_type,
            id_keys,
            description_keys,
        }
    })
}

fn resource() -> impl Strategy<Value = Resource> {
    (attributes(), count(), few(entity_ref())).prop_map(|(attributes, dropped_attributes_count, entity_refs)| {
        Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
        }
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    (text(), text(), attributes(), count()).prop_map(|(name, version, attributes, dropped_attributes_count)| Scope {
        name,
        version,
        attributes,
        dropped_attributes_count,
    })
}

pub fn request() -> impl Strategy<Value = Request> {
    let scopes = few(
        (option::weighted(0.9, scope()), few(span()), text()).prop_map(|(scope, spans, schema_url)| ScopeSpans {
            scope,
            spans,
            schema_url,
        }),
    );
    few(
        (option::weighted(0.9, resource()), scopes, text()).prop_map(|(resource, scopes, schema_url)| ResourceSpans {
            resource,
            scopes,
            schema_url,
        }),
    )
    .prop_map(|resources| Request { resources })
}
