//! The hand-over from writer to reader in every order that threads can take: `RUSTFLAGS="--cfg loom" cargo test --test loom`.
#![cfg(loom)]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use loom::future::block_on;
use loom::sync::atomic::{Ordering, fence};
use loom::thread;
use spanwire_queue::{Appended, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

/// All orders with at most so many changes of threads against their will.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn append(writer: &mut Writer, group: &Arc<Group>, number: u8) -> Appended {
    writer.append(group, 40, |out| out.raw(&[number; 40]))
}

fn take(lane: &Lane, taken: &mut Vec<u8>) {
    if let Some(batch) = lane.take(2, usize::MAX) {
        for (_, frame) in batch.each() {
            assert!(frame.len() == 40 && frame.iter().all(|&byte| byte == frame[0]));
            taken.push(frame[0]);
        }
        lane.set_done(batch.end());
    }
}

/// Waits as the worker does: with a second look, when what was published before the first is visible.
async fn wait(lane: &Lane, frames: u64) {
    poll_fn(|task: &mut Context<'_>| {
        if lane.poll_wait(task, frames, usize::MAX).is_ready() {
            return Poll::Ready(());
        }
        fence(Ordering::SeqCst);
        lane.poll_wait(task, frames, usize::MAX)
    })
    .await;
}

fn balanced(lane: &Lane) {
    let counts = lane.counts();
    assert_eq!(
        counts.accepted,
        counts.taken + counts.queued + counts.full + counts.closed
    );
}

/// A chunk holds them all.
const ROOMY: Limits = Limits {
    bytes: 16 << 10,
    frames: usize::MAX,
};
/// Each frame has a chunk of its own, and two fit.
const TIGHT: Limits = Limits {
    bytes: 150,
    frames: usize::MAX,
};

#[test]
fn a_reader_sees_whole_frames_in_order() {
    check(|| {
        let (mut writer, lane) = Writer::new(Signal::Traces, ROOMY).expect("a queue");
        let groups = [(); 2].map(|()| Arc::new(Group::default()));
        let reader = thread::spawn(move || {
            let mut taken = Vec::new();
            take(&lane, &mut taken);
            take(&lane, &mut taken);
            (lane, taken)
        });
        for number in 0..3 {
            let _ = append(&mut writer, &groups[usize::from(number & 1)], number);
        }
        let (lane, mut taken) = reader.join().expect("reads");
        take(&lane, &mut taken);
        take(&lane, &mut taken);
        assert_eq!(taken, [0, 1, 2]);
        balanced(&lane);
    });
}

#[test]
fn chunks_that_are_dropped_and_used_again_are_never_written_while_they_are_read() {
    check(|| {
        let (mut writer, lane) = Writer::new(Signal::Traces, TIGHT).expect("a queue");
        let group = Arc::new(Group::default());
        let reader = thread::spawn(move || {
            let mut taken = Vec::new();
            take(&lane, &mut taken);
            (lane, taken)
        });
        for number in 0..4 {
            let _ = append(&mut writer, &group, number);
        }
        let (lane, mut taken) = reader.join().expect("reads");
        take(&lane, &mut taken);
        assert!(taken.is_sorted() && taken.last() == Some(&3), "{taken:?}");
        let counts = lane.counts();
        assert_eq!((counts.taken, counts.taken + counts.full), (taken.len() as u64, 4));
    });
}

#[test]
fn a_sleeping_reader_is_woken() {
    check(|| {
        let (mut writer, lane) = Writer::new(Signal::Traces, ROOMY).expect("a queue");
        let group = Arc::new(Group::default());
        let reader = thread::spawn(move || {
            block_on(wait(&lane, 2));
            lane.counts().queued
        });
        let _ = append(&mut writer, &group, 0);
        let _ = append(&mut writer, &group, 1);
        // Were it asleep for ever, loom would find a deadlock.
        assert_eq!(reader.join().expect("wakes"), 2);
    });
}

#[test]
fn a_flush_ends_when_what_was_there_is_done_with() {
    check(|| {
        let (mut writer, lane) = Writer::new(Signal::Traces, ROOMY).expect("a queue");
        let lane = Arc::new(lane);
        let _ = append(&mut writer, &Arc::new(Group::default()), 7);
        let reader = {
            let lane = Arc::clone(&lane);
            thread::spawn(move || {
                block_on(wait(&lane, 99));
                take(&lane, &mut Vec::new());
            })
        };
        let until = lane.flush();
        let for_ever = std::time::Instant::now() + std::time::Duration::from_secs(3600);
        assert!(lane.wait_done(until, lane.generation(), for_ever));
        assert_eq!(lane.counts().taken, 1);
        reader.join().expect("reads");
    });
}

#[test]
fn what_comes_around_a_close_is_taken_or_counted() {
    check(|| {
        let (mut writer, lane) = Writer::new(Signal::Traces, ROOMY).expect("a queue");
        let lane = Arc::new(lane);
        let closer = {
            let lane = Arc::clone(&lane);
            thread::spawn(move || {
                lane.close();
                lane.discard()
            })
        };
        for number in 0..2 {
            let _ = append(&mut writer, &Arc::new(Group::default()), number);
        }
        let _ = closer.join().expect("closes");
        balanced(&lane);
        assert_eq!((lane.counts().accepted, lane.counts().closed), (2, 2));
    });
}
