//! [`Position`]: how far a lane has read, and walking on from there.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use spanwire_wire::varint::decode_varint32;

use crate::arena::{Chunk, Extent, Item};
use crate::group::{Attached, Group};
use crate::object;

/// A place between two frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// Of all frames of the queue, the number of the next.
    pub frame: u64,
    /// Which chunk, counted from the queue's first.
    pub chunk: u64,
    /// Where in it.
    pub offset: usize,
    /// The group there, if `offset` is behind a marker.
    group: u8,
}

/// What comes next.
pub enum Next {
    Frames(Stretch),
    /// Nothing more fits.
    TooMuch,
    /// It cannot be read.
    Damaged,
}

/// Frames of one group that lie one behind the other.
pub struct Stretch {
    pub chunk: Arc<Chunk>,
    pub bytes: Range<usize>,
    group: u8,
    pub frames: usize,
    /// Instead of the chunk's bytes, if a frame was replaced.
    pub replaced: Option<Vec<u8>>,
    /// Instead of frames, if its bytes are the places of objects.
    pub objects: Vec<Attached>,
}

impl Stretch {
    pub fn bytes(&self) -> &[u8] {
        match &self.replaced {
            Some(bytes) => bytes,
            None => self.chunk.bytes(self.bytes.clone()),
        }
    }

    /// Its group; none is a defect.
    pub fn group(&self) -> Option<&Arc<Group>> {
        self.chunk.group(self.group)
    }

    /// Another stretch of the same chunk and group.
    pub fn part(&self, bytes: Range<usize>, frames: usize, replaced: Option<Vec<u8>>) -> Self {
        Self {
            chunk: Arc::clone(&self.chunk),
            bytes,
            group: self.group,
            frames,
            replaced,
            objects: Vec::new(),
        }
    }

    /// Whether it has objects and no frames.
    pub fn is_of_objects(&self) -> bool {
        self.group().is_some_and(|group| object::are_places(group))
    }

    /// Its frames: where each begins and ends in [`bytes`](Self::bytes), and its content, an item without tag and length.
    pub fn each(&self) -> impl Iterator<Item = (Range<usize>, &[u8])> {
        let all = self.bytes();
        let mut at = 0;
        std::iter::from_fn(move || {
            // A tag of one byte.
            let (len, width) = decode_varint32(all.get(at + 1..)?).ok()?;
            let (start, content) = (at, at + 1 + width);
            at = content + len as usize;
            Some((start..at, all.get(content..at)?))
        })
    }
}

/// The chunks that some lane has not passed, the oldest first.
#[derive(Debug, Default)]
pub struct Chunks {
    list: VecDeque<Arc<Chunk>>,
    /// How many were there before the first.
    passed: u64,
}

impl Chunks {
    pub fn get(&self, number: u64) -> Option<&Arc<Chunk>> {
        self.list.get(usize::try_from(number.checked_sub(self.passed)?).ok()?)
    }

    pub fn push(&mut self, chunk: Arc<Chunk>) {
        self.list.push_back(chunk);
    }

    pub fn first(&self) -> Option<&Arc<Chunk>> {
        self.list.front()
    }

    pub fn last(&self) -> Option<&Arc<Chunk>> {
        self.list.back()
    }

    /// The number of the next chunk.
    pub fn end(&self) -> u64 {
        self.passed + self.list.len() as u64
    }

    /// Takes the oldest out if its number is below `number`.
    pub fn pop_before(&mut self, number: u64) -> Option<Arc<Chunk>> {
        if self.passed >= number {
            return None;
        }
        let chunk = self.list.pop_front()?;
        self.passed += 1;
        Some(chunk)
    }

    /// Takes all out.
    pub fn clear(&mut self) -> impl Iterator<Item = Arc<Chunk>> + '_ {
        self.passed = 0;
        self.list.drain(..)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Chunk>> {
        self.list.iter()
    }
}

impl Position {
    /// Behind the newest frame.
    pub fn newest(chunks: &Chunks) -> Self {
        let mut at = Self {
            chunk: chunks.end().saturating_sub(1),
            ..Self::default()
        };
        if let Some(last) = chunks.last() {
            at.frame = last.first();
            at.chunk = chunks.end() - 1;
            at.skip(chunks, u64::MAX);
        }
        at
    }

    /// Moves to the chunk after this one, if this one is read up to its end.
    fn settle(&mut self, chunks: &Chunks) {
        while let (Some(here), Some(next)) = (chunks.get(self.chunk), chunks.get(self.chunk + 1)) {
            if here.end() > self.frame {
                return;
            }
            *self = Self {
                frame: next.first(),
                chunk: self.chunk + 1,
                ..Self::default()
            };
        }
    }

    /// Passes `count` frames, or all; answers how many. Whether their bytes can be read does not matter.
    pub fn skip(&mut self, chunks: &Chunks, count: u64) -> u64 {
        let from = self.frame;
        let to = from.saturating_add(count);
        self.settle(chunks);
        while let Some(chunk) = chunks.get(self.chunk).filter(|_| self.frame < to) {
            let sealed = chunks.get(self.chunk + 1).map(|next| next.first());
            if let Some(first) = sealed.filter(|&first| first <= to) {
                (self.frame, self.offset) = (first, chunk.extent().bytes);
            } else {
                let extent = chunk.extent();
                let end = chunk.first() + u64::from(extent.frames);
                while self.frame < to.min(end)
                    && let Some((item, next)) = chunk.item(self.offset, extent)
                {
                    self.pass(&item, next);
                }
                if self.frame < to.min(end) || (self.frame == end && self.offset != extent.bytes) {
                    self.pass_damaged(chunk, extent, to);
                }
                break;
            }
            self.settle(chunks);
        }
        self.settle(chunks);
        self.frame - from
    }

    fn pass(&mut self, item: &Item, end: usize) {
        match item {
            Item::Group(number) => self.group = *number,
            Item::Frame => self.frame += 1,
        }
        self.offset = end;
    }

    /// Passes frames below `to` of the chunk whose bytes cannot be read, or were read and are not what was written. How many frames there
    /// are is known without the bytes.
    #[cold]
    #[inline(never)]
    fn pass_damaged(&mut self, chunk: &Chunk, extent: Extent, to: u64) {
        let end = chunk.first() + u64::from(extent.frames);
        self.frame = to.min(end).max(self.frame);
        // Before that the place stays one where nothing can be read.
        if self.frame == end {
            self.offset = extent.bytes;
            self.group = chunk.last_group(extent).unwrap_or(self.group);
        }
    }

    /// Passes the frames of this chunk that are below `to`, since they cannot be read; answers how many.
    #[cold]
    #[inline(never)]
    pub fn lose(&mut self, chunks: &Chunks, to: u64) -> u64 {
        let from = self.frame;
        if let Some(chunk) = chunks.get(self.chunk) {
            self.pass_damaged(chunk, chunk.extent(), to);
        }
        self.settle(chunks);
        self.frame - from
    }

    /// The next stretch: at most `frames` frames, of which there are so many, and of at most as many bytes as `left` answers for its group;
    /// but one frame if `must`.
    pub fn stretch(
        &mut self,
        chunks: &Chunks,
        frames: u64,
        must: bool,
        left: impl FnOnce(&Arc<Group>) -> usize,
    ) -> Next {
        self.settle(chunks);
        let Some(chunk) = chunks.get(self.chunk) else {
            return Next::TooMuch;
        };
        let extent = chunk.extent();
        // There is one at most before each frame.
        if let Some((Item::Group(number), end)) = chunk.item(self.offset, extent) {
            self.pass(&Item::Group(number), end);
        }
        let Some(group) = chunk.group(self.group) else {
            return Next::Damaged;
        };
        let left = left(group);
        let start = *self;
        let whole = chunk.first() + u64::from(extent.frames) - start.frame;
        let len = extent.bytes - start.offset;
        if start.offset > chunk.last_marker() && whole <= frames && len <= left && !chunk.is_shared() {
            (self.frame, self.offset) = (start.frame + whole, extent.bytes);
        } else {
            let frames = frames.min(whole);
            while self.frame - start.frame < frames
                && let Some((Item::Frame, end)) = chunk.item(self.offset, extent)
            {
                if end - start.offset > left && !(must && self.frame == start.frame) {
                    if self.frame == start.frame {
                        return Next::TooMuch;
                    }
                    break;
                }
                self.pass(&Item::Frame, end);
            }
            if self.frame == start.frame {
                return Next::Damaged;
            }
        }
        let stretch = Stretch {
            chunk: Arc::clone(chunk),
            bytes: start.offset..self.offset,
            group: self.group,
            #[allow(clippy::cast_possible_truncation)] // they are in memory
            frames: (self.frame - start.frame) as usize,
            replaced: None,
            objects: Vec::new(),
        };
        if self.frame - start.frame == whole && self.offset != extent.bytes {
            self.pass_damaged(chunk, extent, self.frame);
        }
        Next::Frames(stretch)
    }
}
