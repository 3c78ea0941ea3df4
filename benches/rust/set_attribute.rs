//! What does setting an attribute cost the core, by type of value and by what is there already? Figures are for one call, with
//! a small share of beginning the span.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spanwire_record::{Limits, SpanContext, SpanRecord};

/// Attributes a span.
const COUNT: u64 = 10;

/// A key as instrumentations have them, and a hash as good as Python's.
fn keys(count: u64) -> Vec<(String, u64)> {
    (0..count)
        .map(|number| {
            (
                format!("http.request.{number:03}"),
                (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            )
        })
        .collect()
}

fn begin(record: &mut SpanRecord, limits: Limits) {
    record.begin(
        limits,
        None,
        &SpanContext::default(),
        b"GET /users/{id}",
        2,
        1,
    );
}

/// One type after the other: `COUNT` attributes under keys that are new to the span.
fn by_type(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("set_attribute");
    group.throughput(Throughput::Elements(COUNT));
    let keys = keys(COUNT);
    let mut record = SpanRecord::new();
    let mut run = |name: &str, set: &dyn Fn(&mut SpanRecord, &[u8], u64)| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                begin(&mut record, Limits::default());
                for (key, hash) in &keys {
                    set(&mut record, black_box(key.as_bytes()), black_box(*hash));
                }
            });
        });
    };
    run("str of 3", &|record, key, hash| {
        let _ = black_box(record.set_str(key, hash, black_box(b"GET")));
    });
    run("str of 20", &|record, key, hash| {
        let _ = black_box(record.set_str(key, hash, black_box(b"12345678901234567890")));
    });
    run("str of 64", &|record, key, hash| {
        let _ = black_box(record.set_str(key, hash, black_box(&[b'x'; 64])));
    });
    run("int 200", &|record, key, hash| {
        let _ = black_box(record.set_int(key, hash, black_box(200)));
    });
    run("int 2^60", &|record, key, hash| {
        let _ = black_box(record.set_int(key, hash, black_box(1 << 60)));
    });
    run("double", &|record, key, hash| {
        let _ = black_box(record.set_double(key, hash, black_box(0.42)));
    });
    run("bool", &|record, key, hash| {
        let _ = black_box(record.set_bool(key, hash, black_box(true)));
    });
    group.finish();
}

/// What is slower: the same key again, a full span, and one that grows beyond what a list of hashes is good for.
fn special(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("set_attribute, special");
    let mut record = SpanRecord::new();
    let many = keys(100_000);
    group.throughput(Throughput::Elements(100));
    group.bench_function("the same key again", |bencher| {
        bencher.iter(|| {
            begin(&mut record, Limits::default());
            for _ in 0..100 {
                let _ =
                    black_box(record.set_int(black_box(b"http.request.001"), black_box(7), 200));
            }
        });
    });
    group.bench_function("ten keys in turn", |bencher| {
        bencher.iter(|| {
            begin(&mut record, Limits::default());
            for (key, hash) in many[..10].iter().cycle().take(100) {
                let _ = black_box(record.set_int(black_box(key.as_bytes()), black_box(*hash), 200));
            }
        });
    });
    group.throughput(Throughput::Elements(2000));
    group.bench_function("evicting at the limit of 128", |bencher| {
        bencher.iter(|| {
            begin(&mut record, Limits::default());
            for (key, hash) in &many[..2000] {
                let _ = black_box(record.set_int(black_box(key.as_bytes()), black_box(*hash), 200));
            }
        });
    });
    group.sample_size(20);
    for count in [1000, 100_000_usize] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("without a limit", count), |bencher| {
            bencher.iter(|| {
                begin(&mut record, Limits::UNLIMITED);
                for (key, hash) in &many[..count] {
                    let _ =
                        black_box(record.set_int(black_box(key.as_bytes()), black_box(*hash), 200));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, by_type, special);
criterion_main!(benches);
