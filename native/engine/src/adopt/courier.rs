//! [`Courier`]: delivers what was left to one destination, the oldest first, a block at a time.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_durable::read::Found;
use spanwire_queue::storage::{Block, Heap, Storage};
use spanwire_queue::{Appended, Group, Lane, Limits, Writer};
use spanwire_wire::Signal;

use super::leftovers::{Leftover, Leftovers};
use super::members::Member;
use super::pace::is_past;
use super::shared::{Options, Shared};
use crate::process::account::DropReason;

/// What the blocks of durable queues hold.
const SIGNAL: Signal = Signal::Traces;

/// How long a block waits for its spans to be settled before it is asked again whether to go on.
const SLICE: Duration = Duration::from_millis(200);
/// After so long without an answer it is reported that the destination keeps its spans waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Frames that are adopted stay on the disk until they are done with: a worker that cannot send them says so.
#[derive(Debug)]
struct Adopting;

impl Storage for Adopting {
    fn block(&mut self, capacity: usize, group: &Group) -> io::Result<Box<dyn Block>> {
        Heap.block(capacity, group)
    }

    fn keeps_until_done(&self) -> bool {
        true
    }

    fn holds_copies(&self) -> bool {
        true
    }
}

/// One destination's thread.
pub struct Courier {
    shared: Arc<Shared>,
    leftovers: Arc<Leftovers>,
    member: Arc<Member>,
}

/// A queue in memory that the worker drives.
struct Way {
    writer: Writer,
    lane: Arc<Lane>,
}

impl Courier {
    pub fn new(shared: Arc<Shared>, leftovers: Arc<Leftovers>, member: Arc<Member>) -> Self {
        Self {
            shared,
            leftovers,
            member,
        }
    }

    /// Looks once, or again and again until its destination leaves.
    pub fn run(&self) {
        let Options { delay, again, calm, .. } = self.shared.options;
        if again.is_some() && self.is_first() {
            // A service that starts again and again leaves many folders without spans.
            let _ = catch_unwind(AssertUnwindSafe(|| self.leftovers.tidy()));
        }
        let _ = self.shared.begin.wait(delay);
        let mut delay = Duration::ZERO;
        while !self.member.stop.wait(delay) || again.is_none() {
            delay = self.shared.members.unrest(calm);
            if !delay.is_zero() {
                continue;
            }
            let looked = self.look_safely();
            if let Err(text) = &looked
                && self.is_first()
            {
                self.shared.tell(text.clone());
            }
            self.shared
                .account(&self.member, |account| account.looked = Some(looked));
            self.shared.looked.notify_all();
            let Some(again) = again else { break };
            delay = again;
        }
    }

    /// Whether it is the one that speaks for all.
    fn is_first(&self) -> bool {
        let all = self.shared.members.all();
        all.first().is_none_or(|first| Arc::ptr_eq(first, &self.member))
    }

    fn look_safely(&self) -> Result<(), String> {
        let looked = catch_unwind(AssertUnwindSafe(|| self.look()));
        let failed = |_| io::Error::other("sending it failed inside of spanwire; please report this");
        looked.map_err(failed).flatten().map_err(|error| error.to_string())
    }

    /// Delivers what is there now, until all of it is settled or it is to stop. What cannot be read stays, is counted, and keeps nothing else back.
    fn look(&self) -> io::Result<()> {
        let departures = self.shared.members.departures();
        for folder in self.leftovers.folders()? {
            if self.member.stop.is_set() || self.shared.members.departures() != departures {
                break;
            }
            if let Some(leftover) = self.leftovers.open(&folder, &self.member, &self.shared) {
                let leftover = Opened {
                    shared: &self.shared,
                    leftovers: &self.leftovers,
                    leftover: Some(leftover),
                };
                self.empty(leftover.get())?;
            }
        }
        Ok(())
    }

    /// Delivers the blocks of one folder that the destination does not have.
    fn empty(&self, leftover: &Arc<Leftover>) -> io::Result<()> {
        let mut way = None;
        let mut next = 0;
        while let Some(index) = self.leftovers.next(leftover, next, &self.member.name) {
            next = index + 1;
            let found = match leftover.read(index) {
                Ok(Some(found)) => found,
                Ok(None) => {
                    self.leftovers.gone(leftover, index);
                    continue;
                }
                Err(why) => {
                    self.leftovers.unreadable(leftover, index, &why, &self.shared);
                    continue;
                }
            };
            let spans = found.frames.len() as u64;
            if is_past(found.begun, self.shared.options.max_age) {
                self.lose(spans, DropReason::Expired);
            } else {
                let way = match &mut way {
                    Some(way) => way,
                    None => way.insert(Way::new(&self.member, &self.shared.options, Box::new(Adopting))?),
                };
                let is_delivered = self.deliver(way, &found);
                if !matches!(is_delivered, Ok(true)) {
                    way.lane.keep();
                    is_delivered?;
                    break;
                }
            }
            self.lose(found.lost, DropReason::Damaged);
            self.leftovers
                .taken(leftover, index, &self.member, &found, &self.shared);
        }
        Ok(())
    }

    /// Queues a block's frames for the destination, and waits until it has answered for them. False if the courier has to stop, an error if there is no
    /// memory for a frame: the block must stay on the disk.
    fn deliver(&self, way: &mut Way, found: &Found) -> io::Result<bool> {
        let groups: Vec<_> = found.groups.iter().cloned().map(Arc::<Group>::new).collect();
        let rate = self.shared.options.spans_per_second;
        let begun = Instant::now();
        let before = way.lane.counts();
        for (sent, (group, frame)) in found.frames.iter().enumerate() {
            if self.member.stop.is_set() {
                return Ok(false);
            }
            // A frame too long for any chunk is dropped and counted by the lane: a retry would not help it.
            if way.writer.append_message(&groups[*group], frame) == Appended::Full {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            if let Some(nanos) = (1_000_000_000 * sent as u64).checked_div(rate) {
                let ahead = Duration::from_nanos(nanos).saturating_sub(begun.elapsed());
                if ahead > Duration::from_millis(5) {
                    let _ = self.member.stop.wait(ahead.min(SLICE));
                }
            }
        }
        let is_settled = self.answer(&way.lane);
        let too_long = way.lane.counts().full - before.full;
        let spans = (found.frames.len() as u64).saturating_sub(too_long);
        self.shared.account(&self.member, |account| {
            account.waits = None;
            if is_settled {
                account.spans += spans;
            }
        });
        Ok(is_settled)
    }

    /// Waits until the destination has answered for all that it was given; false if it is to stop before.
    fn answer(&self, lane: &Lane) -> bool {
        let (done, generation) = (lane.flush(), lane.generation());
        let mut until = Some(Instant::now() + PATIENCE);
        while !lane.wait_done(done, generation, Instant::now() + SLICE) {
            if until.take_if(|until| Instant::now() > *until).is_some() {
                self.tell_waiting();
            }
            if self.member.stop.is_set() || lane.generation() != generation {
                return false;
            }
        }
        // A client that was shut down meanwhile is done with them, and has not sent them.
        let is_gone = lane.is_keeping();
        if is_gone {
            self.shared.leave(&self.member);
        }
        !is_gone && !self.member.stop.is_set()
    }

    /// Reports that the destination keeps its spans waiting, where others do not: else each message about its requests says so.
    fn tell_waiting(&self) {
        if self.shared.members.all().len() > 1 {
            let text = format!(
                "{}: no answer for {} seconds. Its spans stay on the disk; other destinations go on",
                self.member.name,
                PATIENCE.as_secs()
            );
            self.shared.tell(text.clone());
            self.shared.account(&self.member, |account| account.waits = Some(text));
        }
    }

    fn lose(&self, spans: u64, reason: DropReason) {
        if spans > 0 {
            let message = reason.of_a_queue(spans);
            drop(self.member.client.lose(SIGNAL, spans, reason, message));
        }
    }
}

/// A folder that is open for this courier; closed when dropped, also by a panic.
struct Opened<'s> {
    shared: &'s Shared,
    leftovers: &'s Leftovers,
    leftover: Option<Arc<Leftover>>,
}

impl Opened<'_> {
    fn get(&self) -> &Arc<Leftover> {
        self.leftover.as_ref().expect("there until it is dropped")
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        if let Some(leftover) = self.leftover.take() {
            self.leftovers.close(leftover, self.shared);
        }
    }
}

impl Way {
    fn new(member: &Member, options: &Options, storage: Box<dyn Storage>) -> io::Result<Self> {
        let bounds = Limits {
            bytes: usize::MAX,
            frames: usize::MAX,
        };
        let mut writer = Writer::with_storage(SIGNAL, storage, usize::MAX)?;
        let lane = Arc::new(writer.add_lane(bounds));
        lane.want_reader();
        if lane.begin_reader() {
            member.client.drive(Arc::clone(&lane), options.limits)?;
        }
        Ok(Self { writer, lane })
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.lane.close();
        let _ = self.lane.discard();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::drive::BatchLimits;
    use crate::testing::{backend, client};

    /// There is no memory for any block.
    #[derive(Debug)]
    struct Exhausted;

    impl Storage for Exhausted {
        fn block(&mut self, _: usize, _: &Group) -> io::Result<Box<dyn Block>> {
            Err(io::ErrorKind::OutOfMemory.into())
        }

        fn keeps_until_done(&self) -> bool {
            true
        }

        fn holds_copies(&self) -> bool {
            true
        }
    }

    /// Whether a courier reports a block of three frames as delivered, the requests that the backend got, and the frames that were counted.
    fn deliver(storage: Box<dyn Storage>) -> (io::Result<bool>, usize, u64) {
        let backend = backend("200 OK", Duration::ZERO);
        let options = Options {
            path: "/nowhere".into(),
            service: None,
            limits: BatchLimits {
                items: 512,
                bytes: 1 << 20,
                delay: Duration::from_secs(5),
                in_flight: 1,
                backlog: 0,
            },
            spans_per_second: 0,
            max_age: None,
            delay: Duration::ZERO,
            again: None,
            calm: Duration::ZERO,
        };
        let shared = Arc::new(Shared::new(options));
        let leftovers = Arc::new(Leftovers::new("/nowhere".into(), None));
        let client = Arc::new(client(&backend.endpoint));
        let member = shared.members.add(client).expect("it is not over");
        let mut way = Way::new(&member, &shared.options, storage).expect("a worker");
        let found = Found {
            number: 0,
            begun: 0,
            frames: vec![(0, vec![0x12, 0]); 3],
            groups: vec![Group::default()],
            done: 0,
            lost: 0,
            is_whole: None,
        };
        let is_delivered = Courier::new(shared, leftovers, member).deliver(&mut way, &found);
        let accepted = way.lane.counts().accepted;
        (
            is_delivered,
            backend.requests.load(std::sync::atomic::Ordering::SeqCst),
            accepted,
        )
    }

    #[test]
    fn a_block_is_delivered_when_the_backend_has_its_frames() {
        assert!(matches!(deliver(Box::new(Adopting)), (Ok(true), 1, 3)));
    }

    #[test]
    fn a_block_whose_frames_find_no_memory_is_neither_delivered_nor_counted_as_dropped() {
        let (failed, requests, counted) = deliver(Box::new(Exhausted));
        assert_eq!(failed.expect_err("no memory").kind(), io::ErrorKind::OutOfMemory);
        assert_eq!((requests, counted), (0, 0));
    }
}
