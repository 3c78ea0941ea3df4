//! Finished frames: appended, taken, made into requests.

use std::hint::black_box;
use std::sync::Arc;

use spanwire_queue::{Batch, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

use super::Run;
use crate::w5::{self, ROWS};

fn group(scope: &[u8]) -> Arc<Group> {
    Arc::new(Group {
        resource: w5::resource(),
        scope: w5::scope(scope),
        ..Group::default()
    })
}

fn queue() -> (Writer, Lane) {
    Writer::new(Signal::Traces, Limits::default()).expect("the handlers of forks")
}

pub fn push_take() -> Run {
    let (mut writer, lane) = queue();
    let (group, frame) = (group(b"bench"), w5::frame());
    Box::new(move |count| {
        for number in 1..=count {
            let _ = writer.append(&group, frame.len(), |out| out.raw(black_box(&frame)));
            if number % ROWS == 0 {
                let batch = lane.take(ROWS, usize::MAX).expect("frames wait");
                assert_eq!(batch.frames(), ROWS);
                lane.set_done(batch.end());
            }
        }
    })
}

/// A batch of spans of two scopes, in turns of 16.
fn taken() -> Batch {
    let (mut writer, lane) = queue();
    let (groups, frame) = ([group(b"bench"), group(b"other")], w5::frame());
    for number in 0..ROWS {
        let group = &groups[number / 16 % 2];
        let _ = writer.append(group, frame.len(), |out| out.raw(&frame));
    }
    lane.take(ROWS, usize::MAX).expect("frames wait")
}

pub fn batch() -> Run {
    let batch = taken();
    let mut out = Vec::with_capacity(1 << 17);
    Box::new(move |count| {
        for _ in 0..count / ROWS {
            out.clear();
            let request = black_box(&batch).request();
            out.reserve(request.len());
            request.write(&mut |piece| out.extend_from_slice(piece));
            black_box(&out);
        }
    })
}
