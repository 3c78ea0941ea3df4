//! The durable queue as a model: whatever is killed whenever, a span whose `end()` has returned is at the backend or on the disk.
//!
//! Steps are those of the code that others can see between: one store to the mapping, one request, one answer. A kill may come between
//! any two. All orders are tried for small sizes; then with each of some defects planted, which must be found.

mod standby;

use std::process::ExitCode;

use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};

/// Spans that an application makes.
const SPANS: u8 = 5;
/// Blocks of the directory, and frames of a block.
const BLOCKS: usize = 2;
const FRAMES: usize = 2;
/// Destinations: each gets every span.
const LANES: usize = 2;
/// Who may find that the process has ended.
const ADOPTERS: usize = 2;
/// Kills of the application or of an adopter.
const KILLS: u8 = 2;

/// What a frame's bytes are.
type Bytes = Option<u8>;

#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
struct Block {
    used: bool,
    /// Of all blocks, which one: 0 was never begun.
    number: u8,
    committed: u8,
    done: u8,
    frames: [Bytes; FRAMES],
}

impl Block {
    /// What a reader finds there.
    fn readable(&self) -> impl Iterator<Item = Bytes> + '_ {
        let is_used = self.used;
        let range = usize::from(self.done)..usize::from(self.committed);
        range.filter(move |_| is_used).map(|at| self.frames[at])
    }
}

/// Where the making of a span, or the beginning of a block, is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Doing {
    Nothing,
    /// The bytes of that span are written, the word is not.
    Written(u8),
    /// The block is being begun: so many of its stores are done.
    Beginning(usize, u8),
}

/// A request of the frames of a block that are not acknowledged, up to `to`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Request {
    block: usize,
    to: u8,
    is_answered: bool,
}

/// A destination's reader.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
struct Lane {
    request: Option<Request>,
    /// Frames of each block that were taken for requests, and that it is done with.
    taken: [u8; BLOCKS],
    done: [u8; BLOCKS],
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Process {
    open: Option<usize>,
    doing: Doing,
    lanes: [Lane; LANES],
    /// Blocks that are standbys: what this process stores lies here, and gets into the file later.
    memory: [Option<Block>; BLOCKS],
    /// Of those, the bytes of the frames that are in the file, whose words do not say so yet.
    written: [Option<Block>; BLOCKS],
}

/// What an adopter has read: a block, to be given to all destinations.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Reading {
    block: usize,
    to: u8,
    is_answered: [bool; LANES],
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct State {
    disk: [Block; BLOCKS],
    next_number: u8,
    /// The application, as long as it lives.
    process: Option<Process>,
    /// A forked child: where it would write next, had it its parent's memory.
    child: Option<(usize, u8)>,
    /// Who has the folder's lock: what it has under way.
    adopters: [Option<Option<Reading>>; ADOPTERS],
    /// The next span to be made; those below `returned` have returned from `end()`.
    made: u8,
    returned: u8,
    /// Of each destination, a bit for each span.
    delivered: [u8; LANES],
    kills: u8,
    /// Whether there was a standby, and the spans that were in no file when their process was killed.
    had_standby: bool,
    unfiled: u8,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Action {
    /// The application's thread does its next store.
    Store,
    /// The next block is a standby: no file is ready.
    StandBy,
    /// The frames of a standby are written to its file, then its words.
    WriteFrames(usize),
    WriteWords(usize),
    /// The file's pages take the place of a standby's memory.
    Map(usize),
    /// A destination's worker takes what is committed and not taken.
    Take(usize),
    /// The backend takes the request that is under way.
    Deliver(usize),
    /// The worker, having the answer, is done with them.
    Acknowledge(usize),
    /// What all destinations are done with is said in the block.
    SetDone(usize),
    /// A block all of which is acknowledged is freed, whatever it says.
    Free(usize),
    Kill,
    Fork,
    /// The child ends a span.
    ChildStore,
    /// Another process finds the folder unlocked.
    Adopt(usize),
    AdopterTake(usize, usize),
    AdopterDeliver(usize, usize),
    AdopterFree(usize),
    AdopterKilled(usize),
}

/// Defects that can be planted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Bug {
    None,
    /// The word is stored before the bytes.
    CommitFirst,
    /// A block that is begun keeps the word for what was acknowledged.
    DoneKept,
    /// Frames count as acknowledged once they are taken.
    DoneWhenTaken,
    /// One destination's acknowledgement is enough.
    OneLaneIsEnough,
    /// An adopter does not look whether the process lives.
    NoLock,
    /// An adopter frees a block before all destinations have it.
    FreedEarly,
    /// A forked child has its parent's memory.
    ForkShares,
    /// A standby's words are in its file before its frames.
    WordsFirst,
    /// A standby is mapped though its writer still writes there.
    MappedEarly,
}

const BUGS: [Bug; 9] = [
    Bug::CommitFirst,
    Bug::DoneKept,
    Bug::DoneWhenTaken,
    Bug::OneLaneIsEnough,
    Bug::NoLock,
    Bug::FreedEarly,
    Bug::ForkShares,
    Bug::WordsFirst,
    Bug::MappedEarly,
];

struct Queue(Bug);

impl Queue {
    /// The stores by which a block is begun, in order.
    fn begin(&self, block: &mut Block, step: u8, number: u8) -> bool {
        match step {
            0 => block.used = false,
            1 => block.committed = 0,
            2 if self.0 == Bug::DoneKept => {}
            2 => block.done = 0,
            3 => block.number = number,
            _ => block.used = true,
        }
        step == 4
    }

    fn store(&self, state: &mut State) -> Option<()> {
        let (doing, open) = {
            let process = state.process.as_ref()?;
            (process.doing, process.open)
        };
        match doing {
            Doing::Beginning(index, step) => {
                let number = state.next_number;
                let is_last = self.begin(state.block(index), step, number);
                let process = state.process.as_mut()?;
                process.doing = if is_last {
                    Doing::Nothing
                } else {
                    Doing::Beginning(index, step + 1)
                };
                if is_last {
                    process.open = Some(index);
                    for lane in &mut process.lanes {
                        (lane.taken[index], lane.done[index]) = (0, 0);
                    }
                    state.next_number += 1;
                }
            }
            Doing::Written(span) => {
                let block = state.block(open?);
                if self.0 == Bug::CommitFirst {
                    block.frames[usize::from(block.committed) - 1] = Some(span);
                } else {
                    block.committed += 1;
                }
                state.process.as_mut()?.doing = Doing::Nothing;
                state.returned = state.made;
            }
            Doing::Nothing => {
                if state.made == SPANS {
                    return None;
                }
                let room = open.filter(|&index| usize::from(state.seen(index).committed) < FRAMES);
                let doing = if let Some(index) = room {
                    let span = state.made;
                    let block = state.block(index);
                    if self.0 == Bug::CommitFirst {
                        block.committed += 1;
                    } else {
                        block.frames[usize::from(block.committed)] = Some(span);
                    }
                    state.made += 1;
                    Doing::Written(span)
                } else {
                    let free = (0..BLOCKS).find(|&index| !state.seen(index).used)?;
                    // A standby is not used again: its file is another's, or gone.
                    state.process.as_mut()?.memory[free] = None;
                    Doing::Beginning(free, 0)
                };
                state.process.as_mut()?.doing = doing;
            }
        }
        Some(())
    }
}

fn deliver(state: &mut State, lane: usize, block: usize, to: u8) {
    let block = state.seen(block).clone();
    for at in usize::from(block.done)..usize::from(to) {
        if let Some(span) = block.frames[at] {
            state.delivered[lane] |= 1 << span;
        }
    }
}

impl Queue {
    fn is_locked(&self, state: &State) -> bool {
        self.0 != Bug::NoLock && (state.process.is_some() || state.adopters.iter().any(Option::is_some))
    }

    /// What all destinations are done with, of a block.
    fn done(&self, process: &Process, index: usize) -> u8 {
        let all = process.lanes.iter().map(|lane| lane.done[index]);
        let done = match self.0 {
            Bug::OneLaneIsEnough => all.max(),
            _ => all.min(),
        };
        done.unwrap_or(0)
    }

    fn free(&self, state: &mut State, index: usize) -> Option<()> {
        let process = state.process.as_ref()?;
        let block = state.seen(index);
        // The open one is written to, and a begun one is begun.
        let is_mine = process.open == Some(index) && usize::from(block.committed) < FRAMES;
        let is_begun = matches!(process.doing, Doing::Beginning(begun, _) if begun == index);
        let is_written = matches!(process.doing, Doing::Written(_)) && process.open == Some(index);
        if !block.used || self.done(process, index) < block.committed || is_mine || is_begun || is_written {
            return None;
        }
        state.block(index).used = false;
        Some(())
    }

    /// What a destination's worker does.
    fn work(&self, state: &mut State, action: &Action) -> Option<()> {
        let seen: [Block; BLOCKS] = std::array::from_fn(|index| state.seen(index).clone());
        let process = state.process.as_mut()?;
        match *action {
            Action::Take(lane) => {
                let lane = &mut process.lanes[lane];
                let disk = &seen;
                let oldest = (0..BLOCKS)
                    .filter(|&at| disk[at].used && disk[at].committed > lane.taken[at])
                    .min_by_key(|&at| disk[at].number)?;
                let block = &disk[oldest];
                lane.taken[oldest] = block.committed;
                if self.0 == Bug::DoneWhenTaken {
                    lane.done[oldest] = block.committed;
                }
                let request = Request {
                    block: oldest,
                    to: block.committed,
                    is_answered: false,
                };
                return lane.request.replace(request).is_none().then_some(());
            }
            Action::Deliver(lane) => {
                let request = process.lanes[lane].request.as_mut()?;
                let Request { block, to, .. } = *request;
                let is_again = std::mem::replace(&mut request.is_answered, true);
                deliver(state, lane, block, to);
                return (!is_again).then_some(());
            }
            Action::Acknowledge(lane) => {
                let request = process.lanes[lane].request.take_if(|request| request.is_answered)?;
                let done = &mut process.lanes[lane].done[request.block];
                *done = (*done).max(request.to);
            }
            Action::SetDone(index) => {
                let is_begun = matches!(process.doing, Doing::Beginning(begun, _) if begun == index);
                let done = self.done(process, index);
                let block = state.block(index);
                if is_begun || !block.used {
                    return None;
                }
                block.done = block.done.max(done);
            }
            _ => return None,
        }
        Some(())
    }

    fn adopt(&self, state: &mut State, action: &Action) -> Option<()> {
        match *action {
            Action::Adopt(who) => {
                if self.is_locked(state) || state.adopters[who].is_some() {
                    return None;
                }
                state.adopters[who] = Some(None);
            }
            Action::AdopterTake(who, index) => {
                let reading = state.adopters[who].as_mut()?;
                let block = &state.disk[index];
                let is_oldest = (0..BLOCKS).all(|at| !state.disk[at].used || state.disk[at].number >= block.number);
                if reading.is_some() || !block.used || !is_oldest {
                    return None;
                }
                *reading = Some(Reading {
                    block: index,
                    to: block.committed,
                    is_answered: [false; LANES],
                });
            }
            Action::AdopterDeliver(who, lane) => {
                let reading = state.adopters[who].as_mut()?.as_mut()?;
                let (block, to) = (reading.block, reading.to);
                if std::mem::replace(&mut reading.is_answered[lane], true) {
                    return None;
                }
                deliver(state, lane, block, to);
            }
            Action::AdopterFree(who) => {
                let is_enough = |reading: &mut Reading| match self.0 {
                    Bug::FreedEarly => reading.is_answered.contains(&true),
                    _ => reading.is_answered == [true; LANES],
                };
                let reading = state.adopters[who].as_mut()?.take_if(is_enough)?;
                state.disk[reading.block].used = false;
            }
            Action::AdopterKilled(who) => {
                state.adopters[who].take()?;
                state.kills += 1;
            }
            _ => return None,
        }
        Some(())
    }
}

impl Model for Queue {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            disk: Default::default(),
            next_number: 1,
            process: Some(Process {
                open: None,
                doing: Doing::Nothing,
                lanes: Default::default(),
                memory: Default::default(),
                written: Default::default(),
            }),
            child: None,
            adopters: Default::default(),
            made: 0,
            returned: 0,
            delivered: [0; LANES],
            kills: 0,
            had_standby: false,
            unfiled: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.process.is_some() {
            actions.extend([Action::Store, Action::StandBy]);
            for block in 0..BLOCKS {
                actions.extend([
                    Action::WriteFrames(block),
                    Action::WriteWords(block),
                    Action::Map(block),
                ]);
            }
            for lane in 0..LANES {
                actions.extend([Action::Take(lane), Action::Deliver(lane), Action::Acknowledge(lane)]);
            }
            actions.extend((0..BLOCKS).flat_map(|block| [Action::SetDone(block), Action::Free(block)]));
            if state.child.is_none() {
                actions.push(Action::Fork);
            }
        }
        if state.child.is_some() {
            actions.push(Action::ChildStore);
        }
        if state.kills < KILLS && state.process.is_some() {
            actions.push(Action::Kill);
        }
        for (who, adopter) in state.adopters.iter().enumerate() {
            if adopter.is_none() {
                actions.push(Action::Adopt(who));
                continue;
            }
            actions.extend((0..BLOCKS).map(|block| Action::AdopterTake(who, block)));
            actions.extend((0..LANES).map(|lane| Action::AdopterDeliver(who, lane)));
            actions.push(Action::AdopterFree(who));
            if state.kills < KILLS {
                actions.push(Action::AdopterKilled(who));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Store => self.store(&mut state)?,
            Action::Take(_) | Action::Deliver(_) | Action::Acknowledge(_) | Action::SetDone(_) => {
                self.work(&mut state, &action)?
            }
            Action::Free(index) => self.free(&mut state, index)?,
            Action::StandBy | Action::WriteFrames(_) | Action::WriteWords(_) | Action::Map(_) => {
                self.stand_by(&mut state, &action)?
            }
            Action::Kill => {
                let in_memory = state.process.iter().flat_map(|process| process.memory.iter().flatten());
                let in_memory: Vec<_> = in_memory.flat_map(Block::readable).flatten().collect();
                for span in in_memory {
                    state.unfiled |= u8::from(!state.is_filed(span)) << span;
                }
                state.process = None;
                state.kills += 1;
            }
            Action::Fork => {
                // Only a block that is written to could be spoiled; what the child has of its own is another folder.
                let open = state.process.as_ref()?.open?;
                state.child = Some((open, state.seen(open).committed));
            }
            Action::ChildStore => {
                let (block, at) = state.child.filter(|_| self.0 == Bug::ForkShares)?;
                *state.disk[block].frames.get_mut(usize::from(at))? = Some(SPANS);
                state.child = Some((block, at + 1));
            }
            _ => self.adopt(&mut state, &action)?,
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "a span whose end has returned is delivered, on the disk, or in a standby without its file",
                |_, state: &State| {
                    (0..state.returned).all(|span| {
                        let memory = state.process.iter().flat_map(|process| process.memory.iter().flatten());
                        let is_there = state.is_filed(span)
                            || memory.flat_map(Block::readable).any(|bytes| bytes == Some(span))
                            || state.unfiled >> span & 1 == 1;
                        is_there || state.delivered.iter().all(|all| all >> span & 1 == 1)
                    })
                },
            ),
            Property::always(
                "what is read was written, and is not of what the block had before",
                |_, state: &State| {
                    let mut all = state.disk.iter().flat_map(Block::readable);
                    let before = |block: &Block| u16::from(block.number.saturating_sub(1)) * FRAMES as u16;
                    all.all(|bytes| bytes.is_some())
                        && state.disk.iter().all(|block| {
                            let first = before(block);
                            block.readable().flatten().all(|span| u16::from(span) >= first)
                        })
                },
            ),
            Property::always("one has the folder", |_, state: &State| {
                let adopters = state.adopters.iter().flatten().count();
                adopters + usize::from(state.process.is_some()) <= 1
            }),
            Property::sometimes("all are delivered after a kill", |_, state: &State| {
                state.kills > 0 && state.returned == SPANS && state.delivered == [(1 << SPANS) - 1; LANES]
            }),
            Property::sometimes("a standby's span is delivered by an adopter", |_, state: &State| {
                let all = (1 << SPANS) - 1;
                state.had_standby && state.kills > 0 && state.returned == SPANS && state.delivered == [all; LANES]
            }),
            Property::sometimes("a block is used again", |_, state: &State| {
                state.next_number > BLOCKS as u8 + 1
            }),
        ]
    }
}

/// All orders: whether no property is broken, and what else is to happen does.
fn holds() -> bool {
    let checker = Queue(Bug::None).checker().threads(2).spawn_bfs().join();
    let broken: Vec<_> = broken(&checker.discoveries().into_keys().collect::<Vec<_>>());
    println!(
        "states {}, unique {}, depth {}, violations {}",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        broken.len()
    );
    broken.iter().for_each(|name| println!("broken: {name}"));
    if broken.is_empty() {
        checker.assert_properties(); // those that are to happen
    }
    broken.is_empty()
}

/// Of what was discovered, what must not be.
fn broken(discovered: &[&'static str]) -> Vec<&'static str> {
    let never = Queue(Bug::None).properties().into_iter();
    let never = never.filter(|property| property.expectation == Expectation::Always);
    never
        .map(|property| property.name)
        .filter(|name| discovered.contains(name))
        .collect()
}

/// Whether a planted defect is found.
fn is_found(bug: Bug) -> bool {
    let checker = Queue(bug)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let discoveries = checker.discoveries();
    let broken = broken(&discoveries.keys().copied().collect::<Vec<_>>());
    match broken.first() {
        Some(name) => {
            let steps = discoveries[name].clone().into_actions().len();
            println!(
                "planted {bug:?}: found after {} states, in {steps} steps: {name}",
                checker.state_count()
            );
        }
        None => println!("planted {bug:?}: NOT found"),
    }
    !broken.is_empty()
}

fn main() -> ExitCode {
    let holds = holds();
    let missed = BUGS.into_iter().filter(|&bug| !is_found(bug)).count();
    if holds && missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
