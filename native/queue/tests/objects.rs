//! Objects beside the frames: one order, one bound and one count with them, and no part of a request.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use proptest::collection::vec;
use proptest::prelude::*;
use spanwire_queue::{Appended, Attached, Entry, Group, Lane, Limits, OBJECT_BYTES, WhenFull, Writer};
use spanwire_wire::Signal;

#[derive(Clone, Debug)]
enum Step {
    Frame(u8),
    Object,
    Take(usize),
    Discard,
}

/// What waits: a frame with its group and number, or an object with its number.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Queued {
    Frame(u8, u32),
    Object(u32),
}

fn object(number: u32) -> (Attached, Weak<u32>) {
    let number = Arc::new(number);
    let weak = Arc::downgrade(&number);
    (Attached(Some(number)), weak)
}

fn groups() -> [Arc<Group>; 3] {
    [0, 1, 2].map(|number| {
        Arc::new(Group {
            resource: vec![0x0A, 1, number],
            ..Group::default()
        })
    })
}

fn entry(entry: &Entry<'_>) -> Queued {
    match entry {
        Entry::Frame(group, frame) => Queued::Frame(
            group.resource[2],
            u32::from_le_bytes((*frame).try_into().expect("four bytes")),
        ),
        Entry::Object(object) => Queued::Object(*object.get::<u32>().expect("a number")),
    }
}

fn all(lane: &Lane, most: usize) -> Vec<Queued> {
    lane.take(most, usize::MAX)
        .map(|batch| batch.entries().map(|of| entry(&of)).collect())
        .unwrap_or_default()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_u8).prop_map(Step::Frame),
        6 => Just(Step::Object),
        2 => (1..40_usize).prop_map(Step::Take),
        1 => Just(Step::Discard),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 256 }))]

    #[test]
    fn frames_and_objects_are_one_queue(
        steps in vec(step(), 1..300),
        bound in 1..60_usize,
        when_full in prop_oneof![Just(WhenFull::DropOldest), Just(WhenFull::DropNewest)],
    ) {
        let limits = Limits { frames: bound, ..Limits::default() };
        let (mut writer, lane) = Writer::new(Signal::Traces, limits).expect("fork handlers");
        lane.set_when_full(when_full);
        let groups = groups();
        let mut model = VecDeque::new();
        let mut weak = Vec::new();
        let (mut number, mut taken, mut full, mut closed) = (0, 0, 0, 0);
        for step in steps {
            match step {
                Step::Frame(_) | Step::Object => {
                    let said = if let Step::Frame(of) = step {
                        model.push_back(Queued::Frame(of, number));
                        writer.append(&groups[usize::from(of)], 4, |out| out.raw(&number.to_le_bytes()))
                    } else {
                        let (object, gone) = object(number);
                        weak.push((number, gone));
                        model.push_back(Queued::Object(number));
                        writer.append_object(&object)
                    };
                    prop_assert_eq!(said, Appended::Done);
                    number += 1;
                    if model.len() > bound {
                        full += 1;
                        if when_full == WhenFull::DropOldest {
                            model.pop_front();
                        } else {
                            model.pop_back();
                        }
                    }
                }
                Step::Take(most) => {
                    let expected: Vec<_> = model.drain(..most.min(model.len())).collect();
                    taken += expected.len() as u64;
                    prop_assert_eq!(all(&lane, most), expected);
                }
                Step::Discard => {
                    closed += model.len() as u64;
                    prop_assert_eq!(lane.discard(), model.len() as u64);
                    model.clear();
                }
            }
            // Of the objects exactly those live that wait.
            for (number, weak) in &weak {
                prop_assert_eq!(weak.upgrade().is_some(), model.contains(&Queued::Object(*number)));
            }
            let counts = lane.counts();
            prop_assert_eq!((counts.accepted, counts.queued), (u64::from(number), model.len() as u64));
            prop_assert_eq!((counts.taken, counts.full, counts.closed), (taken, full, closed));
        }
    }
}

#[test]
fn each_lane_has_its_objects_until_it_has_passed_them() {
    let (mut writer, first) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let second = writer.add_lane(Limits::default());
    let (one, gone) = object(1);
    let _ = writer.append_object(&one);
    drop(one);
    assert_eq!(all(&first, 9), [Queued::Object(1)]);
    assert_eq!(gone.strong_count(), 1);
    drop(second);
    assert_eq!(gone.strong_count(), 0);
}

#[test]
fn a_closed_lane_gets_no_more_objects() {
    let (mut writer, first) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let second = writer.add_lane(Limits::default());
    first.close();
    let (one, gone) = object(1);
    let _ = writer.append_object(&one);
    drop(one);
    assert_eq!((first.counts().closed, all(&first, 9)), (1, vec![]));
    assert_eq!(all(&second, 9), [Queued::Object(1)]);
    assert_eq!(gone.strong_count(), 0);
}

#[test]
fn where_the_reader_must_wait_an_object_is_handed_back() {
    let limits = Limits {
        frames: 1,
        ..Limits::default()
    };
    let (mut writer, lane) = Writer::new(Signal::Traces, limits).expect("fork handlers");
    lane.set_when_full(WhenFull::Block);
    let ((one, _), (two, _)) = (object(1), object(2));
    assert_eq!(writer.append_object(&one), Appended::Done);
    assert_eq!(writer.append_object(&two), Appended::Full);
    assert_eq!(all(&lane, 9), [Queued::Object(1)]);
    assert_eq!(writer.append_object(&two), Appended::Done);
    assert_eq!((all(&lane, 9), lane.counts().accepted), (vec![Queued::Object(2)], 2));
}

#[test]
fn a_request_has_the_frames_alone() {
    let (mut writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let (mut plain, other) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let (groups, (thing, _)) = (groups(), object(0));
    for number in 0..500_u32 {
        let of = &groups[number as usize % 3];
        let _ = writer.append(of, 4, |out| out.raw(&number.to_le_bytes()));
        let _ = writer.append_object(&thing);
        let _ = plain.append(of, 4, |out| out.raw(&number.to_le_bytes()));
    }
    assert!(lane.frame_bytes() > 500 * OBJECT_BYTES);
    let (batch, expected) = (lane.take(1000, usize::MAX), other.take(1000, usize::MAX));
    let (mut batch, expected) = (batch.expect("frames"), expected.expect("frames"));
    assert_eq!((batch.frames(), batch.entries().count()), (500, 1000));
    assert_eq!(batch.request().to_vec(), expected.request().to_vec());
    batch.pass(|_, _| spanwire_queue::Verdict::Drop);
    assert_eq!((batch.frames(), batch.entries().count()), (0, 500));
}
