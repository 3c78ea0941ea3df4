//! Standbys: blocks in memory whose file is made later.

use crate::{Action, BLOCKS, Block, Bug, Doing, FRAMES, Queue, SPANS, State};

impl State {
    /// A block as its process sees it.
    pub fn block(&mut self, index: usize) -> &mut Block {
        let memory = self.process.as_mut().and_then(|process| process.memory[index].as_mut());
        memory.unwrap_or(&mut self.disk[index])
    }

    pub fn seen(&self, index: usize) -> &Block {
        let memory = self.process.as_ref().and_then(|process| process.memory[index].as_ref());
        memory.unwrap_or(&self.disk[index])
    }

    /// Whether a span is in some file, as a reader finds it.
    pub fn is_filed(&self, span: u8) -> bool {
        let mut all = self.disk.iter().flat_map(Block::readable);
        all.any(|bytes| bytes == Some(span))
    }
}

impl Queue {
    /// What becomes of a standby. One for each run: more make no other orders, only more of them.
    pub fn stand_by(&self, state: &mut State, action: &Action) -> Option<()> {
        match *action {
            Action::StandBy => {
                let free = (0..BLOCKS).find(|&index| !state.seen(index).used)?;
                let process = state.process.as_mut()?;
                let is_full = process.open.is_none_or(|open| {
                    let seen = process.memory[open].as_ref().unwrap_or(&state.disk[open]);
                    usize::from(seen.committed) == FRAMES
                });
                if process.doing != Doing::Nothing || !is_full || state.had_standby || state.made == SPANS {
                    return None;
                }
                process.memory[free] = Some(Block::default());
                process.doing = Doing::Beginning(free, 0);
                state.had_standby = true;
            }
            Action::WriteFrames(index) => {
                let process = state.process.as_mut()?;
                let memory = process.memory[index].clone()?;
                if !memory.used || process.written[index].as_ref() == Some(&memory) {
                    return None;
                }
                let file = &mut state.disk[index];
                if self.0 == Bug::WordsFirst {
                    *file = Block {
                        frames: file.frames,
                        ..memory.clone()
                    };
                } else {
                    // Another block may have been there: it says that it is free, before its bytes go.
                    if file.number != memory.number {
                        *file = Block::default();
                    }
                    for at in 0..usize::from(memory.committed) {
                        file.frames[at] = memory.frames[at];
                    }
                }
                process.written[index] = Some(memory);
            }
            Action::WriteWords(index) => {
                let process = state.process.as_mut()?;
                process.memory[index].as_ref()?;
                let written = process.written[index].take()?;
                let frames = if self.0 == Bug::WordsFirst {
                    written.frames
                } else {
                    state.disk[index].frames
                };
                state.disk[index] = Block { frames, ..written };
            }
            Action::Map(index) => {
                let process = state.process.as_mut()?;
                let memory = process.memory[index].as_ref()?;
                let is_open = process.open == Some(index) && usize::from(memory.committed) < FRAMES;
                let is_at = |begun| matches!(process.doing, Doing::Beginning(index, _) if index == begun);
                let is_written = matches!(process.doing, Doing::Written(_)) && process.open == Some(index);
                let file = &mut state.disk[index];
                let is_filed = file.number == memory.number && file.committed == memory.committed;
                if self.0 != Bug::MappedEarly && (is_open || is_written || !is_filed)
                    || is_at(index)
                    || file.number == 0
                {
                    return None;
                }
                // Its words are copied under the lock of whoever stores there.
                (file.used, file.done) = (memory.used, memory.done);
                process.memory[index] = None;
                process.written[index] = None;
            }
            _ => return None,
        }
        Some(())
    }
}
