//! [`MappedBlock`]: a block of a segment as a chunk of a queue.

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spanwire_queue::Group;
use spanwire_queue::storage::Block;

use crate::directory::Directory;
use crate::format::word;
use crate::heads;
use crate::segment::Segment;
use spanwire_ground::Here;

#[derive(Debug)]
pub struct MappedBlock {
    block: Here<Taken>,
}

#[derive(Debug)]
struct Taken {
    segment: Arc<Segment>,
    index: u32,
    directory: Arc<Directory>,
}

impl MappedBlock {
    pub fn new(segment: Arc<Segment>, index: u32, directory: Arc<Directory>) -> Self {
        Self {
            block: Here::new(Taken {
                segment,
                index,
                directory,
            }),
        }
    }
}

// SAFETY: a block is given to one chunk at a time; its range and its words are the mapping's, which the segment keeps.
unsafe impl Block for MappedBlock {
    fn start(&self) -> NonNull<u8> {
        let begin = self.block.segment.header.shape.frames(self.block.index);
        self.block.segment.mapping.range(begin..begin + self.capacity())
    }

    fn capacity(&self) -> usize {
        self.block.segment.header.shape.frames_len()
    }

    fn published(&self) -> &AtomicU64 {
        self.block.segment.word(self.block.index, word::COMMITTED)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn keep_group(&self, number: u8, group: &Group) -> bool {
        let block = self
            .block
            .segment
            .word(self.block.index, word::NUMBER)
            .load(Ordering::Relaxed);
        let head = heads::encode(group, block, number.into());
        self.block.segment.add_group(self.block.index, &head)
    }

    fn has_room_for(&self, group: &Group) -> bool {
        heads::encode(group, 0, 0).len() <= self.block.segment.header.shape.heads_len
    }

    fn set_done(&self, frames: u32) {
        self.block.segment.set_done(self.block.index, frames);
    }

    fn release(&self) {
        if let Some(block) = self.block.get() {
            block.segment.free(block.index);
        }
    }

    fn complete(&self) {
        if let Some(block) = self.block.get() {
            block.segment.complete();
        }
    }

    fn is_stored(&self) -> bool {
        self.block.segment.is_stored(self.block.index)
    }

    fn is_to_be_left(&self) -> bool {
        self.block.segment.is_to_be_left()
    }

    fn may_begin_again(&self) -> bool {
        !self.block.segment.is_standby()
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.block.segment.is_lost() {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.block
            .segment
            .begin(self.block.index, self.block.directory.next_block());
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // What was not released stays there for who comes later.
        if self.segment.is_free(self.index) {
            self.segment.free(self.index);
            self.directory.give_back(&self.segment, self.index);
        } else {
            self.directory.leave(&self.segment);
        }
    }
}
