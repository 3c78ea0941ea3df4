//! Others write into the files of a queue that lives: whatever they put there, all is read to its end, each span is counted once, and what
//! comes later arrives.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use spanwire_durable::format::{FREE, USED, word};
use spanwire_durable::{Directory, Plan, Shape};
use spanwire_queue::{Appended, Batch, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

const SHAPE: Shape = Shape::USUAL;
/// Blocks that a play fills at most, and that are damaged.
const BLOCKS: u32 = 4;

struct Play {
    _place: tempfile::TempDir,
    directory: Arc<Directory>,
    writer: Writer,
    groups: Vec<Arc<Group>>,
    appended: u32,
}

/// A `Span` message that is its name.
fn span(number: u32, padding: u16) -> Vec<u8> {
    let name = format!("{number:06}{}", "x".repeat(usize::from(padding)));
    let mut out = vec![0x2a];
    let mut len = name.len();
    while len >= 0x80 {
        out.push(u8::try_from(len & 0x7f).expect("seven bits") | 0x80);
        len >>= 7;
    }
    out.push(u8::try_from(len).expect("seven bits"));
    out.extend_from_slice(name.as_bytes());
    out
}

/// Of a span that is whole.
fn number(frame: &[u8]) -> Option<u32> {
    let digits = frame.iter().position(u8::is_ascii_digit)?;
    std::str::from_utf8(frame.get(digits..digits + 6)?).ok()?.parse().ok()
}

impl Play {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let directory = Directory::without_upkeep(&Plan::new(place.path().join("queue"), "tests")).expect("a folder");
        let group = |scope: u8| {
            Arc::new(Group {
                scope: vec![0x0a, 1, scope],
                ..Group::default()
            })
        };
        Self {
            writer: Writer::with_storage(Signal::Traces, directory.storage(), 1 << 30).expect("fork handlers"),
            groups: (0..3).map(group).collect(),
            directory,
            appended: 0,
            _place: place,
        }
    }

    fn lane(&mut self, bytes: usize) -> Lane {
        self.writer.add_lane(Limits {
            bytes,
            ..Limits::default()
        })
    }

    fn append(&mut self, count: u32, padding: u16) {
        for _ in 0..count {
            let span = span(self.appended, padding);
            let group = &self.groups[self.appended as usize / 7 % self.groups.len()];
            assert_eq!(
                self.writer.append(group, span.len(), |out| out.raw(&span)),
                Appended::Done
            );
            self.appended += 1;
        }
    }

    /// The oldest of its files.
    fn file(&self) -> File {
        let files = std::fs::read_dir(self.directory.folder()).expect("a folder");
        let spans = files.map(|file| file.expect("a file").path());
        let first = spans.filter(|path| path.extension() == Some("spans".as_ref())).min();
        let first: &Path = &first.expect("one");
        OpenOptions::new().read(true).write(true).open(first).expect("ours")
    }

    fn damage(&self, at: u64, bytes: &[u8]) {
        self.file().write_all_at(bytes, at).expect("a disk");
    }
}

/// What is taken until nothing waits.
fn drain(lane: &Lane, most: usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Some(batch) = lane.take(most, usize::MAX) {
        batches.push(batch);
        assert!(batches.len() < 100_000, "it does not end");
    }
    assert_eq!(lane.counts().queued, 0, "it ends before all is read");
    batches
}

fn numbers(batches: &[Batch]) -> Vec<Option<u32>> {
    let frames = batches.iter().flat_map(Batch::each);
    frames.map(|(_, frame)| number(frame)).collect()
}

fn spans(batches: &[Batch]) -> u64 {
    batches.iter().map(|batch| batch.frames() as u64).sum()
}

#[test]
fn zeros_in_a_block_cost_the_rest_of_that_block() {
    for (fill, groups) in [(0, 3), (0xff, 3), (0, 1), (0xff, 1)] {
        let mut play = Play::new();
        play.groups.truncate(groups);
        let lane = play.lane(1 << 30);
        play.append(10_000, 300);
        let first = lane.take(100, usize::MAX).expect("spans");
        let at = SHAPE.frames(1) + 100_000;
        play.damage(at as u64, &[fill; 5_000]);
        play.directory.upkeep();
        play.append(500, 300);
        let mut batches = drain(&lane, if groups == 1 { usize::MAX } else { 512 });
        batches.insert(0, first);
        let counts = lane.counts();
        assert_eq!((counts.accepted, counts.queued), (10_500, 0));
        assert_eq!(counts.taken + counts.damaged, 10_500);
        assert_eq!(spans(&batches), counts.taken);
        let found = numbers(&batches);
        assert_eq!(found.len() as u64, counts.taken);
        // Frames of about 315 bytes: the block's, without the first of them.
        let in_block = SHAPE.frames_len() / 318;
        assert!(
            (in_block as u64 * 9 / 10..in_block as u64).contains(&counts.damaged),
            "{counts:?}"
        );
        assert_eq!(lane.take_dropped().damaged, counts.damaged);
        let gaps = found
            .windows(2)
            .filter(|two| two[0].map(|one| one + 1) != two[1])
            .count();
        assert_eq!((gaps, found[0], found[found.len() - 1]), (1, Some(0), Some(10_499)));
        // What is done with is, the damaged ones too.
        lane.set_done(batches.last().expect("some").end());
        assert!(lane.wait_done(10_500, lane.generation(), std::time::Instant::now()));
    }
}

#[test]
fn the_place_of_an_object_is_damage_in_a_block() {
    let mut play = Play::new();
    let lane = play.lane(1 << 30);
    play.append(10_000, 300);
    let start = SHAPE.frames(1) as u64;
    let mut head = [0; 8];
    play.file().read_exact_at(&mut head, start).expect("a disk");
    let tag = head.iter().position(|&byte| byte == 0x12).expect("a frame");
    play.damage(start + tag as u64, &[1]);
    let batches = drain(&lane, 512);
    let counts = lane.counts();
    assert_eq!(counts.taken + counts.damaged, 10_000);
    let in_block = SHAPE.frames_len() / 318;
    assert!(counts.damaged >= in_block as u64 * 9 / 10, "{counts:?}");
    assert_eq!(spans(&batches), counts.taken);
}

#[test]
fn what_was_taken_in_front_of_damage_stays_until_it_is_done_with() {
    let mut play = Play::new();
    let lane = play.lane(1 << 30);
    play.append(12_000, 300);
    play.damage(SHAPE.frames(0) as u64 + 100_000, &[0; 5_000]);
    play.damage(SHAPE.frames(1) as u64, &[0; 5_000]);
    let batch = lane.take(3_000, usize::MAX).expect("spans");
    let found = numbers(std::slice::from_ref(&batch));
    assert_eq!((found.len(), found[0]), (3_000, Some(0)));
    let damaged = lane.counts().damaged;
    assert!(batch.end() == 3_000 + damaged && damaged > 5_000);
    let state = |play: &Play| {
        play.directory.upkeep();
        let mut word = [0; 8];
        let at = SHAPE.block(0) + word::STATE;
        play.file().read_exact_at(&mut word, at as u64).expect("a disk");
        u64::from_le_bytes(word)
    };
    play.append(4_000, 300);
    assert_eq!(state(&play), USED);
    lane.set_done(batch.end());
    assert_eq!(state(&play), FREE);
}

#[test]
fn words_of_a_block_that_others_write_change_no_count() {
    for value in [0, 1, u64::MAX, u64::MAX >> 1, 1 << 32 | 0xffff] {
        for at in [word::COMMITTED, word::DONE, word::GROUPS, word::NUMBER, word::STATE] {
            let mut play = Play::new();
            let lane = play.lane(1 << 30);
            play.append(9_000, 300);
            for block in 0..BLOCKS {
                play.damage((SHAPE.block(block) + at) as u64, &value.to_le_bytes());
            }
            play.directory.upkeep();
            assert_eq!(lane.counts().queued, 9_000);
            play.append(1_000, 300);
            let batches = drain(&lane, 512);
            let all: Vec<_> = (0..10_000).map(Some).collect();
            assert_eq!(numbers(&batches), all, "{at} {value:x}");
            lane.set_done(10_000);
            play.directory.upkeep();
            play.append(1_000, 300);
            assert_eq!(spans(&drain(&lane, 512)), 1_000);
            assert_eq!(play.directory.report().expect("ours").failures, 0);
        }
    }
}

#[test]
fn what_cannot_be_read_can_be_dropped() {
    let mut play = Play::new();
    let (lane, bounded) = (play.lane(1 << 30), play.lane(3 << 20));
    play.append(5_000, 300);
    for block in 0..BLOCKS {
        play.damage(SHAPE.frames(block) as u64, &vec![0xff; SHAPE.frames_len()]);
    }
    play.append(5_000, 300);
    let behind = lane.split_backlog(1, Duration::ZERO).expect("a backlog");
    let newest = play.lane(1 << 30);
    play.append(100, 300);
    assert_eq!(newest.counts().accepted, 100);
    assert_eq!(
        numbers(&drain(&newest, 512)),
        (10_000..10_100).map(Some).collect::<Vec<_>>()
    );
    assert!(numbers(&drain(&behind, 512)).len() < 8_000);
    drop(behind);
    assert_eq!(numbers(&drain(&lane, 512)).len(), 100);
    let counts = lane.counts();
    assert_eq!(counts.taken + counts.damaged, 10_100);
    assert!(bounded.counts().full > 0);
    assert_eq!(bounded.discard(), 10_100 - bounded.counts().full);
    assert_eq!(bounded.counts().queued, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Append(u16, u16),
    Take(u16),
    Done,
    Damage { at: u32, bytes: Vec<u8> },
    Word { block: u32, word: usize, value: u64 },
    Upkeep,
    Discard,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = prop_oneof![
        Just(0),
        Just(u64::MAX),
        any::<u64>(),
        (any::<u16>(), 0..2_000_000u64).prop_map(|(frames, bytes)| u64::from(frames) << 32 | bytes)
    ];
    let fill = prop_oneof![Just(0u8), Just(0xff), any::<u8>()];
    let bytes = prop_oneof![
        (fill, prop_oneof![1..20usize, 1..20_000usize]).prop_map(|(byte, len)| vec![byte; len]),
        prop::collection::vec(any::<u8>(), 1..300),
    ];
    let most = BLOCKS * u32::try_from(SHAPE.block_len).expect("small");
    let step = prop_oneof![
        6 => (1..2_000u16, 0..600u16).prop_map(|(count, padding)| Step::Append(count, padding)),
        3 => (1..2_000u16).prop_map(Step::Take),
        2 => Just(Step::Done),
        4 => (0..most, bytes).prop_map(|(at, bytes)| Step::Damage { at, bytes }),
        1 => (0..BLOCKS, prop::sample::select(word::ALL.to_vec()), value).prop_map(|(block, word, value)| Step::Word { block, word, value }),
        2 => Just(Step::Upkeep),
        1 => Just(Step::Discard),
    ];
    prop::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn all_is_read_and_each_is_counted_once(steps in steps(), bytes in prop_oneof![Just(1 << 30), Just(2_usize << 20)], most in 1..3_000usize) {
        let mut play = Play::new();
        let lane = play.lane(bytes);
        let mut under_way = VecDeque::new();
        let mut taken = 0;
        for step in steps {
            match step {
                Step::Append(count, padding) => play.append(count.into(), padding),
                Step::Take(most) => if let Some(batch) = lane.take(most.into(), usize::MAX) {
                    let request = batch.request();
                    prop_assert_eq!(request.to_vec().len(), request.len());
                    prop_assert_eq!(batch.each().count(), batch.frames());
                    taken += batch.frames() as u64;
                    under_way.push_back(batch.end());
                },
                Step::Done => if let Some(end) = under_way.pop_front() {
                    lane.set_done(end);
                },
                Step::Damage { at, bytes } => play.damage(at.into(), &bytes),
                Step::Word { block, word, value } => play.damage((SHAPE.block(block) + word) as u64, &value.to_le_bytes()),
                Step::Upkeep => play.directory.upkeep(),
                Step::Discard => { let _ = lane.discard(); }
            }
            let counts = lane.counts();
            prop_assert_eq!(counts.accepted, u64::from(play.appended));
            prop_assert_eq!(counts.accepted, counts.taken + counts.queued + counts.full + counts.closed + counts.damaged);
        }
        taken += spans(&drain(&lane, most));
        prop_assert_eq!(lane.counts().taken, taken);
        lane.set_done(play.appended.into());
        play.directory.upkeep();
        let first = play.appended;
        play.append(50, 300);
        prop_assert_eq!(numbers(&drain(&lane, most)), (first..play.appended).map(Some).collect::<Vec<_>>());
        prop_assert_eq!(play.directory.report().expect("ours").failures, 0);
    }
}
