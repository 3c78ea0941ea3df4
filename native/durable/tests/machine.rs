//! The queue, its lanes, ends of every kind and adopters of every patience, beside a reference that only counts: what was appended and is not
//! acknowledged by all is found, in order, once; again only what an adopter had not freed.

use std::collections::BTreeSet;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use spanwire_durable::{Directory, MapPolicy, Plan, orphans};
use spanwire_queue::{Appended, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

#[derive(Clone, Debug)]
enum Step {
    Append {
        group: u8,
        count: u8,
        bytes: u32,
    },
    Take {
        lane: u8,
        most: u8,
    },
    /// A lane is done with the first batch that it has under way.
    Done {
        lane: u8,
    },
    AddLane,
    DropLane {
        lane: u8,
    },
    /// The disk's thread has its turn.
    Upkeep,
    /// What would be found if the process were killed now; the adopters are killed too.
    Kill(Vec<Adopter>),
}

/// How far an adopter gets.
#[derive(Clone, Copy, Debug)]
struct Adopter {
    blocks: u8,
    /// It is killed between having delivered its last block and freeing it.
    frees_last: bool,
}

fn adopters() -> impl Strategy<Value = Vec<Adopter>> {
    let adopter = (0..4u8, any::<bool>()).prop_map(|(blocks, frees_last)| Adopter { blocks, frees_last });
    prop::collection::vec(adopter, 0..3)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = prop_oneof![4 => 0..300u32, 2 => 300..40_000u32, 1 => 900_000..1_300_000u32];
    let step = prop_oneof![
        6 => (0..5u8, 1..40u8, bytes).prop_map(|(group, count, bytes)| Step::Append { group, count, bytes }),
        5 => (0..4u8, 1..120u8).prop_map(|(lane, most)| Step::Take { lane, most }),
        5 => (0..4u8).prop_map(|lane| Step::Done { lane }),
        1 => Just(Step::AddLane),
        1 => (0..4u8).prop_map(|lane| Step::DropLane { lane }),
        2 => Just(Step::Upkeep),
        1 => adopters().prop_map(Step::Kill),
    ];
    prop::collection::vec(step, 0..50)
}

/// A `Span` message that is its number, and so many bytes.
fn span(number: usize, bytes: u32) -> Vec<u8> {
    let name = format!("{number:07} {}", "x".repeat(bytes as usize));
    let mut out = vec![0x0a, 16];
    out.extend([1; 16]);
    out.push(0x2a);
    let mut len = name.len();
    while len >= 0x80 {
        out.push(u8::try_from(len & 0x7f).expect("seven bits") | 0x80);
        len >>= 7;
    }
    out.push(u8::try_from(len).expect("seven bits"));
    out.extend_from_slice(name.as_bytes());
    out
}

fn after_varint(bytes: &[u8], at: usize) -> usize {
    at + 1 + bytes[at..].iter().position(|byte| byte & 0x80 == 0).expect("an end")
}

struct Reader {
    lane: Lane,
    under_way: Vec<u64>,
    done: usize,
}

struct Machine {
    writer: Writer,
    readers: Vec<Reader>,
    directory: Arc<Directory>,
    groups: Vec<Arc<Group>>,
    // The reference:
    made: Vec<(Vec<u8>, usize)>,
    /// What lanes that are gone were not done with.
    kept: Vec<Range<usize>>,
}

impl Machine {
    fn new(path: &Path, is_written: bool) -> Self {
        let directory = Directory::without_upkeep(&Plan {
            mapping: if is_written { MapPolicy::Never } else { MapPolicy::Auto },
            ..Plan::new(path.to_owned(), "tests")
        })
        .expect("a folder");
        let group = |number: u8| {
            Arc::new(Group {
                resource: vec![number; usize::from(number) * 20_000],
                scope: vec![number],
                ..Group::default()
            })
        };
        let mut machine = Self {
            writer: Writer::with_storage(Signal::Traces, directory.storage(), 1 << 30).expect("fork handlers"),
            readers: Vec::new(),
            directory,
            groups: (0..5).map(group).collect(),
            made: Vec::new(),
            kept: Vec::new(),
        };
        machine.add_lane();
        machine.add_lane();
        machine
    }

    fn add_lane(&mut self) {
        let lane = self.writer.add_lane(Limits {
            bytes: 1 << 30,
            ..Limits::default()
        });
        self.readers.push(Reader {
            lane,
            under_way: Vec::new(),
            done: self.made.len(),
        });
    }

    /// What is not acknowledged by all.
    fn needed(&self) -> BTreeSet<usize> {
        let lanes = self.readers.iter().map(|reader| reader.done..self.made.len());
        lanes.chain(self.kept.iter().cloned()).flatten().collect()
    }

    fn act(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let readers = self.readers.len();
        let reader = |lane: u8, all: &'_ [Reader]| (!all.is_empty()).then(|| usize::from(lane) % readers);
        match step {
            Step::Append { group, count, bytes } => {
                let count = if *bytes > 300_000 { 1 + count % 2 } else { *count };
                for _ in 0..count {
                    let span = span(self.made.len(), *bytes);
                    let of = usize::from(*group);
                    let appended = self.writer.append(&self.groups[of], span.len(), |out| out.raw(&span));
                    if self.readers.is_empty() {
                        prop_assert_eq!(appended, Appended::Attend);
                    } else {
                        prop_assert_eq!(appended, Appended::Done);
                        self.made.push((span, of));
                    }
                }
            }
            Step::Take { lane, most } => {
                if let Some(at) = reader(*lane, &self.readers) {
                    let reader = &mut self.readers[at];
                    let batch = reader.lane.take((*most).into(), usize::MAX);
                    reader.under_way.extend(batch.map(|batch| batch.end()));
                }
            }
            Step::Done { lane } => {
                if let Some(at) = reader(*lane, &self.readers) {
                    let reader = &mut self.readers[at];
                    if !reader.under_way.is_empty() {
                        let end = reader.under_way.remove(0);
                        reader.lane.set_done(end);
                        reader.done = usize::try_from(end).expect("few");
                    }
                }
            }
            Step::AddLane => self.add_lane(),
            Step::DropLane { lane } => {
                if let Some(at) = reader(*lane, &self.readers) {
                    let gone = self.readers.remove(at);
                    self.kept.push(gone.done..self.made.len());
                }
            }
            Step::Upkeep => self.directory.upkeep(),
            Step::Kill(adopters) => {
                let place = tempfile::tempdir().expect("a folder");
                self.directory.write_out().expect("a disk");
                copy(&self.directory.folder(), place.path());
                self.adopt(place.path(), adopters)?;
            }
        }
        Ok(())
    }

    /// What adopters find who are killed, and then one who is not.
    fn adopt(&self, path: &Path, adopters: &[Adopter]) -> Result<(), TestCaseError> {
        let mut found = BTreeSet::new();
        let mut not_freed = BTreeSet::new();
        let whole = Adopter {
            blocks: u8::MAX,
            frees_last: true,
        };
        for adopter in adopters.iter().chain([&whole]) {
            let Some(orphan) = orphans(path, Some("tests")).expect("readable").pop() else {
                break;
            };
            prop_assert!(orphans(path, None).expect("readable").is_empty(), "two have it");
            let contents = orphan.contents().expect("readable");
            prop_assert!(contents.bad.is_empty(), "{:?}", contents.bad);
            let blocks = contents.blocks.iter().take(adopter.blocks.into());
            let mut last = None;
            for (at, place) in blocks.enumerate() {
                let Some(read) = orphan.read(place).expect("readable") else {
                    continue;
                };
                prop_assert_eq!(
                    read.lost,
                    0,
                    "{:?}: {} groups, {} frames, {} done",
                    place,
                    read.groups.len(),
                    read.frames.len(),
                    read.done
                );
                let is_freed = adopter.frees_last || at + 1 < usize::from(adopter.blocks);
                for (of, frame) in &read.frames {
                    let begin = after_varint(frame, 1);
                    let digits = after_varint(frame, begin + 19);
                    let digits = String::from_utf8_lossy(&frame[digits..digits + 7]);
                    let number: usize = digits.parse().expect("a number");
                    prop_assert!(frame[begin..] == self.made[number].0, "{number} is another");
                    prop_assert!(
                        read.groups[*of] == *self.groups[self.made[number].1],
                        "{number} is of another"
                    );
                    prop_assert!(last < Some(number), "the oldest first");
                    last = Some(number);
                    let is_new = found.insert(number);
                    prop_assert!(is_new || not_freed.contains(&number), "{number} again");
                    if !is_freed {
                        not_freed.insert(number);
                    }
                }
                if is_freed {
                    orphan.free(place).expect("writable");
                }
            }
            if adopter.blocks == u8::MAX {
                prop_assert!(orphan.remove(&contents).expect("removable"));
            }
        }
        // Behind what is kept for a lane that is gone, what came later may stay too.
        let needed = self.needed();
        let first = needed.first().copied().unwrap_or(self.made.len());
        prop_assert!(needed.is_subset(&found), "lost: {:?}", needed.difference(&found));
        prop_assert!(
            found.first().is_none_or(|found| *found >= first),
            "was done: {found:?} of {first}"
        );
        if self.kept.iter().all(Range::is_empty) {
            prop_assert_eq!(found, needed);
        }
        prop_assert_eq!(orphans(path, None).expect("readable").len(), 0);
        Ok(())
    }
}

/// A process's folder as a kill leaves it: nobody has its lock.
fn copy(folder: &Path, to: &Path) {
    let to = to.join(folder.file_name().expect("a name"));
    std::fs::DirBuilder::new().mode(0o700).create(&to).expect("new");
    for entry in std::fs::read_dir(folder).expect("there") {
        let entry = entry.expect("an entry");
        if entry.file_name() == "lock" {
            std::fs::write(to.join("lock"), "").expect("room"); // to close it here would unlock it
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("room");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32)
    ))]

    #[test]
    fn what_was_appended_is_done_or_found(steps in steps(), is_written in any::<bool>(), end in adopters()) {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("queue");
        let mut machine = Machine::new(&path, is_written);
        for step in &steps {
            machine.act(step)?;
        }
        machine.act(&Step::Kill(end.clone()))?;
        // An end in order: lanes and writer go, and everything else with them.
        let Machine { writer, readers, directory, groups, made, mut kept } = machine;
        for reader in readers {
            kept.push(reader.done..made.len());
        }
        drop((writer, directory));
        let other = tempfile::tempdir().expect("a folder");
        let mut rest = Machine::new(&other.path().join("queue"), false);
        (rest.made, rest.kept, rest.groups) = (made, kept, groups);
        rest.readers.clear();
        rest.adopt(&path, &end)?;
    }
}
