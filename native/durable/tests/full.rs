//! A destination that takes nothing, for so long that the files have all that they may: the oldest of its spans go, nothing of others'.

use std::sync::Arc;

use spanwire_durable::{Directory, Plan, Shape};
use spanwire_queue::{Appended, Batch, Group, Lane, Limits, WhenFull, Writer};
use spanwire_wire::Signal;

const LIMIT: u64 = 32 << 20;
/// Bytes of a frame's content.
const LEN: usize = 16_000;
/// In all blocks that the limit has room for.
const MOST: u64 = LIMIT / LEN as u64;

struct Queue {
    _place: tempfile::TempDir,
    directory: Arc<Directory>,
    writer: Writer,
    group: Arc<Group>,
    next: u32,
}

impl Queue {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let plan = Plan {
            limit: LIMIT,
            ..Plan::new(place.path().join("queue"), "tests")
        };
        let directory = Directory::without_upkeep(&plan).expect("a folder");
        let writer = Writer::with_storage(Signal::Traces, directory.storage(), 1 << 20).expect("fork handlers");
        Self {
            _place: place,
            directory,
            writer,
            group: Arc::default(),
            next: 0,
        }
    }

    fn lane(&mut self) -> Lane {
        self.writer.add_lane(Limits {
            bytes: usize::try_from(LIMIT).expect("small"),
            ..Limits::default()
        })
    }

    /// The next one, whose content is its number and zeros, of so many bytes.
    fn append_long(&mut self, len: usize) -> Appended {
        let mut content = self.next.to_le_bytes().to_vec();
        content.resize(len, 0);
        self.next += 1;
        self.writer.append(&self.group, len, |out| out.raw(&content))
    }

    fn append(&mut self) -> Appended {
        let appended = self.append_long(LEN);
        if self.next.is_multiple_of(25) {
            self.directory.upkeep();
        }
        let report = self.directory.report().expect("of this process");
        assert!(report.bytes <= LIMIT + 2 * Shape::USUAL.file_len() as u64);
        assert_eq!((report.failures, report.last_error), (0, None));
        appended
    }
}

fn numbers(batch: &Batch) -> Vec<u32> {
    let number = |frame: &[u8]| u32::from_le_bytes(frame[..4].try_into().expect("four bytes"));
    batch.each().map(|(_, frame)| number(frame)).collect()
}

fn take_all(lane: &Lane) -> Vec<u32> {
    let mut all = Vec::new();
    while let Some(batch) = lane.take(500, usize::MAX) {
        all.extend(numbers(&batch));
        lane.set_done(batch.end());
    }
    all
}

/// Of a lane that had one batch in hand: all that was not is counted, and what waits is the youngest.
fn check_dead(dead: &Lane, taken: u64, all: u32) {
    let counts = dead.counts();
    assert_eq!(
        (counts.accepted, counts.taken, counts.unstored),
        (u64::from(all), taken, 0)
    );
    assert_eq!(counts.accepted, counts.taken + counts.queued + counts.full);
    assert!(counts.queued > MOST * 85 / 100, "{counts:?}"); // beside the frames there are heads
    let waits = u32::try_from(counts.queued).expect("few");
    assert_eq!(take_all(dead), (all - waits..all).collect::<Vec<_>>());
}

#[test]
fn a_dead_destination_takes_nothing_from_one_that_shares_its_files() {
    let mut queue = Queue::new();
    let (dead, live) = (queue.lane(), queue.lane());
    let all = u32::try_from(3 * MOST).expect("few");
    let (mut arrived, mut in_hand) = (Vec::new(), None);
    for _ in 0..all {
        assert_eq!(queue.append(), Appended::Done);
        if queue.next == 200 {
            in_hand = dead.take(150, usize::MAX);
        }
        if queue.next.is_multiple_of(70) {
            arrived.extend(take_all(&live));
        }
    }
    arrived.extend(take_all(&live));
    assert_eq!(arrived, (0..all).collect::<Vec<_>>());
    assert_eq!(live.counts().taken, u64::from(all));
    assert!(dead.pushed_out() > 0);
    // What is in hand is still what it was.
    assert_eq!(numbers(&in_hand.expect("some")), (0..150).collect::<Vec<_>>());
    check_dead(&dead, 150, all);
}

#[test]
fn of_a_destination_that_comes_back_the_youngest_arrive() {
    let mut queue = Queue::new();
    let dead = queue.lane();
    let all = u32::try_from(5 * MOST).expect("few");
    let mut taken = 0;
    for _ in 0..all {
        assert_eq!(queue.append(), Appended::Done);
        // Of several requests one is given up now and then, in their order.
        if queue.next.is_multiple_of(1000) {
            let batch = dead.take(100, usize::MAX).expect("much waits");
            taken += batch.frames() as u64;
            if queue.next.is_multiple_of(5000) {
                dead.set_done(batch.end());
            }
        }
    }
    check_dead(&dead, taken, all);
}

#[test]
fn where_all_is_in_hand_what_comes_is_refused_as_the_queue_is_full() {
    for (when_full, said) in [
        (WhenFull::DropOldest, Appended::Done),
        (WhenFull::DropNewest, Appended::Done),
        (WhenFull::Block, Appended::Full),
    ] {
        let mut queue = Queue::new();
        let lane = queue.lane();
        lane.set_when_full(when_full);
        let before = lane.pushed_out();
        // What is taken waits no more, so that the lane's bound is not reached.
        let mut end = 0;
        while lane.counts().full == 0 {
            match queue.append() {
                Appended::Full => break,
                appended => assert_eq!(appended, Appended::Done),
            }
            assert!(u64::from(queue.next) < 4 * MOST, "there is a bound");
            if let Some(batch) = lane.take(usize::MAX, usize::MAX) {
                end = batch.end();
            }
        }
        assert!(end > MOST, "{when_full:?}");
        assert_eq!(queue.append(), said);
        assert!(lane.is_at_bound());
        assert_eq!(
            lane.pushed_out() > before,
            when_full == WhenFull::DropOldest,
            "who has it in hand is told"
        );
        let counts = lane.counts();
        assert_eq!(counts.accepted, counts.taken + counts.queued + counts.full);
        assert_eq!(counts.unstored, 0);
        assert!(when_full == WhenFull::DropOldest || !lane.has_room());
        lane.set_done(end);
        assert!(lane.has_room());
        let full = counts.full;
        for _ in 0..1000 {
            assert_eq!(queue.append(), Appended::Done);
        }
        assert_eq!(lane.counts().full, full, "{when_full:?}");
    }
}

#[test]
fn spans_of_more_than_a_block_push_out_the_oldest_too() {
    let mut queue = Queue::new();
    let dead = queue.lane();
    for _ in 0..60 {
        assert_eq!(queue.append_long(3 << 20), Appended::Done);
        queue.directory.upkeep();
    }
    let counts = dead.counts();
    assert_eq!((counts.accepted, counts.unstored), (60, 0));
    assert_eq!(counts.queued + counts.full, 60);
    let waits = u32::try_from(counts.queued).expect("few");
    assert!(waits >= 8, "{counts:?}");
    assert_eq!(take_all(&dead), (60 - waits..60).collect::<Vec<_>>());
}

#[test]
fn what_is_delivered_behind_a_batch_that_is_not_gives_its_room_back() {
    let mut queue = Queue::new();
    let lane = queue.lane();
    let all = u32::try_from(3 * MOST).expect("few");
    let (mut arrived, mut stuck, mut last) = (Vec::new(), None, 0);
    for _ in 0..all {
        assert_eq!(queue.append(), Appended::Done);
        if queue.next.is_multiple_of(70)
            && let Some(batch) = lane.take(100, usize::MAX)
        {
            let start = std::mem::replace(&mut last, batch.end());
            if stuck.is_none() {
                stuck = Some(batch);
                continue;
            }
            arrived.extend(numbers(&batch));
            lane.set_ended(&(start..last));
        }
    }
    let stuck = stuck.expect("a batch");
    arrived.splice(0..0, numbers(&stuck));
    lane.set_done(stuck.end());
    let left = take_all(&lane);
    arrived.extend(left);
    assert_eq!(arrived, (0..all).collect::<Vec<_>>());
    let counts = lane.counts();
    assert_eq!((counts.full, counts.unstored, counts.queued), (0, 0, 0));
}
