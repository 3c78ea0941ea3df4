//! Blocks as they are written, then damaged: bytes set, flipped, zeroed, exchanged, or the end cut off. What is read are sound spans; where
//! no frame was touched they are those that were written; after a restart always, as then only what a seal covers counts.
#![no_main]

mod check;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use spanwire_durable::format::{PAGE, halves, word};
use spanwire_durable::read::{Since, read_block};
use spanwire_durable::{Directory, Plan};
use spanwire_queue::{Group, Limits, Writer};
use spanwire_wire::Signal;

/// Bytes for groups: fewer than usual, so that damage meets something.
const HEADS: usize = 1024;
const SPANS: u8 = 60;

struct Base {
    bytes: Vec<u8>,
    frames: HashSet<Vec<u8>>,
}

/// With one group, and with many; sealed, partly sealed, and not.
fn bases() -> &'static [Base] {
    static BASES: OnceLock<Vec<Base>> = OnceLock::new();
    BASES.get_or_init(|| {
        let kinds = [1, 5]
            .into_iter()
            .flat_map(|groups| [0, 40, SPANS].map(|sealed| (groups, sealed)));
        kinds.map(|(groups, sealed)| base(groups, sealed)).collect()
    })
}

fn base(groups: u8, sealed: u8) -> Base {
    let place = tempfile::tempdir().expect("a folder");
    let plan = Plan::new(place.path().join("queue"), "fuzz");
    let directory = Directory::without_upkeep(&plan).expect("a folder");
    let mut writer = Writer::with_storage(Signal::Traces, directory.storage(), 1 << 30).expect("fork handlers");
    let lane = writer.add_lane(Limits::default());
    let groups: Vec<_> = (0..groups)
        .map(|number| {
            Arc::new(Group {
                resource: vec![number; 9 + usize::from(number)],
                ..Group::default()
            })
        })
        .collect();
    for number in 0..SPANS {
        if number == sealed {
            directory.upkeep();
        }
        let span = span(number);
        let _ = writer.append(&groups[usize::from(number) / 3 % groups.len()], span.len(), |out| {
            out.raw(&span)
        });
    }
    if sealed == SPANS {
        directory.upkeep();
    }
    lane.set_done(if sealed == 0 { 5 } else { 0 });
    let bytes = only_block(&directory.folder());
    let found = read_block(&bytes, HEADS, Since::Then).expect("in use");
    assert_eq!((found.lost, found.frames.len() as u64 + found.done), (0, SPANS.into()));
    let mut all = bytes.clone();
    all[word::DONE..word::DONE + 8].fill(0);
    let found = read_block(&all, HEADS, Since::Then).expect("in use");
    Base {
        bytes,
        frames: found.frames.into_iter().map(|(_, frame)| frame).collect(),
    }
}

/// Of all lengths, the usual fields.
fn span(number: u8) -> Vec<u8> {
    let mut out = vec![0x0a, 16];
    out.extend([number + 1; 16]);
    out.extend([0x12, 8]);
    out.extend([number + 1; 8]);
    out.extend([0x2a, 5 + number]);
    out.extend(vec![b'a' + number % 26; 5 + usize::from(number)]);
    out
}

/// The first block, with less room for groups, and up to its last frame.
fn only_block(folder: &Path) -> Vec<u8> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "spans"))
        .collect();
    files.sort();
    let file = std::fs::read(&files[0]).expect("readable");
    let shape = spanwire_durable::format::Header::decode(&file).expect("sound").shape;
    let begin = shape.block(0);
    let at = begin + word::COMMITTED;
    let committed = u64::from_le_bytes(file[at..at + 8].try_into().expect("eight"));
    let mut bytes = file[begin..begin + PAGE + HEADS].to_vec();
    let frames = shape.frames(0);
    bytes.extend_from_slice(&file[frames..frames + halves(committed).1 as usize]);
    bytes
}

fuzz_target!(|input: &[u8]| {
    let Some((&kind, edits)) = input.split_first() else {
        return;
    };
    let bases = bases();
    let base = &bases[usize::from(kind) % bases.len()];
    let mut bytes = base.bytes.clone();
    let (mut is_frame, mut is_seal, mut is_number) = (false, false, false);
    for edit in edits.chunks_exact(4) {
        let [kind, low, high, value] = *edit else { continue };
        // The first words often: they are few.
        let at = match kind >> 4 {
            0..4 => word::ALL[usize::from(low) % word::ALL.len()] + usize::from(high % 8),
            4..6 => PAGE + usize::from(u16::from_le_bytes([low, high])) % HEADS,
            _ => PAGE + HEADS + usize::from(u16::from_le_bytes([low, high])),
        };
        if at >= bytes.len() {
            continue;
        }
        let len = usize::from(value).clamp(1, bytes.len() - at);
        let range = match kind & 7 {
            0 | 1 => {
                bytes[at] ^= value;
                at..at + 1
            }
            2 | 3 => {
                bytes[at] = value;
                at..at + 1
            }
            4 => {
                bytes[at..at + len].fill(0);
                at..at + len
            }
            5 => {
                bytes[at..at + len].reverse();
                at..at + len
            }
            6 => {
                let from = PAGE + HEADS + usize::from(low) * 3;
                let len = len.min(bytes.len().saturating_sub(from));
                if len == 0 {
                    continue;
                }
                bytes.copy_within(from..from + len, at);
                at..at + len
            }
            _ if at >= PAGE => {
                bytes.truncate(at);
                continue;
            }
            _ => continue,
        };
        is_frame |= range.end > PAGE + HEADS;
        is_number |= range.start < word::NUMBER + 8 && range.end > word::NUMBER;
        is_seal |= range.start < word::SEALS[1] + 8 && range.end > word::SEALS[0];
    }
    for since in [Since::Then, Since::Restart] {
        let Some(found) = read_block(&bytes, HEADS, since) else {
            continue;
        };
        check::check(&found, bytes.len() - PAGE);
        // Whoever finds a seal that fits what is there wrote one.
        let is_proven = since == Since::Restart && !is_seal && !is_number;
        for (_, frame) in &found.frames {
            assert!((is_frame && !is_proven) || base.frames.contains(frame), "invented");
        }
        if edits.len() < 4 {
            assert!(since == Since::Restart || found.lost == 0);
        }
    }
});
