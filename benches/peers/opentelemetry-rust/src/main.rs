//! opentelemetry-rust as a program uses it: its SDK, its batch processor, its OTLP exporter over HTTP.

use std::process::ExitCode;

use opentelemetry::trace::{SpanKind, Tracer, TracerProvider, get_active_span, mark_span_as_active};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Compression, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};

use crate::protocol::{Failure, Order, STEP_SPANS, Sender};

#[path = "../../protocol.rs"]
mod protocol;

const QUEUE_SPANS: usize = 32_768;
const MOST_OUTSTANDING: u64 = 16_384;

struct Pipeline {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    workload: fn(&SdkTracer),
}

impl Pipeline {
    fn connect(order: &Order) -> Result<Self, Failure> {
        let workload = match order.workload.as_str() {
            "W5" => w5,
            "W10" => w10,
            "W5-builder" => w5_builder,
            "W10-builder" => w10_builder,
            other => return Err(format!("no workload {other}").into()),
        };
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&order.endpoint);
        if order.gzip {
            exporter = exporter.with_compression(Compression::Gzip);
        }
        let mut config = BatchConfigBuilder::default().with_max_queue_size(QUEUE_SPANS);
        if let Some(spans) = order.batch {
            config = config.with_max_export_batch_size(spans);
        }
        let processor = BatchSpanProcessor::builder(exporter.build()?)
            .with_batch_config(config.build())
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name("bench").build())
            .with_span_processor(processor)
            .build();
        let scope = InstrumentationScope::builder("bench").with_version("1.0").build();
        let tracer = provider.tracer_with_scope(scope);
        Ok(Self {
            provider,
            tracer,
            workload,
        })
    }
}

impl Sender for Pipeline {
    fn step(&mut self) {
        for _ in 0..STEP_SPANS {
            (self.workload)(&self.tracer);
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.provider.force_flush()?)
    }

    fn most_outstanding(&self) -> u64 {
        MOST_OUTSTANDING
    }
}

fn w5(tracer: &SdkTracer) {
    let span = tracer
        .span_builder("GET /users/{id}")
        .with_kind(SpanKind::Server)
        .start(tracer);
    let _current = mark_span_as_active(span); // which ends it as well
    get_active_span(|span| {
        span.set_attribute(KeyValue::new("http.request.method", "GET"));
        span.set_attribute(KeyValue::new("url.path", "/users/42"));
        span.set_attribute(KeyValue::new("http.response.status_code", 200));
        span.set_attribute(KeyValue::new("server.load", 0.42));
        span.set_attribute(KeyValue::new("cache.hit", true));
    });
}

fn w10(tracer: &SdkTracer) {
    let _current = mark_span_as_active(tracer.start("benchmark.span.name"));
    get_active_span(|span| {
        span.set_attribute(KeyValue::new("benchmark.attr.key.0", "benchmark.value.00.0"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.1", "benchmark.value.00.1"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.2", "benchmark.value.00.2"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.3", "benchmark.value.00.3"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.4", "benchmark.value.00.4"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.5", "benchmark.value.00.5"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.6", "benchmark.value.00.6"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.7", "benchmark.value.00.7"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.8", "benchmark.value.00.8"));
        span.set_attribute(KeyValue::new("benchmark.attr.key.9", "benchmark.value.00.9"));
    });
}

/// The same span, with everything that is known when it begins given to its builder.
fn w5_builder(tracer: &SdkTracer) {
    let span = tracer
        .span_builder("GET /users/{id}")
        .with_kind(SpanKind::Server)
        .with_attributes(vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.path", "/users/42"),
            KeyValue::new("http.response.status_code", 200),
            KeyValue::new("server.load", 0.42),
            KeyValue::new("cache.hit", true),
        ])
        .start(tracer);
    let _current = mark_span_as_active(span);
}

fn w10_builder(tracer: &SdkTracer) {
    let span = tracer
        .span_builder("benchmark.span.name")
        .with_attributes(vec![
            KeyValue::new("benchmark.attr.key.0", "benchmark.value.00.0"),
            KeyValue::new("benchmark.attr.key.1", "benchmark.value.00.1"),
            KeyValue::new("benchmark.attr.key.2", "benchmark.value.00.2"),
            KeyValue::new("benchmark.attr.key.3", "benchmark.value.00.3"),
            KeyValue::new("benchmark.attr.key.4", "benchmark.value.00.4"),
            KeyValue::new("benchmark.attr.key.5", "benchmark.value.00.5"),
            KeyValue::new("benchmark.attr.key.6", "benchmark.value.00.6"),
            KeyValue::new("benchmark.attr.key.7", "benchmark.value.00.7"),
            KeyValue::new("benchmark.attr.key.8", "benchmark.value.00.8"),
            KeyValue::new("benchmark.attr.key.9", "benchmark.value.00.9"),
        ])
        .start(tracer);
    let _current = mark_span_as_active(span);
}

fn main() -> ExitCode {
    protocol::main(Pipeline::connect)
}
