//! Whatever happens to a file, what is read of it was written there, and what can be read is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use spanwire_durable::format::{PAGE, SUFFIX, word};
use spanwire_durable::read::{Segment, Since, read_block};
use spanwire_durable::{Directory, Plan};
use spanwire_queue::{Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

const SPANS: usize = 40;

/// A span as ours begin: ids, and a name of some bytes.
fn span(number: u8) -> Vec<u8> {
    let mut out = vec![0x0a, 16];
    out.extend([number + 1; 16]);
    out.extend([0x12, 8]);
    out.extend([number + 1; 8]);
    out.extend([0x2a, 20]);
    out.extend([b'a' + number % 26; 20]);
    out
}

struct Written {
    _place: tempfile::TempDir,
    path: PathBuf,
    heads_len: usize,
    /// The first block.
    bytes: Vec<u8>,
    _queue: (Writer, Lane, Arc<Directory>),
}

/// A file with so many groups, whose spans come in turn, four of each.
fn written(groups: usize) -> Written {
    let place = tempfile::tempdir().expect("a folder");
    let directory = Directory::create(&Plan::new(place.path().join("queue"), "tests")).expect("a folder");
    let mut writer = Writer::with_storage(Signal::Traces, directory.storage(), 1 << 30).expect("fork handlers");
    let lane = writer.add_lane(Limits::default());
    let groups: Vec<_> = (0..groups)
        .map(|number| {
            Arc::new(Group {
                resource: vec![0x0a; number + 3],
                ..Group::default()
            })
        })
        .collect();
    for number in 0..SPANS {
        let span = span(u8::try_from(number).expect("few"));
        let _ = writer.append(&groups[number / 4 % groups.len()], span.len(), |out| out.raw(&span));
    }
    let path = only_file(&directory.folder());
    let segment = Segment::open(&path).expect("readable").expect("sound");
    let shape = segment.header.shape;
    let all = std::fs::read(&path).expect("readable");
    Written {
        _place: place,
        path,
        heads_len: shape.heads_len,
        bytes: all[shape.block(0)..shape.block(1)].to_vec(),
        _queue: (writer, lane, directory),
    }
}

fn only_file(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder)
        .expect("there")
        .map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == SUFFIX))
        .collect();
    files.sort();
    files.swap_remove(0)
}

/// The numbers of the spans that are read, and whether all of them are as they were written.
fn read(bytes: &[u8], heads_len: usize) -> Option<(Vec<usize>, u64, bool)> {
    let found = read_block(bytes, heads_len, Since::Then)?;
    let mut is_same = true;
    let numbers = found.frames.iter().map(|(_, frame)| {
        let number = usize::from(frame[4].wrapping_sub(1));
        is_same &= number < SPANS && frame[2..] == span(u8::try_from(number).unwrap_or(0));
        number
    });
    let numbers = numbers.collect();
    Some((numbers, found.lost, is_same))
}

#[test]
fn a_page_of_zeros_takes_only_the_spans_that_it_hides() {
    let written = written(1);
    let begin = PAGE + written.heads_len;
    let frame = span(0).len() + 2;
    for from in 3..SPANS - 3 {
        let mut bytes = written.bytes.clone();
        bytes[begin + 2 + from * frame..][..2 * frame].fill(0);
        let (numbers, lost, is_same) = read(&bytes, written.heads_len).expect("in use");
        assert!(is_same);
        assert_eq!(lost, 2);
        let expected: Vec<_> = (0..SPANS).filter(|number| !(from..from + 2).contains(number)).collect();
        assert_eq!(numbers, expected);
    }
}

#[test]
fn a_torn_tail_takes_only_what_it_hides() {
    let written = written(3);
    for len in (PAGE + written.heads_len..PAGE + written.heads_len + 2_000).step_by(7) {
        let (numbers, lost, is_same) = read(&written.bytes[..len], written.heads_len).expect("in use");
        assert!(is_same);
        assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
        assert_eq!(lost, (SPANS - numbers.len()) as u64);
    }
}

#[test]
fn each_byte_of_the_file_header_is_looked_at() {
    let written = written(2);
    let whole = std::fs::read(&written.path).expect("readable");
    for at in 0..76 {
        for bit in 0..8 {
            let mut bytes = whole[..PAGE].to_vec();
            bytes[at] ^= 1 << bit;
            assert!(
                spanwire_durable::format::Header::decode(&bytes).is_err(),
                "byte {at}, bit {bit}"
            );
        }
    }
}

/// A block all of whose bytes are parts of long frames that are no spans at their ends.
#[test]
fn a_block_that_was_made_to_be_slow_is_read_soon() {
    let written = written(1);
    let begin = PAGE + written.heads_len;
    let mut bytes = written.bytes;
    let len = bytes.len() - begin;
    let committed = (1_u64 << 32 | len as u64).to_le_bytes();
    bytes[word::COMMITTED..word::COMMITTED + 8].copy_from_slice(&committed);
    // One trace id after the other, and in each the beginning of a frame that goes up to near the end, where no field is.
    let content = &mut bytes[begin..];
    content.fill(0);
    content[0] = 0xff; // no frame
    for at in (2..len - 64).step_by(18) {
        content[at..at + 18].copy_from_slice(&[0x0a, 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        let rest = u32::try_from(len - 20 - (at + 18)).expect("a block");
        let low = |shift: u32| u8::try_from(rest >> shift & 0x7f).expect("seven bits") | 0x80;
        content[at + 14..at + 18].copy_from_slice(&[0x12, low(0), low(7), low(14) & 0x7f]);
    }
    let clock = Instant::now();
    let found = read_block(&bytes, written.heads_len, Since::Then).expect("in use");
    assert!(clock.elapsed() < Duration::from_secs(40), "{:?}", clock.elapsed());
    assert!(found.frames.is_empty() && found.lost <= 1);
}

/// A length that says that a frame has others inside, of which it is made of then: they are found.
#[test]
fn a_length_that_became_larger_takes_no_other_frames() {
    for groups in 1..3 {
        let written = written(groups);
        let first = PAGE + written.heads_len + 2; // behind the marker
        for at in [first + 1, first + 1 + span(0).len() + 2] {
            let mut bytes = written.bytes.clone();
            assert_eq!(usize::from(bytes[at]), span(0).len());
            bytes[at] |= 0x80; // and what follows becomes a part of it
            let (numbers, lost, _) = read(&bytes, written.heads_len).expect("in use");
            assert!(numbers.len() + 4 * groups >= SPANS, "{groups} {numbers:?}");
            assert_eq!(numbers.len() as u64 + lost, SPANS as u64);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn one_flipped_bit_takes_few_spans(groups in 1..4_usize, at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        static ONCE: [OnceLock<(usize, Vec<u8>)>; 4] = [const { OnceLock::new() }; 4];
        let (heads_len, bytes) = ONCE[groups].get_or_init(|| {
            let written = written(groups);
            (written.heads_len, written.bytes)
        });
        let (heads_len, mut bytes) = (*heads_len, bytes.clone());
        let used = PAGE + heads_len + SPANS * (span(0).len() + 2) + 80;
        let at = at.index(used);
        bytes[at] ^= 1 << bit;
        let is_word = at < PAGE && at % 64 < 8;
        match read(&bytes, heads_len) {
            None => prop_assert!(at / 8 == word::STATE / 8),
            Some((numbers, lost, _)) => {
                prop_assert!(numbers.len() <= SPANS);
                if !is_word && at >= PAGE + heads_len {
                    prop_assert!(numbers.len() + 8 >= SPANS, "{} lost {lost}", numbers.len());
                }
            }
        }
    }

    #[test]
    fn whatever_is_there_is_read_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), PAGE..PAGE + 6_000), committed in any::<u32>()) {
        bytes[word::STATE..word::STATE + 8].copy_from_slice(&spanwire_durable::format::USED.to_le_bytes());
        bytes[word::COMMITTED..word::COMMITTED + 4].copy_from_slice(&committed.to_le_bytes());
        for since in [Since::Then, Since::Restart] {
            let _ = read_block(&bytes, 1_000, since);
        }
    }
}
