//! What does a finished frame cost from the writer to the request: appended, taken, put together with others?

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use spanwire_queue::{Batch, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

const SPANS: usize = 512;
/// As long as a frame of W5 and one of a long span.
const LENGTHS: [usize; 2] = [210, 1200];

fn group(scope: &str) -> Arc<Group> {
    Arc::new(Group {
        resource: vec![b'r'; 90],
        scope: scope.into(),
        ..Group::default()
    })
}

fn queue() -> (Writer, Lane) {
    Writer::new(Signal::Traces, Limits::default()).expect("the handlers of forks")
}

fn append(writer: &mut Writer, group: &Arc<Group>, frame: &[u8]) {
    let _ = writer.append(group, frame.len(), |out| out.raw(black_box(frame)));
}

/// Frames of the groups, in turns of 16.
fn filled(groups: &[Arc<Group>], frame: &[u8]) -> Lane {
    let (mut writer, lane) = queue();
    for number in 0..SPANS {
        append(&mut writer, &groups[number / 16 % groups.len()], frame);
    }
    lane
}

fn take(lane: &Lane) -> Batch {
    lane.take(SPANS, usize::MAX).expect("frames wait")
}

fn frames(criterion: &mut Criterion) {
    for len in LENGTHS {
        let mut of = criterion.benchmark_group(format!("frames of {len} bytes"));
        of.throughput(Throughput::Elements(SPANS as u64));
        let (frame, bench) = (vec![1; len], group("bench"));
        let (mut writer, lane) = queue();
        of.bench_function("appended and taken", |bencher| {
            bencher.iter(|| {
                for _ in 0..SPANS {
                    append(&mut writer, &bench, &frame);
                }
                lane.set_done(black_box(take(&lane)).end());
            });
        });
        let one = std::slice::from_ref(&bench);
        of.bench_function("taken", |bencher| {
            bencher.iter_batched(
                || filled(one, &frame),
                |lane| {
                    let batch = take(&lane);
                    (lane, batch)
                },
                BatchSize::SmallInput,
            );
        });
        of.finish();
    }
}

fn requests(criterion: &mut Criterion) {
    for (name, groups) in [
        ("one scope", vec![group("bench")]),
        ("two scopes in turns", vec![group("bench"), group("other")]),
    ] {
        let mut of = criterion.benchmark_group(format!("request of 512 frames, {name}"));
        of.throughput(Throughput::Elements(SPANS as u64));
        for len in LENGTHS {
            let lane = filled(&groups, &vec![1; len]);
            let batch = take(&lane);
            let mut out = Vec::new();
            of.bench_function(format!("of {len} bytes"), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    let request = black_box(&batch).request();
                    out.reserve(request.len());
                    request.write(&mut |piece| out.extend_from_slice(piece));
                    black_box(&out);
                });
            });
        }
        of.finish();
    }
}

criterion_group!(benches, frames, requests);
criterion_main!(benches);
