//! Who is told and woken when; forks; lanes beside each other.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::storage::Heap;
use crate::{Appended, Group, Lane, Limits, WhenFull, Writer};
use spanwire_wire::Signal;

fn queue() -> (Writer, Lane, Arc<Group>) {
    let (writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    (writer, lane, Arc::new(Group::default()))
}

fn append(writer: &mut Writer, group: &Arc<Group>) -> Appended {
    writer.append(group, 10, |out| out.raw(&[1; 10]))
}

fn is_back_within(limit: Duration) -> bool {
    let begin = Instant::now();
    thread::park_timeout(limit);
    begin.elapsed() < limit
}

/// Were it not, it would be parked for all that time: how late a busy machine lets it go on says nothing.
fn is_unparked() -> bool {
    is_back_within(Duration::from_secs(60))
}

fn is_left_parked() -> bool {
    !is_back_within(Duration::from_millis(20))
}

#[test]
fn whoever_appends_is_told_until_one_caller_has_begun_to_read() {
    let (mut writer, lane, group) = queue();
    assert_eq!(append(&mut writer, &group), Appended::Done);
    lane.want_reader();
    assert_eq!(append(&mut writer, &group), Appended::Attend);
    assert_eq!(append(&mut writer, &group), Appended::Attend);
    assert!(lane.begin_reader() && !lane.begin_reader());
    assert_eq!(append(&mut writer, &group), Appended::Done);
    assert!(lane.may_sleep(10, 1000));
    lane.end_reader();
    assert_eq!(append(&mut writer, &group), Appended::Attend);
}

#[test]
fn news_are_told_until_they_are_taken() {
    let (mut writer, lane, group) = queue();
    assert_eq!(append(&mut writer, &group), Appended::Done);
    lane.set_news();
    assert_eq!(append(&mut writer, &group), Appended::Attend);
    assert!(lane.take_news() && !lane.take_news());
    assert_eq!(append(&mut writer, &group), Appended::Done);
}

#[test]
fn a_reader_is_woken_once_by_what_waits_and_does_not_sleep_when_it_was_nudged_before() {
    let (mut writer, lane, group) = queue();
    lane.want_reader();
    assert!(lane.begin_reader());
    lane.wake(); // before it is there
    assert!(!lane.may_sleep(2, 1000));
    assert!(lane.may_sleep(2, 1000));
    let _ = append(&mut writer, &group);
    assert!(is_left_parked());
    let _ = append(&mut writer, &group);
    assert!(is_unparked());
    let _ = append(&mut writer, &group);
    assert!(is_left_parked());
    assert!(!lane.may_sleep(2, 1000)); // nudged, and enough waits
    assert!(!lane.may_sleep(2, 1000));
    assert!(!lane.may_sleep(9, 20));
    let _ = lane.take(9, 9999);
    assert!(lane.may_sleep(2, 1000));
}

#[test]
fn a_reader_is_woken_by_bytes_when_a_chunk_is_full() {
    let (mut writer, lane, group) = queue();
    assert!(lane.may_sleep(u64::MAX, 100_000));
    for _ in 0..90 {
        let _ = writer.append(&group, 1000, |out| out.raw(&[1; 1000]));
    }
    assert!(is_left_parked());
    for _ in 0..90 {
        let _ = writer.append(&group, 1000, |out| out.raw(&[1; 1000]));
    }
    assert!(is_unparked());
}

#[test]
fn frames_are_done_with_when_the_reader_says_so() {
    let (mut writer, lane, group) = queue();
    let soon = || Instant::now() + Duration::from_millis(10);
    assert!(lane.wait_done(0, lane.generation(), soon()));
    let _ = append(&mut writer, &group);
    assert_eq!(lane.gone(), 0);
    assert!(!lane.wait_done(1, lane.generation(), soon()));
    let _ = lane.take(1, 1);
    assert_eq!(lane.gone(), 1);
    assert!(!lane.wait_done(1, lane.generation(), soon()));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| lane.wait_done(1, lane.generation(), Instant::now() + Duration::from_secs(60)));
        lane.set_done(1);
        assert!(waiting.join().expect("waits"));
    });
}

#[test]
fn a_flush_keeps_the_reader_awake_until_what_was_there_is_taken() {
    let (mut writer, lane, group) = queue();
    let _ = append(&mut writer, &group);
    assert_eq!(lane.flush(), 1);
    assert!(!lane.may_sleep(9, 9999) && lane.is_flushing());
    assert!(!lane.may_sleep(9, 9999)); // no nudge, the flush
    let _ = append(&mut writer, &group);
    let _ = lane.take(1, 9999);
    assert!(!lane.is_flushing() && lane.may_sleep(9, 9999));
}

#[test]
fn drops_are_told_once() {
    let (mut writer, lane) = Writer::new(
        Signal::Traces,
        Limits {
            frames: 1,
            ..Limits::default()
        },
    )
    .expect("fork handlers");
    let group = Arc::new(Group::default());
    for _ in 0..3 {
        let _ = append(&mut writer, &group);
    }
    assert_eq!(dropped(&lane), (2, 0));
    lane.close();
    assert_eq!(append(&mut writer, &group), Appended::Attend);
    assert_eq!(lane.discard(), 1);
    assert_eq!((dropped(&lane), dropped(&lane)), ((0, 2), (0, 0)));
}

#[test]
fn lanes_have_positions_bounds_and_ends_of_their_own() {
    let (mut writer, all, group) = queue();
    let few = writer.add_lane(Limits {
        frames: 2,
        ..Limits::default()
    });
    for _ in 0..5 {
        let _ = append(&mut writer, &group);
    }
    let late = writer.add_lane(Limits::default());
    let _ = append(&mut writer, &group);
    assert_eq!(
        (all.counts().queued, few.counts().queued, late.counts().queued),
        (6, 2, 1)
    );
    assert_eq!(
        (few.counts().accepted, few.counts().full, late.counts().accepted),
        (6, 4, 1)
    );
    few.close();
    let _ = append(&mut writer, &group);
    assert_eq!(
        (few.counts().closed, few.counts().queued, late.counts().queued),
        (1, 2, 2)
    );
    let taken = |lane: &Lane| lane.take(99, 99_999).map(|batch| batch.frames());
    assert_eq!((taken(&all), taken(&few), taken(&late)), (Some(7), Some(2), Some(2)));
    assert_eq!((taken(&all), taken(&few), taken(&late)), (None, None, None));
    all.close();
    late.close();
    assert_eq!(append(&mut writer, &group), Appended::Attend);
    for lane in [all, few, late] {
        let counts = lane.counts();
        assert_eq!(
            counts.accepted,
            counts.taken + counts.queued + counts.full + counts.closed
        );
    }
}

#[cfg_attr(miri, ignore = "takes minutes; nothing in it that others do not do")]
#[test]
fn more_groups_than_a_chunk_has_numbers_for_go_into_the_next() {
    let (mut writer, lane, _) = queue();
    let groups: Vec<_> = (0..=255)
        .map(|n| {
            Arc::new(Group {
                scope: vec![n],
                ..Group::default()
            })
        })
        .collect();
    for group in groups.iter().chain(&groups) {
        let _ = append(&mut writer, group);
    }
    let batch = lane.take(1000, usize::MAX).expect("all");
    let numbers: Vec<_> = batch
        .each()
        .map(|(group, frame)| (group.scope[0], frame.len()))
        .collect();
    let expected: Vec<_> = (0..=255).chain(0..=255).map(|n| (n, 10)).collect();
    assert_eq!(numbers, expected);
}

/// A group that the chunk has by an equal one is not kept by it, and the next one may lie where it was.
#[test]
fn a_group_is_not_taken_for_one_that_lay_there_before() {
    let (mut writer, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let mut expected = Vec::new();
    for number in [0, 0, 1, 1, 2, 0, 2, 1].repeat(20) {
        let group = Arc::new(Group {
            resource: vec![number],
            ..Group::default()
        });
        let _ = writer.append(&group, 1, |out| out.raw(&[7]));
        expected.push(number);
    }
    let batch = lane.take(usize::MAX, usize::MAX).expect("frames");
    let found: Vec<_> = batch.each().map(|(group, _)| group.resource[0]).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_waits_is_left_to_the_lane_when_the_writer_goes() {
    let (mut writer, lane, group) = queue();
    let _ = append(&mut writer, &group);
    assert!(lane.may_sleep(9, 9999) && !lane.is_ended());
    drop(writer);
    assert!(is_unparked() && lane.is_ended());
    assert_eq!(lane.take(9, 9999).map(|batch| batch.frames()), Some(1));
}

fn fill(number: u32) -> u8 {
    number.to_le_bytes()[0]
}

/// One writer and three readers at once, of which one drops: what each takes is whole, in order, and the counts agree.
#[test]
fn readers_beside_a_writer_see_whole_frames_in_order() {
    let frames: u32 = if cfg!(miri) { 300 } else { 200_000 };
    let (mut writer, first, group) = queue();
    let other = Arc::new(Group::default());
    let second = writer.add_lane(Limits::default());
    let third = writer.add_lane(Limits {
        bytes: 300_000,
        ..Limits::default()
    });
    let read = |lane: Lane, drops: bool| {
        move || {
            let mut next = 0;
            loop {
                let is_ended = lane.is_ended();
                let Some(batch) = lane.take(500, 60_000) else {
                    if is_ended {
                        break;
                    }
                    thread::yield_now();
                    continue;
                };
                for (_, frame) in batch.each() {
                    let (number, rest) = frame.split_at(4);
                    let number = u32::from_le_bytes(number.try_into().expect("four"));
                    assert!(number == next || (drops && number > next), "{number} after {next}");
                    assert!(rest.len() == (number % 90) as usize && rest.iter().all(|&byte| byte == fill(number)));
                    next = number + 1;
                }
            }
            let counts = lane.counts();
            assert_eq!((counts.accepted, counts.queued), (u64::from(frames), 0));
            assert_eq!(counts.taken + counts.full, counts.accepted);
            assert!(drops || counts.full == 0);
        }
    };
    let readers =
        [(first, false), (second, false), (third, true)].map(|(lane, drops)| thread::spawn(read(lane, drops)));
    for number in 0..frames {
        let group = if number % 7 < 3 { &group } else { &other };
        let _ = writer.append(group, 100, |out| {
            out.raw(&number.to_le_bytes());
            out.raw(&vec![fill(number); (number % 90) as usize]);
        });
    }
    drop(writer);
    for reader in readers {
        reader.join().expect("reads");
    }
}

#[cfg(not(miri))]
#[test]
fn a_forked_child_has_an_empty_queue_and_no_reader_and_the_parent_keeps_its_own() {
    let (mut writer, lane, group) = queue();
    lane.want_reader();
    assert!(lane.begin_reader() && lane.may_sleep(9, 999));
    for _ in 0..3 {
        let _ = append(&mut writer, &group);
    }
    let good = spanwire_ground::testing::fork_and_wait(|| {
        lane.counts() == crate::Counts::default()
            && lane.take(9, 9999).is_none()
            && append(&mut writer, &group) == Appended::Attend
            && lane.begin_reader()
            && lane.take(9, 9999).is_some_and(|batch| batch.frames() == 1)
            && lane.counts().accepted == 1
    });
    assert!(good);
    assert_eq!((lane.counts().accepted, lane.counts().queued), (3, 3));
}

/// A fork while others append, take and wait finds no lock held and no queue half written.
#[cfg(not(miri))]
#[test]
fn a_child_forked_in_the_middle_of_everything_can_use_its_queue() {
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (mut mine, lane, group) = queue();
    let busy: Vec<_> = (0..3)
        .map(|_| {
            let (mut writer, lane, group) = queue();
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = append(&mut writer, &group);
                    let _ = lane.take(10, 9999);
                    let _ = lane.wait_done(u64::MAX, lane.generation(), Instant::now());
                }
            })
        })
        .collect();
    for _ in 0..50 {
        let _ = append(&mut mine, &group);
        assert!(spanwire_ground::testing::fork_and_wait(|| {
            append(&mut mine, &group) == Appended::Done && lane.counts().queued == 1
        }));
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for thread in busy {
        thread.join().expect("goes on in the parent");
    }
    assert_eq!(lane.counts().queued, 50);
}

#[test]
fn a_closed_lane_that_nobody_empties_is_bounded_too() {
    let limits = Limits {
        bytes: 1 << 20,
        frames: usize::MAX,
    };
    let (mut writer, slow) = Writer::new(Signal::Traces, limits).expect("fork handlers");
    let fast = writer.add_lane(limits);
    let group = Arc::new(Group::default());
    let append = |writer: &mut Writer| writer.append(&group, 1000, |out| out.raw(&[1; 1000]));
    assert_eq!(append(&mut writer), Appended::Done);
    slow.close();
    for _ in 0..if cfg!(miri) { 1_500 } else { 50_000 } {
        assert_eq!(append(&mut writer), Appended::Done);
        let _ = fast.take(1000, usize::MAX);
    }
    assert!(
        fast.memory() < 8 << 20,
        "{} bytes for two bounds of 1 MiB",
        fast.memory()
    );
    let counts = slow.counts();
    assert_eq!((counts.queued, counts.full), (0, 1));
}

#[test]
fn a_lane_that_the_bounds_have_emptied_is_done() {
    let (mut writer, lane) = Writer::new(
        Signal::Traces,
        Limits {
            bytes: 1 << 20,
            frames: usize::MAX,
        },
    )
    .expect("fork handlers");
    let group = Arc::new(Group::default());
    let _ = append(&mut writer, &group);
    // Longer than it was said to be: refused when all others were dropped for it.
    let _ = writer.append(&group, (1 << 20) - 100, |out| out.raw(&vec![1; 2 << 20]));
    let counts = lane.counts();
    assert_eq!((counts.full, counts.queued), (2, 0));
    assert!(lane.wait_done(lane.flush(), lane.generation(), Instant::now()));
}

#[test]
fn what_is_under_way_is_not_done_because_the_rest_was_discarded() {
    let (mut writer, lane, group) = queue();
    for _ in 0..3 {
        let _ = append(&mut writer, &group);
    }
    let batch = lane.take(1, 9999).expect("one");
    let until = lane.flush();
    assert_eq!(lane.discard(), 2);
    assert!(!lane.wait_done(until, lane.generation(), Instant::now()));
    lane.set_done(batch.end());
    assert!(lane.wait_done(until, lane.generation(), Instant::now()));
}

#[test]
fn equal_groups_of_many_objects_are_one() {
    let (mut writer, lane, _) = queue();
    for _ in 0..1000 {
        let _ = append(&mut writer, &Arc::new(Group::default()));
    }
    assert!(lane.memory() <= 64 << 10);
    assert_eq!(lane.take(1000, usize::MAX).map(|batch| batch.frames()), Some(1000));
}

#[test]
fn a_full_lane_that_drops_the_newest_keeps_what_it_has() {
    let (mut writer, lane) = Writer::new(
        Signal::Traces,
        Limits {
            frames: 5,
            ..Limits::default()
        },
    )
    .expect("fork handlers");
    lane.set_when_full(WhenFull::DropNewest);
    let group = Arc::new(Group::default());
    let append = |writer: &mut Writer, number: u8| writer.append(&group, 1, |out| out.raw(&[number]));
    for number in 0..9 {
        assert_eq!(append(&mut writer, number), Appended::Done);
    }
    let counts = lane.counts();
    assert_eq!((counts.accepted, counts.queued, counts.full), (9, 5, 4));
    let first = lane.take(2, usize::MAX).expect("five wait");
    assert_eq!(first.each().map(|(_, frame)| frame[0]).collect::<Vec<_>>(), [0, 1]);
    for number in 10..15 {
        assert_eq!(append(&mut writer, number), Appended::Done);
    }
    let rest = lane.take(9, usize::MAX).expect("five wait again");
    assert_eq!(
        rest.each().map(|(_, frame)| frame[0]).collect::<Vec<_>>(),
        [2, 3, 4, 10, 11]
    );
    let counts = lane.counts();
    assert_eq!(
        (counts.accepted, counts.taken, counts.queued, counts.full),
        (14, 7, 0, 7)
    );
}

#[test]
fn a_lane_that_refuses_holds_its_bound_in_bytes_and_takes_more_when_there_is_room() {
    let bound = 64 << 10;
    let (mut writer, lane) = Writer::new(
        Signal::Traces,
        Limits {
            bytes: bound,
            ..Limits::default()
        },
    )
    .expect("fork handlers");
    lane.set_when_full(WhenFull::DropNewest);
    let group = Arc::new(Group::default());
    let (rounds, appended) = if cfg!(miri) { (2, 700) } else { (20, 2000) };
    let mut first = 0;
    for round in 0..rounds {
        for _ in 0..appended {
            assert_eq!(writer.append(&group, 100, |out| out.raw(&[1; 100])), Appended::Done);
            assert!(lane.frame_bytes() <= bound);
        }
        let queued = lane.counts().queued;
        if round == 0 {
            first = queued;
        }
        assert!(queued > 500 && queued >= first / 2, "{queued} in round {round}");
        drop(lane.take(usize::MAX, usize::MAX));
    }
    let counts = lane.counts();
    assert_eq!(counts.accepted, rounds * appended);
    assert_eq!(counts.accepted, counts.taken + counts.queued + counts.full);
}

#[test]
fn a_lane_that_blocks_hands_frames_back_until_there_is_room() {
    let (mut writer, lane) = Writer::new(
        Signal::Traces,
        Limits {
            frames: 3,
            ..Limits::default()
        },
    )
    .expect("fork handlers");
    lane.set_when_full(WhenFull::Block);
    let group = Arc::new(Group::default());
    let append = |writer: &mut Writer| writer.append(&group, 1, |out| out.raw(&[7]));
    for _ in 0..3 {
        assert_eq!(append(&mut writer), Appended::Done);
    }
    assert_eq!(append(&mut writer), Appended::Full);
    let soon = || Instant::now() + Duration::from_millis(20);
    assert!(!lane.wait_room(0, lane.generation(), soon()));
    lane.refuse();
    assert_eq!(lane.counts().full, 1);
    thread::scope(|scope| {
        let waits = scope.spawn(|| lane.wait_room(0, lane.generation(), Instant::now() + Duration::from_secs(60)));
        drop(lane.take(1, usize::MAX));
        assert!(waits.join().expect("no panic"));
    });
    assert_eq!(append(&mut writer), Appended::Done);
    assert_eq!(append(&mut writer), Appended::Full);
    lane.close();
    assert!(lane.wait_room(0, lane.generation(), soon()));
    assert_eq!(append(&mut writer), Appended::Attend); // late
    let counts = lane.counts();
    assert_eq!(
        (counts.accepted, counts.queued, counts.full, counts.closed),
        (6, 3, 1, 1)
    );
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes; nothing in it that others do not do")]
fn three_lanes_share_the_memory_of_what_waits_in_them() {
    let memory = |lanes: usize| {
        let mut writer = Writer::with_storage(Signal::Traces, Box::new(Heap), 64 << 20).expect("fork handlers");
        let lanes: Vec<_> = (0..lanes).map(|_| writer.add_lane(Limits::default())).collect();
        let group = Arc::new(Group::default());
        for _ in 0..20_000 {
            assert_eq!(writer.append(&group, 250, |out| out.raw(&[1; 250])), Appended::Done);
        }
        assert!(lanes.iter().all(|lane| lane.counts().queued == 20_000));
        lanes[0].memory()
    };
    let (one, three) = (memory(1), memory(3));
    assert!(three * 10 <= one * 12, "{one} and {three}");
}

fn dropped(lane: &Lane) -> (u64, u64) {
    let dropped = lane.take_dropped();
    (dropped.full, dropped.closed)
}

#[test]
fn what_leaves_for_an_account_is_unreported_until_it_is_booked() {
    let limits = Limits {
        frames: 3,
        ..Limits::default()
    };
    let (mut writer, lane) = Writer::new(Signal::Logs, limits).expect("fork handlers");
    let group = Arc::new(Group::default());
    for _ in 0..5 {
        let _ = append(&mut writer, &group);
    }
    assert_eq!(lane.unreported(), 5);
    assert_eq!((lane.look(1, 1).dropped.full, lane.unreported()), (2, 5));
    lane.booked(2);
    let batch = lane.take_for_account(1, usize::MAX).expect("one");
    assert_eq!((batch.frames(), lane.counts().queued, lane.unreported()), (1, 2, 3));
    lane.booked(1);
    let batch = lane.take(9, usize::MAX).expect("two");
    assert_eq!((batch.frames(), lane.unreported()), (2, 0));
}

#[test]
fn a_look_says_what_each_question_alone_says_and_a_drop_once() {
    let (mut writer, lane) = Writer::new(
        Signal::Logs,
        Limits {
            frames: 3,
            ..Limits::default()
        },
    )
    .expect("fork handlers");
    let group = Arc::new(Group::default());
    let view = lane.look(1, usize::MAX);
    assert!(!view.ended && !view.enough && !view.flushing && view.waiting == 0);
    for _ in 0..5 {
        let _ = append(&mut writer, &group);
    }
    let view = lane.look(4, usize::MAX);
    assert_eq!((view.waiting, view.passed, view.entered), (3, 2, 5));
    assert_eq!((view.passed, view.entered), (lane.passed(), lane.entered()));
    assert!(!view.enough && lane.look(3, usize::MAX).enough && lane.look(4, 1).enough);
    assert_eq!(view.dropped.full, 2);
    assert_eq!((lane.look(4, 1).dropped, lane.take_dropped()), Default::default());
    assert_eq!(lane.flush(), 5);
    assert!(lane.look(4, usize::MAX).flushing && lane.is_flushing());
    let batch = lane.take(9, usize::MAX).expect("three");
    assert_eq!((batch.signal(), batch.request().signal()), (Signal::Logs, Signal::Logs));
    let view = lane.look(1, usize::MAX);
    assert_eq!((view.waiting, view.passed, view.flushing), (0, 5, false));
    assert!(!lane.wait_done(5, lane.generation(), Instant::now()));
    lane.set_passed_done();
    assert!(lane.wait_done(5, lane.generation(), Instant::now()));
    let _ = append(&mut writer, &group);
    lane.close();
    assert!(lane.look(1, usize::MAX).ended && lane.is_ended());
    assert_eq!(lane.discard(), 1);
    assert_eq!(lane.look(1, usize::MAX).dropped.closed, 1);
}
