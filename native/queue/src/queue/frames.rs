//! Frames one by one, for whoever reads them instead of sending them.

use std::sync::Arc;

use spanwire_wire::varint::decode_varint;

use super::FrameQueue;
use crate::group::Group;

impl FrameQueue {
    /// Hands the oldest frames, at most `max_frames`, to `each`: their group and their content, a `Span` message without tag and
    /// length. They are gone from the queue. Answers how many they were.
    pub fn take_frames(&mut self, max_frames: usize, mut each: impl FnMut(&Arc<Group>, &[u8])) -> usize {
        self.check_fork();
        let mut taken = 0;
        for chunk in &self.chunks {
            for (group, frames) in chunk.runs() {
                let count = frames.len().min(max_frames - taken);
                for frame in frames.take(count) {
                    each(group, content(&chunk.bytes()[chunk.start(frame)..chunk.end(frame)]));
                }
                taken += count;
            }
        }
        self.remove(taken);
        self.counts.taken += taken as u64;
        taken
    }
}

/// A frame without its tag, which is one byte, and its length.
fn content(frame: &[u8]) -> &[u8] {
    let behind_tag = frame.get(1..).unwrap_or_default();
    let width = decode_varint(behind_tag).map_or(0, |(_, width)| width);
    behind_tag.get(width..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn frames_are_taken_one_by_one_in_order_with_their_groups() {
        let mut queue = FrameQueue::new(Limits::default()).expect("fork handlers");
        let groups = [1, 2].map(|scope| {
            Arc::new(Group {
                scope: vec![scope],
                ..Group::default()
            })
        });
        let frames = [(0, 3_usize), (0, 200), (1, 0), (0, 70_000)];
        for (n, &(group, len)) in (0_u8..).zip(&frames) {
            let _ = queue.append(&groups[group], len, |out| out.raw(&vec![n; len]));
        }
        let mut taken = Vec::new();
        let mut each = |group: &Arc<Group>, frame: &[u8]| taken.push((group.scope[0], frame.to_vec()));
        assert_eq!(queue.take_frames(3, &mut each), 3);
        assert_eq!(queue.take_frames(3, &mut each), 1);
        assert_eq!(queue.take_frames(3, &mut each), 0);
        let expected = [(1, vec![0; 3]), (1, vec![1; 200]), (2, vec![]), (1, vec![3; 70_000])];
        assert_eq!(taken, expected);
        let counts = queue.counts();
        assert_eq!((counts.accepted, counts.taken, counts.queued), (4, 4, 0));
        assert_eq!((queue.gone(), queue.frame_bytes()), (4, 0));
    }
}
