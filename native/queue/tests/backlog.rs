//! A lane that was split: its backlog and what is fresh are all that there was, each once, in order, and the sum holds.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use spanwire_queue::storage::{Block, Heap, Storage};
use spanwire_queue::{Appended, Batch, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

/// Chunks that stay until all is done with; on the heap all the same.
#[derive(Debug)]
struct Kept;

impl Storage for Kept {
    fn block(&mut self, capacity: usize, group: &Group) -> io::Result<Box<dyn Block>> {
        Heap.block(capacity, group)
    }

    fn block_len(&self) -> Option<usize> {
        Some(200)
    }

    fn keeps_until_done(&self) -> bool {
        true
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    Take(u8),
    TakeBehind(u8),
    /// The oldest batch under way is done with.
    Done,
    DoneBehind,
    /// The backlog's reader ends, if it has read all.
    EndBehind,
    Split,
    Discard,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..40u8).prop_map(Step::Append),
        2 => (1..20u8).prop_map(Step::Take),
        3 => (1..30u8).prop_map(Step::TakeBehind),
        2 => Just(Step::Done),
        2 => Just(Step::DoneBehind),
        1 => Just(Step::EndBehind),
        2 => Just(Step::Split),
        1 => Just(Step::Discard),
    ];
    prop::collection::vec(step, 1..80)
}

fn queue(bytes: usize) -> (Writer, Lane) {
    let mut writer = Writer::with_storage(Signal::Traces, Box::new(Kept), bytes).expect("fork handlers");
    let lane = writer.add_lane(Limits {
        bytes,
        ..Limits::default()
    });
    (writer, lane)
}

fn numbers(batch: &Batch) -> Vec<u32> {
    let number = |frame: &[u8]| u32::from_le_bytes(frame.try_into().expect("four bytes"));
    batch.each().map(|(_, frame)| number(frame)).collect()
}

/// One lane, and its backlog, whose batches under way are told apart.
struct Play {
    writer: Writer,
    lane: Lane,
    behind: Option<Lane>,
    under_way: Vec<u64>,
    under_way_behind: Vec<u64>,
    group: Arc<Group>,
    appended: u32,
    /// Taken, from both.
    taken: Vec<u32>,
    /// Of the last that was taken of each.
    last: u32,
    last_behind: u32,
}

impl Play {
    fn new(bytes: usize) -> Self {
        let (writer, lane) = queue(bytes);
        Self {
            writer,
            lane,
            behind: None,
            under_way: Vec::new(),
            under_way_behind: Vec::new(),
            group: Arc::default(),
            appended: 0,
            taken: Vec::new(),
            last: 0,
            last_behind: 0,
        }
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Append(count) => {
                for _ in 0..count {
                    self.appended += 1;
                    let number = self.appended.to_le_bytes();
                    let appended = self.writer.append(&self.group, 4, |out| out.raw(&number));
                    assert_eq!(appended, Appended::Done);
                }
            }
            Step::Take(most) => {
                if let Some(batch) = self.lane.take(most.into(), usize::MAX) {
                    self.under_way.push(batch.end());
                    for number in numbers(&batch) {
                        assert!(number > self.last, "in order");
                        self.last = number;
                        self.taken.push(number);
                    }
                }
            }
            Step::TakeBehind(most) => {
                let Some(behind) = &self.behind else { return };
                if let Some(batch) = behind.take(most.into(), usize::MAX) {
                    self.under_way_behind.push(batch.end());
                    for number in numbers(&batch) {
                        assert!(number > self.last_behind, "in order");
                        self.last_behind = number;
                        self.taken.push(number);
                    }
                }
            }
            Step::Done => {
                if !self.under_way.is_empty() {
                    self.lane.set_done(self.under_way.remove(0));
                }
            }
            Step::DoneBehind => {
                if let Some(behind) = self.behind.as_ref().filter(|_| !self.under_way_behind.is_empty()) {
                    behind.set_done(self.under_way_behind.remove(0));
                }
            }
            Step::EndBehind => {
                let is_read = |behind: &Lane| behind.counts().queued == 0;
                if self.under_way_behind.is_empty() && self.behind.as_ref().is_some_and(is_read) {
                    self.behind = None;
                }
            }
            Step::Split => {
                if self.behind.is_none() {
                    self.behind = self.lane.split_backlog(1, Duration::ZERO);
                } else {
                    assert!(self.lane.split_backlog(1, Duration::ZERO).is_none(), "one at a time");
                }
            }
            Step::Discard => {
                let _ = self.lane.discard();
            }
        }
        let counts = self.lane.counts();
        let gone = counts.taken + counts.full + counts.closed + counts.unstored + counts.expired;
        assert_eq!(counts.accepted, u64::from(self.appended));
        assert_eq!(counts.accepted, counts.queued + gone, "{counts:?}");
        assert_eq!(counts.taken, self.taken.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 300 }))]

    #[test]
    fn all_is_read_once_and_the_sum_holds(steps in steps(), bytes in prop_oneof![Just(usize::MAX), 500..3_000usize]) {
        let mut play = Play::new(bytes);
        for step in &steps {
            play.act(step);
        }
        for step in [Step::Take(255), Step::TakeBehind(255)] {
            for _ in 0..20 {
                play.act(&step);
            }
        }
        let counts = play.lane.counts();
        prop_assert_eq!(counts.queued, 0);
        let mut taken = play.taken.clone();
        taken.sort_unstable();
        taken.dedup();
        prop_assert_eq!(taken.len(), play.taken.len(), "none twice");
        // What dropped is told once, by whoever reads.
        let told = |lane: &Lane| {
            let dropped = lane.take_dropped();
            dropped.full + dropped.closed + dropped.kept
        };
        let behind = play.behind.as_ref().map_or(0, told);
        play.behind = None;
        prop_assert!(told(&play.lane) + behind <= counts.full + counts.closed);
    }
}

#[test]
fn whoever_waits_waits_for_the_backlog_too() {
    let mut play = Play::new(usize::MAX);
    for step in [Step::Append(30), Step::Split, Step::Append(10), Step::Take(255)] {
        play.act(&step);
    }
    let (all, generation) = (play.lane.flush(), play.lane.generation());
    assert_eq!((all, play.lane.gone(), play.lane.passed()), (40, 0, 40));
    play.act(&Step::Done);
    let is_done = |play: &Play| play.lane.wait_done(all, generation, Instant::now());
    assert!(!is_done(&play));
    play.act(&Step::TakeBehind(255));
    assert!(!is_done(&play));
    play.act(&Step::DoneBehind);
    assert!(is_done(&play));
    play.act(&Step::EndBehind);
    assert!(is_done(&play) && play.behind.is_none());
}

#[test]
fn what_an_open_lane_has_not_read_is_no_backlog_unless_it_is_much_and_old() {
    let mut play = Play::new(usize::MAX);
    play.act(&Step::Append(30));
    assert!(play.lane.split_backlog(31, Duration::ZERO).is_none());
    assert!(play.lane.split_backlog(30, Duration::from_secs(60)).is_none());
    let (mut memory, lane) = Writer::new(Signal::Traces, Limits::default()).expect("fork handlers");
    let _ = memory.append(&play.group, 4, |out| out.raw(&[0; 4]));
    assert!(
        lane.split_backlog(1, Duration::ZERO).is_none(),
        "in memory its bound is enough"
    );
    assert!(play.lane.split_backlog(30, Duration::ZERO).is_some());
}
