//! A span from begin to frame, and the calls on it.

use std::hint::black_box;

use spanwire_record::{Decision, Ids, Pool, Rule, Sampler, SpanContext, SpanRecord, Status};
use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write;

use super::Run;
use crate::w5;

/// Calls on a span.
const CALLS: usize = 10;

/// As a tracer does it, with a clock that stands still: how often the real one looks at the system's depends on time.
pub fn w5() -> Run {
    let (mut source, mut pool) = (Ids::new(), Pool::new());
    let sampler = Sampler::same(Rule::Always(Decision::RecordAndSample));
    let mut frames = Region::with_capacity(1 << 16);
    Box::new(move |count| {
        for _ in 0..count {
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
            w5::begin(&mut record, &ids);
            w5::set(&mut record);
            record.end(black_box(w5::END));
            frames.truncate(0);
            record.write_frame(&mut frames);
            black_box(frames.as_slice());
            pool.give(record);
        }
    })
}

/// Keys as instrumentations have them, and hashes as good as Python's.
fn keys() -> Vec<(String, u64)> {
    let hash = |number: u64| (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..CALLS as u64)
        .map(|number| (format!("http.request.{number:03}"), hash(number)))
        .collect()
}

/// `set` on [`CALLS`] keys of one span after the other.
fn on_spans(mut set: impl FnMut(&mut SpanRecord, &[u8], u64) -> Status + 'static) -> Run {
    let (keys, ids) = (keys(), w5::ids(1));
    let mut record = SpanRecord::new();
    Box::new(move |count| {
        for _ in 0..count / CALLS {
            w5::begin(&mut record, &ids);
            for (key, hash) in &keys {
                let _ = black_box(set(&mut record, black_box(key.as_bytes()), black_box(*hash)));
            }
        }
    })
}

pub fn set_str() -> Run {
    on_spans(|record, key, hash| record.set_str(key, hash, black_box(b"12345678901234567890")))
}

pub fn set_int() -> Run {
    on_spans(|record, key, hash| record.set_int(key, hash, black_box(200)))
}

pub fn set_float() -> Run {
    on_spans(|record, key, hash| record.set_double(key, hash, black_box(0.42)))
}

pub fn set_bool() -> Run {
    on_spans(|record, key, hash| record.set_bool(key, hash, black_box(true)))
}

/// Two attributes under this tag.
fn two(tag: u8) -> Vec<u8> {
    let mut out = Region::new();
    write::attribute_str(&mut out, tag, b"messaging.message.id", b"a1b2c3");
    write::attribute_int(&mut out, tag, b"messaging.batch.size", 12);
    out.into_vec()
}

pub fn event() -> Run {
    let attributes = two(len_tag(tag::event::ATTRIBUTES));
    on_spans(move |record, _, _| {
        record.add_event(
            black_box(b"cache.miss"),
            black_box(w5::START),
            black_box(&attributes),
            0,
        )
    })
}

pub fn link() -> Run {
    let (attributes, target) = (two(len_tag(tag::link::ATTRIBUTES)), w5::ids(7));
    on_spans(move |record, _, _| record.add_link(black_box(&target), b"", black_box(&attributes), 0))
}
