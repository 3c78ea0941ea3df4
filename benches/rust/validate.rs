//! What does the strict check of a request cost a span, and what did it cost without the tables?

#[path = "../../native/wire/tests/common/mod.rs"]
#[rustfmt::skip] // formatted as what lies there
mod common;

use std::hint::black_box;

use common::model::{KeyValue, Request, Resource, ResourceSpans, Scope, ScopeSpans, Span, Value};
use common::plain::{self, Noise};
use common::strict;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spanwire_wire::{Signal, validate};

const SPANS: usize = 512;

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(value),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::Str(value.into()))
}

/// A request of spans with these attributes.
fn request(name: &str, kind: i32, attributes: Vec<KeyValue>) -> Vec<u8> {
    let span = Span {
        trace_id: [7; 16],
        span_id: [9; 8],
        name: name.into(),
        kind,
        start: 1_764_000_000_000_000_000,
        end: 1_764_000_000_000_480_001,
        attributes,
        flags: 0x100,
        ..Span::default()
    };
    let request = Request {
        resources: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "bench-shop")],
                ..Resource::default()
            }),
            scopes: vec![ScopeSpans {
                scope: Some(Scope {
                    name: "bench".into(),
                    ..Scope::default()
                }),
                spans: vec![span; SPANS],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    plain::request(&request, &mut Noise::none())
}

fn bench(criterion: &mut Criterion) {
    let w5 = vec![
        text("http.request.method", "GET"),
        text("url.path", "/users/42"),
        attribute("http.response.status_code", Value::Int(200)),
        attribute("server.load", Value::Double(0.42_f64.to_bits())),
        attribute("cache.hit", Value::Bool(true)),
    ];
    let w10 = (0..10).map(|n| {
        text(
            &format!("benchmark.attr.key.{n}"),
            &format!("benchmark.value.00.{n}"),
        )
    });
    let workloads = [
        ("W5", request("GET /users/{id}", 2, w5)),
        ("W10", request("benchmark.span.name", 1, w10.collect())),
    ];
    for (name, bytes) in workloads {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(SPANS as u64));
        group.bench_function("by table", |bencher| {
            bencher.iter(|| validate(Signal::Traces, black_box(&bytes)));
        });
        group.bench_function("plainly", |bencher| {
            bencher.iter(|| strict::validate(Signal::Traces, black_box(&bytes)));
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
