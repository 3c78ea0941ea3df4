//! One request with every field of every message set.

use super::model::{
    EntityRef, Event, KeyValue, Link, Request, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status, Value,
};

pub fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(value),
        key_string_index: 0,
    }
}

pub fn request() -> Request {
    let values = || {
        vec![
            attribute("empty", Value::Empty),
            attribute("str", Value::Str("grüße 😀".into())),
            attribute("bool", Value::Bool(true)),
            attribute("int", Value::Int(-1)),
            attribute("double", Value::Double(0.5_f64.to_bits())),
            attribute("bytes", Value::Bytes(vec![0, 0xFF])),
            attribute("index", Value::StringIndex(-7)),
            attribute(
                "array",
                Value::Array(vec![Value::Int(1), Value::Array(vec![]), Value::Str("x".into())]),
            ),
            attribute(
                "map",
                Value::Map(vec![attribute("inner", Value::Map(vec![attribute("", Value::Empty)]))]),
            ),
            KeyValue {
                key: "null".into(),
                value: None,
                key_string_index: 9,
            },
        ]
    };
    let span = Span {
        trace_id: *b"0123456789abcdef",
        span_id: *b"01234567",
        trace_state: "vendor=1".into(),
        parent_span_id: *b"76543210",
        name: "GET /users/{id}".into(),
        kind: 2,
        start: 1_700_000_000_000_000_000,
        end: 1_700_000_000_000_000_123,
        attributes: values(),
        dropped_attributes_count: 1,
        events: vec![Event {
            time: 1_700_000_000_000_000_001,
            name: "exception".into(),
            attributes: values(),
            dropped_attributes_count: 2,
        }],
        dropped_events_count: 3,
        links: vec![Link {
            trace_id: *b"fedcba9876543210",
            span_id: *b"abcdefgh",
            trace_state: "other=2".into(),
            attributes: values(),
            dropped_attributes_count: 4,
            flags: 0x301,
        }],
        dropped_links_count: 5,
        status: Some(Status {
            message: "failed".into(),
            code: 2,
        }),
        flags: 0x101,
    };
    let scope = Scope {
        name: "library".into(),
        version: "1.2.3".into(),
        attributes: values(),
        dropped_attributes_count: 6,
    };
    let resource = Resource {
        attributes: values(),
        dropped_attributes_count: 7,
        entity_refs: vec![EntityRef {
            schema_url: "https://example.com/entity".into(),
            entity_type: "service".into(),
            id_keys: vec!["service.name".into(), String::new()],
            description_keys: vec!["service.version".into()],
        }],
    };
    let scopes = vec![ScopeSpans {
        scope: Some(scope),
        spans: vec![span, Span::default()],
        schema_url: "https://example.com/scope".into(),
    }];
    Request {
        resources: vec![ResourceSpans {
            resource: Some(resource),
            scopes,
            schema_url: "https://example.com/resource".into(),
        }],
    }
}
