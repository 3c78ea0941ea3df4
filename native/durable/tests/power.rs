//! When the power fails each page is of another moment since the last sync: what is promised is found, and nothing that never was.

#[path = "power/disk.rs"]
mod disk;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use disk::Disk;
use fastrand::Rng;
use proptest::prelude::*;
use spanwire_durable::{Directory, MapPolicy, Plan, Sync, synced};
use spanwire_queue::{Appended, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

/// How often the disk is told, with [`Sync::Interval`]: whenever its thread has its turn, or not before we ask.
const ALWAYS: Duration = Duration::ZERO;
const SELDOM: Duration = Duration::from_secs(3600);
/// So many bytes of names fill a block.
const BLOCK: u32 = 1 << 20;

#[derive(Clone, Debug)]
enum Step {
    Append {
        group: u8,
        count: u8,
        bytes: u16,
    },
    Take {
        most: u8,
    },
    Acknowledge,
    /// A block is filled, and all that there is taken and acknowledged: blocks are used again.
    Turn {
        group: u8,
        bytes: u16,
    },
    /// The thread of the disk has its turn; and the disk is told, if it `is_due`.
    Upkeep {
        is_due: bool,
    },
    /// The power fails.
    Fail(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4u8, 1..30u8, prop_oneof![1 => 0..600u16, 2 => 9_000..60_000u16])
            .prop_map(|(group, count, bytes)| Step::Append { group, count, bytes }),
        2 => (1..60u8).prop_map(|most| Step::Take { most }),
        2 => Just(Step::Acknowledge),
        1 => (0..4u8, 20_000..60_000u16).prop_map(|(group, bytes)| Step::Turn { group, bytes }),
        3 => any::<bool>().prop_map(|is_due| Step::Upkeep { is_due }),
        3 => any::<u64>().prop_map(Step::Fail),
    ];
    prop::collection::vec(step, 1..40)
}

/// A `Span` message that tells its number all along, so that no two parts of two of them can be taken for one.
fn span(number: u32, bytes: u16) -> Vec<u8> {
    let name = format!("{number:07} ").repeat(1 + usize::from(bytes) / 8);
    let mut out = vec![0x0a, 16];
    out.extend([1; 16]);
    out.extend([0x12, 8, 2, 2, 2, 2, 2, 2, 2, 2, 0x2a]);
    let mut len = name.len();
    while len >= 0x80 {
        out.push(u8::try_from(len & 0x7f).expect("seven bits") | 0x80);
        len >>= 7;
    }
    out.push(u8::try_from(len).expect("seven bits"));
    out.extend_from_slice(name.as_bytes());
    out
}

/// A frame's content, without tag and length.
fn content(frame: &[u8]) -> &[u8] {
    let width = frame[1..].iter().position(|byte| byte & 0x80 == 0).expect("an end") + 1;
    &frame[1 + width..]
}

struct Process {
    writer: Writer,
    lane: Lane,
    directory: Arc<Directory>,
    disk: Rc<RefCell<Disk>>,
    sync: Sync,
    groups: Vec<Arc<Group>>,
    made: Vec<(Vec<u8>, usize)>,
    under_way: Vec<u64>,
    acknowledged: usize,
    /// So many are on the disk, as promised.
    kept: usize,
}

impl Process {
    fn new(path: &Path, sync: Sync, is_written: bool) -> Self {
        let disk = Rc::new(RefCell::new(Disk::new()));
        let observer = Rc::clone(&disk);
        synced::observe(Some(Box::new(move |path| observer.borrow_mut().synced(path))));
        let directory = Directory::without_upkeep(&Plan {
            sync,
            mapping: if is_written { MapPolicy::Never } else { MapPolicy::Auto },
            ..Plan::new(path.to_owned(), "tests")
        })
        .expect("a folder");
        let mut writer = Writer::with_storage(Signal::Traces, directory.storage(), 1 << 30).expect("fork handlers");
        let lane = writer.add_lane(Limits {
            bytes: 1 << 30,
            ..Limits::default()
        });
        let group = |number: usize| {
            Arc::new(Group {
                resource: vec![0x0a; number * 700],
                scope: vec![u8::try_from(number).expect("few"); 9],
                ..Group::default()
            })
        };
        Self {
            writer,
            lane,
            directory,
            disk,
            sync,
            groups: (0..4).map(group).collect(),
            made: Vec::new(),
            under_way: Vec::new(),
            acknowledged: 0,
            kept: 0,
        }
    }

    fn look(&self) {
        self.disk.borrow_mut().look_at(&self.directory.folder());
    }

    fn act(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Append { group, count, bytes } => self.append(group, count, bytes)?,
            Step::Take { most } => {
                let batch = self.lane.take(most.into(), usize::MAX);
                self.under_way.extend(batch.map(|batch| batch.end()));
            }
            Step::Acknowledge => {
                if !self.under_way.is_empty() {
                    let end = self.under_way.remove(0);
                    self.lane.set_done(end);
                    self.acknowledged = usize::try_from(end).expect("few");
                }
            }
            Step::Turn { group, bytes } => {
                let count = u8::try_from(BLOCK / u32::from(bytes)).expect("few");
                self.append(group, count, bytes)?;
                let batch = self.lane.take(usize::MAX, usize::MAX);
                self.under_way.clear();
                self.acknowledged = self.made.len();
                self.lane
                    .set_done(batch.map_or(0, |batch| batch.end()).max(self.lane.entered()));
            }
            Step::Upkeep { is_due } => {
                let must_ask = [Sync::Never, Sync::Interval(SELDOM)].contains(&self.sync);
                if is_due && must_ask {
                    self.directory.sync().expect("a disk");
                } else {
                    self.directory.upkeep();
                }
                if is_due || !must_ask {
                    self.kept = self.made.len();
                }
            }
            Step::Fail(seed) => return self.fail(seed),
        }
        self.look();
        Ok(())
    }

    fn append(&mut self, group: u8, count: u8, bytes: u16) -> Result<(), TestCaseError> {
        for number in 0..count {
            let of = usize::from(group + number / 8) % self.groups.len();
            let span = span(u32::try_from(self.made.len()).expect("few"), bytes);
            let appended = self.writer.append(&self.groups[of], span.len(), |out| out.raw(&span));
            prop_assert_eq!(appended, Appended::Done);
            self.made.push((span, of));
            if number % 5 == 0 {
                self.look();
            }
        }
        Ok(())
    }

    /// What is found when the power has failed now.
    fn fail(&self, seed: u64) -> Result<(), TestCaseError> {
        let place = tempfile::tempdir().expect("a folder");
        self.disk.borrow_mut().fail(place.path(), &mut Rng::with_seed(seed));
        let mut found = BTreeSet::new();
        let begun = Instant::now();
        for orphan in spanwire_durable::orphans(place.path(), Some("tests")).expect("readable") {
            let contents = orphan.contents().expect("readable");
            prop_assert!(
                self.sync == Sync::Never || contents.bad.is_empty(),
                "a name before its header: {:?}",
                contents.bad
            );
            for block in &contents.blocks {
                let Some(read) = orphan.read(block).expect("readable") else {
                    continue;
                };
                for (of, frame) in &read.frames {
                    let span = content(frame);
                    let digits = span.len().checked_sub(8).map(|at| &span[at..at + 7]);
                    let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                    let number: usize = number.unwrap_or(usize::MAX);
                    let made = self.made.get(number);
                    prop_assert!(made.is_some_and(|(made, _)| made == span), "invented: {number}");
                    let group = &self.groups[made.expect("just seen").1];
                    prop_assert_eq!(&read.groups[*of], &**group, "of another group: {}", number);
                    prop_assert!(found.insert(number), "twice: {number}");
                }
                orphan.free(block).expect("writable");
            }
            prop_assert!(orphan.contents().expect("readable").blocks.is_empty());
            let is_clean = contents.bad.is_empty();
            prop_assert_eq!(orphan.remove(&contents).expect("removable"), is_clean);
        }
        prop_assert!(begun.elapsed() < Duration::from_secs(60));
        let missing: Vec<_> = (self.acknowledged..self.kept)
            .filter(|number| !found.contains(number))
            .collect();
        prop_assert!(missing.is_empty(), "lost: {missing:?}");
        Ok(())
    }
}

fn run(sync: Sync, is_written: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let place = tempfile::tempdir().expect("a folder");
    let mut process = Process::new(&place.path().join("queue"), sync, is_written);
    process.look();
    let done = steps.iter().try_for_each(|step| process.act(step));
    synced::observe(None);
    done
}

#[test]
fn a_block_that_is_used_again_is_not_taken_for_what_it_was() {
    let turn = |group| Step::Turn { group, bytes: 59_000 };
    let some = |group| Step::Append {
        group,
        count: 3,
        bytes: 10,
    };
    let upkeep = Step::Upkeep { is_due: false };
    let mut steps = vec![turn(0), upkeep.clone(), turn(1), some(2), upkeep];
    steps.extend((0..60).map(Step::Fail));
    for is_written in [false, true] {
        run(Sync::Never, is_written, &steps).expect("nothing is invented");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
    ))]

    #[test]
    fn with_batch_what_was_synced_is_found(steps in steps(), is_written in any::<bool>()) {
        run(Sync::Batch, is_written, &steps)?;
    }

    #[test]
    fn with_interval_what_came_before_the_last_sync_is_found(
        steps in steps(), is_written in any::<bool>(), often in prop_oneof![Just(ALWAYS), Just(SELDOM)]
    ) {
        run(Sync::Interval(often), is_written, &steps)?;
    }

    #[test]
    fn with_never_what_was_asked_for_is_found_and_nothing_is_invented(steps in steps(), is_written in any::<bool>()) {
        run(Sync::Never, is_written, &steps)?;
    }
}
