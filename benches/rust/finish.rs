//! What does a span cost the core beside its attributes: ids, the clock, beginning it and finishing its frame?

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use spanwire_record::{Clock, Decision, Ids, Limits, Pool, Rule, Sampler, SpanContext, SpanRecord};
use spanwire_wire::arena::Region;

/// The attributes of workload W5.
fn set_w5(record: &mut SpanRecord) {
    let _ = record.set_str(
        black_box(b"http.request.method"),
        black_box(11),
        black_box(b"GET"),
    );
    let _ = record.set_str(
        black_box(b"url.path"),
        black_box(22),
        black_box(b"/users/42"),
    );
    let _ = record.set_int(
        black_box(b"http.response.status_code"),
        black_box(33),
        black_box(200),
    );
    let _ = record.set_double(black_box(b"server.load"), black_box(44), black_box(0.42));
    let _ = record.set_bool(black_box(b"cache.hit"), black_box(55), black_box(true));
}

fn begin(record: &mut SpanRecord, ids: &SpanContext, start: u64) {
    record.begin(
        Limits::default(),
        None,
        ids,
        black_box(b"GET /users/{id}"),
        2,
        start,
    );
}

fn parts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("span");
    let (mut source, mut pool) = (Ids::new(), Pool::new());
    let sampler = Sampler::same(Rule::Always(Decision::RecordAndSample));
    let mut clock = Clock::counting();
    group.bench_function("clock of the system", |bencher| {
        bencher.iter(|| Clock::system().now());
    });
    group.bench_function("clock, counting if the processor can", |bencher| {
        bencher.iter(|| clock.now());
    });
    group.bench_function("ids of a root", |bencher| bencher.iter(|| source.root()));
    group.bench_function("ids of a child", |bencher| bencher.iter(|| source.span()));

    let ids = SpanContext {
        trace_id: [1; 16],
        span_id: [2; 8],
        flags: 1,
        ..SpanContext::default()
    };
    group.bench_function("begin and give back, without ids and clock", |bencher| {
        bencher.iter(|| {
            let mut record = pool.take();
            begin(&mut record, black_box(&ids), 1);
            pool.give(black_box(record));
        });
    });

    let mut frames = Region::with_capacity(1 << 16);
    for (name, attributes) in [
        ("end and frame of W5, without clock", true),
        ("the same without attributes", false),
    ] {
        let mut record = SpanRecord::new();
        begin(&mut record, &ids, 1);
        if attributes {
            set_w5(&mut record);
        }
        record.end(2);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                frames.truncate(0);
                black_box(&mut record).end(black_box(2));
                record.write_frame(&mut frames);
                black_box(frames.as_slice());
            });
        });
    }

    group.bench_function("W5 whole, with ids and clock", |bencher| {
        bencher.iter(|| {
            let (trace_id, span_id) = source.root();
            let mut ids = SpanContext {
                trace_id,
                span_id,
                ..SpanContext::default()
            };
            if sampler.decide(None, &trace_id) == Decision::RecordAndSample {
                ids.flags |= SpanContext::SAMPLED;
            }
            let mut record = pool.take();
            begin(&mut record, &ids, clock.now());
            set_w5(&mut record);
            record.end(clock.now());
            if frames.len() > 60_000 {
                frames.truncate(0);
            }
            record.write_frame(&mut frames);
            pool.give(record);
        });
    });
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
