//! Reading what a process left: whatever is intact, in order, however damaged the rest is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use spanwire_queue::Group;
use spanwire_wire::Signal;
use spanwire_wire::read::Message;
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::validate::{Part, validate_part};
use spanwire_wire::varint::decode_varint32;

use crate::format::Shape;
use crate::format::{self, BadHeader, FREE, Header, PAGE, USED, word};
use crate::{boot, heads};

const SPANS: u8 = len_tag(tag::scope_spans::SPANS);
const MARKER: u8 = 0;
/// Tag and length of a trace's id.
const TRACE_ID: [u8; 2] = [len_tag(tag::span::TRACE_ID), 16];
const SPAN_ID: [u8; 2] = [len_tag(tag::span::SPAN_ID), 8];

/// How often each byte may be looked at in vain, on average: of what was damaged and not made for it, few are more than once.
const PATIENCE: usize = 64;

/// What a block has.
#[derive(Debug, Default)]
pub struct Found {
    /// Of all blocks of its process, its number.
    pub number: u64,
    /// When it was begun, in nanoseconds since the Unix epoch; 0 if that is lost.
    pub begun: u64,
    /// Frames in order, each with its tag and length, and the group that it is of.
    pub frames: Vec<(usize, Vec<u8>)>,
    /// Its groups.
    pub groups: Vec<Group>,
    /// Frames that were acknowledged: left out.
    pub done: u64,
    /// Frames that were committed and cannot be read.
    pub lost: u64,
    /// Whether its checksum fits; none if it is not of all that was committed.
    pub is_whole: Option<bool>,
}

/// Whether what was committed is in the file for sure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Since {
    /// The system has run on: it is, but for damage.
    Then,
    /// The power may have failed: each page may be of another moment, and what is there is what a checksum says.
    Restart,
}

/// A file that was found.
#[derive(Debug)]
pub struct Segment {
    file: File,
    /// Its header.
    pub header: Header,
    /// Bytes that there are, which may be fewer than there should be.
    len: u64,
}

impl Segment {
    /// Opens it for reading.
    ///
    /// # Errors
    /// If it cannot be read; `Ok(Err(_))` if it is none that can be understood.
    pub fn open(path: &Path) -> io::Result<Result<Self, BadHeader>> {
        Self::of(File::open(path)?)
    }

    /// Of an open file.
    ///
    /// # Errors
    /// As above.
    pub fn of(mut file: File) -> io::Result<Result<Self, BadHeader>> {
        let mut bytes = Vec::with_capacity(PAGE);
        Read::by_ref(&mut file).take(PAGE as u64).read_to_end(&mut bytes)?;
        let len = file.metadata()?.len();
        let segment = match Header::decode(&bytes) {
            Ok(header) => Ok(Self { file, header, len }),
            Err(why) => Self::without_header(file, &bytes, len).ok_or(why),
        };
        Ok(segment)
    }

    /// A file whose header is damaged, but whose length and blocks are those of ours.
    fn without_header(file: File, bytes: &[u8], len: u64) -> Option<Self> {
        if len != Shape::USUAL.file_len() as u64 || matches!(Header::decode(bytes), Err(BadHeader::Newer(_))) {
            return None;
        }
        let segment = Self {
            header: Header {
                boot: if Header::names_boot(bytes, boot::id()) {
                    boot::id()
                } else {
                    0
                },
                ..Header::lost()
            },
            file,
            len,
        };
        let state = |index| segment.word((Shape::USUAL.block(index) + word::STATE) as u64);
        let states: Vec<_> = (0..Shape::USUAL.blocks).filter_map(state).collect();
        let is_ours = states.iter().all(|state| [FREE, USED].contains(state)) && states.contains(&USED);
        is_ours.then_some(segment)
    }

    /// A word of it.
    #[must_use]
    pub fn word(&self, at: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, at).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// A block that is in use; none if it is free, or not there.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn block(&mut self, index: u32) -> io::Result<Option<Found>> {
        let shape = self.header.shape;
        let begin = shape.block(index) as u64;
        if begin + PAGE as u64 > self.len {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut self.file)
            .take(shape.block_len as u64)
            .read_to_end(&mut bytes)?;
        Ok(read_block(&bytes, shape.heads_len, self.since()))
    }

    /// Whether the system has run on since it was made.
    #[must_use]
    pub fn since(&self) -> Since {
        if boot::is_this(self.header.boot) {
            Since::Then
        } else {
            Since::Restart
        }
    }
}

/// Reads a block's bytes, of which the last may be missing.
#[must_use]
pub fn read_block(bytes: &[u8], heads_len: usize, since: Since) -> Option<Found> {
    let word = |at: usize| {
        bytes
            .get(at..at + 8)?
            .first_chunk()
            .map(|bytes| u64::from_le_bytes(*bytes))
    };
    if word(word::STATE)? == FREE {
        return None; // what is neither was damaged, and is read
    }
    let number = word(word::NUMBER)?;
    let (frames, len) = format::halves(word(word::COMMITTED)?);
    let (_, groups_len) = format::halves(word(word::GROUPS)?);
    let begin = PAGE.checked_add(heads_len)?;
    let heads = bytes.get(PAGE..begin.min(bytes.len()))?;
    let heads = &heads[..heads.len().min(groups_len as usize)];
    let content = bytes.get(begin..).unwrap_or_default();
    let mut content = &content[..content.len().min(len as usize)];
    // Whatever is not certain is delivered again.
    let done = format::once(word(word::DONE)?).filter(|done| *done <= frames);
    let done = u64::from(done.unwrap_or(0));

    let seals = word::SEALS.map(|at| format::halves(word(at).unwrap_or(0)));
    let is_right = |(bytes, sum): (u32, u32)| {
        let sealed = content.get(..bytes as usize);
        sealed.is_some_and(|sealed| format::checksum(number, sealed) == sum)
    };
    let right = seals.map(|seal| if is_right(seal) { Some(seal.0) } else { None });
    let mut found = Found {
        begun: word(word::BEGUN).unwrap_or(0),
        number,
        done,
        is_whole: if right.contains(&Some(len)) {
            Some(true)
        } else {
            seals.iter().any(|&(bytes, _)| len > 0 && bytes == len).then_some(false)
        },
        ..Found::default()
    };
    if since == Since::Restart {
        content = &content[..right.into_iter().flatten().max().unwrap_or(0) as usize];
    }
    let known = heads::decode_all(heads, number);
    let mut places = Vec::with_capacity(known.len());
    for group in known {
        places.push(group.map(|group| {
            found.groups.push(group);
            found.groups.len() - 1
        }));
    }
    let mut walk = Walk {
        content,
        at: 0,
        group: None,
        is_of_one: places.len() == 1,
        patience: PATIENCE.saturating_mul(content.len()),
    };
    // How many were passed; behind a gap that is not known any more, and nothing is taken for acknowledged.
    let mut number = Some(0_u64);
    let mut read = 0_u64;
    while let Some(step) = walk.next() {
        let place = match step {
            Step::Gap => {
                number = None;
                continue;
            }
            Step::Broken => None,
            Step::Frame(group, frame) => places
                .get(usize::from(group))
                .copied()
                .flatten()
                .map(|place| (place, frame)),
        };
        if let Some(number) = &mut number {
            *number += 1;
            if *number <= done {
                continue;
            }
        }
        if number.is_none() && read + done == u64::from(frames) {
            break; // more than were committed
        }
        if let Some((place, frame)) = place {
            found.frames.push((place, frame.to_vec()));
            read += 1;
        }
    }
    let is_through = walk.at == len as usize;
    let committed = match number {
        // It is the count that is damaged, unless more frames come: then it is the length.
        Some(number) if is_through && (number > u64::from(frames) || !is_frame(bytes.get(begin + walk.at..))) => number,
        _ => u64::from(frames),
    };
    found.lost = committed.saturating_sub(done + found.frames.len() as u64);
    Some(found)
}

/// Whether a frame is there, or one of another group.
fn is_frame(bytes: Option<&[u8]>) -> bool {
    match bytes {
        Some([MARKER, _, rest @ ..] | rest) => is_span(rest),
        None => false,
    }
}

enum Step<'a> {
    /// Its group, and itself with tag and length.
    Frame(u8, &'a [u8]),
    /// It has an end, but is no span, or of no group.
    Broken,
    /// Here nothing made sense: what comes next was found by looking for it.
    Gap,
}

struct Walk<'a> {
    content: &'a [u8],
    at: usize,
    group: Option<u8>,
    /// All frames of the block are of its first group.
    is_of_one: bool,
    /// How many bytes may be looked at for what is no span in the end: each may be a part of many of those.
    patience: usize,
}

impl<'a> Walk<'a> {
    /// What comes next; `None` at the end.
    fn next(&mut self) -> Option<Step<'a>> {
        let rest = self.content.get(self.at..)?;
        if rest.is_empty() {
            return None;
        }
        let (group, marker) = match rest {
            [MARKER, group, ..] => (Some(*group), 2),
            _ => (self.group, 0),
        };
        let Some((frame, is_sound)) = frame_at(&rest[marker..]) else {
            return self.look_on(self.content.len());
        };
        // Its length may be what was damaged: then it has others inside.
        if !is_sound && let Some(gap) = self.look_on(self.at + marker + frame.len()) {
            return Some(gap);
        }
        self.group = group;
        self.at += marker + frame.len();
        Some(match self.group {
            Some(group) if is_sound => Step::Frame(group, frame),
            _ => Step::Broken,
        })
    }

    /// Looks, up to `end`, for the next place where a sound frame is whose group is known: behind a marker, or any, if the block has one group
    /// only.
    fn look_on(&mut self, end: usize) -> Option<Step<'a>> {
        let begin = self.at + 1;
        let found = (begin..end).find(|&at| {
            let marker = match self.content[at..] {
                _ if self.patience == 0 => return true,
                [MARKER, _, SPANS, ..] => 2,
                [SPANS, ..] if self.is_of_one => 0,
                _ => return false,
            };
            let looked = span_at(&self.content[at + marker..]);
            let in_vain = looked.err().unwrap_or(0);
            self.patience = self.patience.saturating_sub(in_vain);
            looked.is_ok()
        });
        self.at = found.filter(|_| self.patience > 0)?;
        self.group = self.is_of_one.then_some(0);
        Some(Step::Gap)
    }
}

/// Whether a span as ours are begins there: one that begins with its trace's id and its own. Anything may look like a frame where bytes are
/// lost, as a text of sixteen bytes does whose length is that of a trace's id. If not, how many bytes were looked at.
fn span_at(bytes: &[u8]) -> Result<(), usize> {
    let (frame, begin) = frame_of(bytes).ok_or(1_usize)?;
    let has_ids = |at: usize| frame[at..].starts_with(&TRACE_ID) && frame[at..].get(18..20) == Some(&SPAN_ID[..]);
    if !(0..frame.len().min(6)).any(has_ids) {
        return Err(8);
    }
    validate_part(Part::Item(Signal::Traces), Message::new(&frame[begin..])).map_err(|error| begin + error.offset + 1)
}

fn is_span(bytes: &[u8]) -> bool {
    span_at(bytes).is_ok()
}

/// The frame that begins there, and whether it is a span; `None` if there is none, or it has no end.
fn frame_at(bytes: &[u8]) -> Option<(&[u8], bool)> {
    let (frame, begin) = frame_of(bytes)?;
    let is_sound = validate_part(Part::Item(Signal::Traces), Message::new(&frame[begin..])).is_ok();
    Some((frame, is_sound))
}

/// The frame that begins there, if it has an end, and where its content begins.
fn frame_of(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (&SPANS, after) = bytes.split_first()? else {
        return None;
    };
    let (len, width) = decode_varint32(after).ok()?;
    let begin = 1 + width;
    Some((bytes.get(..begin.checked_add(len as usize)?)?, begin))
}
