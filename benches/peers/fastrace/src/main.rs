//! fastrace as a program uses it: its spans and collector, its OpenTelemetry reporter, OTLP over HTTP.

use std::borrow::Cow;
use std::hint::black_box;
use std::process::ExitCode;

use fastrace::collector::Config;
use fastrace::prelude::{LocalSpan, Span, SpanContext};
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::{Compression, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;

use crate::protocol::{Failure, Order, STEP_SPANS, Sender};

#[expect(dead_code, reason = "fastrace cannot be told how many spans to send at a time")]
#[path = "../../protocol.rs"]
mod protocol;

/// A thread's ring to the collector holds 10,240 commands, and a current span is four of them. What does not fit stays with
/// the thread until it makes another span, so it would never be sent at the end.
const MOST_OUTSTANDING: u64 = 2_560;

struct Collected {
    workload: fn(),
}

impl Collected {
    /// Sets the process's reporter. How many spans it sends at a time is the collector's affair.
    fn connect(order: &Order) -> Result<Self, Failure> {
        let workload = match order.workload.as_str() {
            "W5" => w5,
            "W10" => w10,
            other => return Err(format!("no workload {other}").into()),
        };
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&order.endpoint);
        if order.gzip {
            exporter = exporter.with_compression(Compression::Gzip);
        }
        let resource = Resource::builder().with_service_name("bench").build();
        let scope = InstrumentationScope::builder("bench").with_version("1.0").build();
        let reporter = OpenTelemetryReporter::new(exporter.build()?, Cow::Owned(resource), scope);
        fastrace::set_reporter(reporter, Config::default());
        Ok(Self { workload })
    }
}

impl Sender for Collected {
    fn step(&mut self) {
        for _ in 0..STEP_SPANS {
            (self.workload)();
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        fastrace::flush();
        Ok(())
    }

    fn most_outstanding(&self) -> u64 {
        MOST_OUTSTANDING
    }
}

fn w5() {
    let span = Span::root("GET /users/{id}", SpanContext::random()).with_property(|| ("span.kind", "server")); // which the reporter makes the span's kind
    let _current = span.set_local_parent();
    LocalSpan::add_property(|| ("http.request.method", "GET"));
    LocalSpan::add_property(|| ("url.path", "/users/42"));
    LocalSpan::add_property(|| ("http.response.status_code", black_box(200).to_string()));
    LocalSpan::add_property(|| ("server.load", black_box(0.42).to_string()));
    LocalSpan::add_property(|| ("cache.hit", if black_box(true) { "true" } else { "false" }));
}

fn w10() {
    let span = Span::root("benchmark.span.name", SpanContext::random());
    let _current = span.set_local_parent();
    LocalSpan::add_property(|| ("benchmark.attr.key.0", "benchmark.value.00.0"));
    LocalSpan::add_property(|| ("benchmark.attr.key.1", "benchmark.value.00.1"));
    LocalSpan::add_property(|| ("benchmark.attr.key.2", "benchmark.value.00.2"));
    LocalSpan::add_property(|| ("benchmark.attr.key.3", "benchmark.value.00.3"));
    LocalSpan::add_property(|| ("benchmark.attr.key.4", "benchmark.value.00.4"));
    LocalSpan::add_property(|| ("benchmark.attr.key.5", "benchmark.value.00.5"));
    LocalSpan::add_property(|| ("benchmark.attr.key.6", "benchmark.value.00.6"));
    LocalSpan::add_property(|| ("benchmark.attr.key.7", "benchmark.value.00.7"));
    LocalSpan::add_property(|| ("benchmark.attr.key.8", "benchmark.value.00.8"));
    LocalSpan::add_property(|| ("benchmark.attr.key.9", "benchmark.value.00.9"));
}

fn main() -> ExitCode {
    protocol::main(Collected::connect)
}
