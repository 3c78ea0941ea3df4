//! What a process leaves is what it had committed and nobody had acknowledged, whatever it was doing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use spanwire_durable::format::SUFFIX;
use spanwire_durable::read::Segment;
use spanwire_durable::{Directory, Plan};
use spanwire_queue::{Appended, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

/// What an application and its backend do.
#[derive(Clone, Debug)]
enum Step {
    /// Spans end.
    Append { group: u8, count: u8, bytes: u16 },
    /// A batch is taken.
    Take { most: u8 },
    /// The oldest batch under way is acknowledged.
    Acknowledge,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..4u8, 1..60u8, prop_oneof![3 => 0..300u16, 1 => 0..20_000u16])
            .prop_map(|(group, count, bytes)| Step::Append { group, count, bytes }),
        2 => (1..100u8).prop_map(|most| Step::Take { most }),
        2 => Just(Step::Acknowledge),
    ];
    prop::collection::vec(step, 0..60)
}

fn group(number: u8) -> Arc<Group> {
    Arc::new(Group {
        resource: vec![0x0a, 2, 8, number],
        scope: vec![b's'; usize::from(number) * 9],
        ..Group::default()
    })
}

/// A `Span` message that is its name: a number, and filler.
#[allow(clippy::cast_possible_truncation)] // seven bits each
fn span(number: u32, bytes: u16) -> Vec<u8> {
    let name = format!("{number} {}", "x".repeat(bytes.into()));
    let mut out = vec![0x2a];
    let mut len = name.len();
    while len >= 0x80 {
        out.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(name.as_bytes());
    out
}

fn append(writer: &mut Writer, group: &Arc<Group>, span: &[u8]) {
    let appended = writer.append(group, span.len(), |out| out.raw(span));
    assert_eq!(appended, Appended::Done);
}

/// The spans that are there, in order, and their groups.
fn left(folder: &Path) -> Vec<(Vec<u8>, Group)> {
    let mut blocks = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|end| end != SUFFIX) {
            continue;
        }
        let mut segment = Segment::open(&path).expect("readable").expect("sound");
        for index in 0..segment.header.shape.blocks {
            if let Some(found) = segment.block(index).expect("readable") {
                assert_eq!(found.lost, 0);
                assert_ne!(found.is_whole, Some(false));
                blocks.insert(found.number, found);
            }
        }
    }
    let spans = blocks.values().flat_map(|found| {
        found
            .frames
            .iter()
            .map(|(group, frame)| (content(frame), found.groups[*group].clone()))
    });
    spans.collect()
}

/// Of a frame, without tag and length.
fn content(frame: &[u8]) -> Vec<u8> {
    let width = frame[1..].iter().position(|byte| byte & 0x80 == 0).expect("an end") + 1;
    frame[1 + width..].to_vec()
}

struct Process {
    writer: Writer,
    lane: Lane,
    directory: Arc<Directory>,
    groups: Vec<Arc<Group>>,
    /// What is not acknowledged.
    kept: Vec<(Vec<u8>, Group)>,
    /// Batches under way: how many spans are done with once they are.
    under_way: Vec<u64>,
    acknowledged: u64,
    made: u32,
}

impl Process {
    fn new(path: &Path) -> Self {
        let directory = Directory::create(&Plan::new(path.to_owned(), "tests")).expect("a folder");
        let mut writer = Writer::with_storage(Signal::Traces, directory.storage(), 1 << 30).expect("fork handlers");
        let lane = writer.add_lane(Limits {
            bytes: 1 << 30,
            ..Limits::default()
        });
        Self {
            writer,
            lane,
            directory,
            groups: (0..4).map(group).collect(),
            kept: Vec::new(),
            under_way: Vec::new(),
            acknowledged: 0,
            made: 0,
        }
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Append { group, count, bytes } => {
                for _ in 0..count {
                    let span = span(self.made, bytes);
                    let group = &self.groups[usize::from(group)];
                    append(&mut self.writer, group, &span);
                    self.kept.push((span, (**group).clone()));
                    self.made += 1;
                }
            }
            Step::Take { most } => {
                if let Some(batch) = self.lane.take(most.into(), usize::MAX) {
                    self.under_way.push(batch.end());
                }
            }
            Step::Acknowledge => {
                if !self.under_way.is_empty() {
                    let end = self.under_way.remove(0);
                    self.lane.set_done(end);
                    self.kept
                        .drain(..usize::try_from(end - self.acknowledged).expect("few"));
                    self.acknowledged = end;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 60 }))]

    #[test]
    fn at_any_moment_what_is_not_acknowledged_is_there(steps in steps()) {
        let place = tempfile::tempdir().expect("a folder");
        let mut process = Process::new(&place.path().join("queue"));
        for step in &steps {
            process.act(step);
        }
        prop_assert_eq!(left(&process.directory.folder()), process.kept);
    }
}

#[test]
fn files_that_are_not_needed_are_removed() {
    let place = tempfile::tempdir().expect("a folder");
    let mut process = Process::new(&place.path().join("queue"));
    for _ in 0..300 {
        process.act(&Step::Append {
            group: 1,
            count: 60,
            bytes: 5_000,
        });
    }
    let files = || std::fs::read_dir(process.directory.folder()).expect("there").count();
    assert!(files() > 6);
    let batch = process.lane.take(usize::MAX, usize::MAX).expect("spans");
    process.lane.set_done(batch.end());
    drop(batch);
    // The thread of the disk removes them: but for the open block's file, one with free blocks, two spares, and those of the process.
    let soon = Instant::now() + Duration::from_secs(60);
    while files() > 6 {
        assert!(Instant::now() < soon, "{:?}", process.directory.report());
        std::thread::sleep(Duration::from_millis(1));
    }
    let folder = process.directory.folder();
    drop(process);
    while folder.exists() {
        assert!(Instant::now() < soon);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_is_not_acknowledged_stays_when_everything_is_dropped() {
    let place = tempfile::tempdir().expect("a folder");
    let mut process = Process::new(&place.path().join("queue"));
    for step in [
        Step::Append {
            group: 1,
            count: 50,
            bytes: 10,
        },
        Step::Take { most: 20 },
        Step::Append {
            group: 2,
            count: 9,
            bytes: 10,
        },
        Step::Take { most: 20 },
        Step::Acknowledge,
    ] {
        process.act(&step);
    }
    let folder = process.directory.folder();
    let kept = std::mem::take(&mut process.kept);
    drop(process);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(left(&folder), kept);
    assert_eq!(
        spanwire_durable::orphans(&place.path().join("queue"), Some("tests"))
            .expect("readable")
            .len(),
        1
    );
}
