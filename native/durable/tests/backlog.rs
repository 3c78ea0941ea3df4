//! What a lane and its backlog had not delivered outlives the process, whoever had taken it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_durable::{Directory, Plan, orphans};
use spanwire_queue::{Appended, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

const ALL: u32 = 12_000;
const PADDING: usize = 300;

/// A `Span` message that is its name.
fn span(number: u32) -> Vec<u8> {
    let name = format!("{number:06}{}", "x".repeat(PADDING));
    let len = u8::try_from(name.len() & 0x7f | 0x80).expect("a byte");
    let mut out = vec![0x2a, len, u8::try_from(name.len() >> 7).expect("short")];
    out.extend_from_slice(name.as_bytes());
    out
}

fn number(frame: &[u8]) -> u32 {
    let at = frame.len() - PADDING - 6;
    std::str::from_utf8(&frame[at..at + 6])
        .expect("digits")
        .parse()
        .expect("a number")
}

fn settle(lane: &Lane, spans: usize, is_done: bool) -> Vec<u32> {
    let batch = lane.take(spans, usize::MAX).expect("spans");
    let numbers = batch.each().map(|(_, frame)| number(frame)).collect();
    if is_done {
        lane.set_done(batch.end());
    }
    numbers
}

#[test]
fn what_neither_had_delivered_is_found() {
    let place = tempfile::tempdir().expect("a folder");
    let plan = Plan::new(place.path().join("queue"), "tests");
    let directory = Directory::create(&plan).expect("a folder");
    let mut writer = Writer::with_storage(Signal::Traces, directory.storage(), 1 << 30).expect("fork handlers");
    let lane = writer.add_lane(Limits {
        bytes: 1 << 30,
        ..Limits::default()
    });
    let group = Arc::<Group>::default();
    let mut append = |from: u32, to: u32| {
        for number in from..to {
            let span = span(number);
            assert_eq!(writer.append(&group, span.len(), |out| out.raw(&span)), Appended::Done);
        }
    };
    append(0, ALL);
    let behind = lane.split_backlog(1, Duration::ZERO).expect("much waits");
    append(ALL, 2 * ALL);
    let mut delivered = settle(&lane, 9_000, true);
    delivered.extend(settle(&behind, 7_000, true));
    settle(&lane, 100, false);
    settle(&behind, 100, false);
    lane.close();
    lane.keep();
    assert_eq!(lane.discard(), u64::from(2 * ALL) - 9_100 - 7_100);
    assert_eq!((lane.take_dropped().kept, behind.take_dropped().kept), (2_900, 4_900));
    drop(behind);
    drop((lane, writer, directory));

    let mut found = BTreeSet::new();
    let soon = Instant::now() + Duration::from_secs(60); // its thread may have it for a moment
    let all = loop {
        let all = orphans(&plan.path, Some("tests")).expect("readable");
        if !all.is_empty() || Instant::now() > soon {
            break all;
        }
    };
    for orphan in all {
        for at in &orphan.contents().expect("readable").blocks {
            let block = orphan.read(at).expect("readable").expect("in use");
            assert_eq!(block.lost, 0);
            found.extend(block.frames.iter().map(|(_, frame)| number(frame)));
        }
    }
    let delivered: BTreeSet<_> = delivered.into_iter().collect();
    let missing: Vec<_> = (0..2 * ALL)
        .filter(|number| !delivered.contains(number) && !found.contains(number))
        .collect();
    assert_eq!(missing, []);
    // What the backlog had delivered is not sent again; what lies between both may be.
    assert_eq!(found.len(), 2 * ALL as usize - 7_000);
}
