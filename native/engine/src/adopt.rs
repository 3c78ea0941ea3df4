//! Delivering what processes that have ended left on the disk, beside what is fresh: the oldest first, a block at a time.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use spanwire_durable::Orphan;
use spanwire_durable::orphans::{Contents, folders};
use spanwire_durable::read::Found;
use spanwire_queue::storage::{Block, Heap, Storage};
use spanwire_queue::{Group, Lane, Limits, Writer};

use crate::account::DropReason;
use crate::client::Client;
use crate::drive::BatchLimits;

/// How long a block waits for its spans to be settled before it is asked again whether to go on.
const SLICE: Duration = Duration::from_millis(200);

/// What was found and what became of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Adopted {
    /// Folders of processes.
    pub folders: u64,
    /// Spans that were given to the destination.
    pub spans: u64,
    /// Spans that were committed and cannot be read.
    pub damaged: u64,
    /// Files that cannot be understood: left where they are.
    pub files: u64,
}

impl Adopted {
    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            folders: self.folders + other.folders,
            spans: self.spans + other.spans,
            damaged: self.damaged + other.damaged,
            files: self.files + other.files,
        }
    }
}

/// How fast, and whether to go on.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Nothing is begun before: destinations may be added until then.
    pub delay: Duration,
    /// Spans a second at most; 0: as fast as they are taken.
    pub spans_per_second: u64,
    /// Blocks that were begun longer ago are dropped, and counted.
    pub max_age: Option<Duration>,
    /// Set to end early; what is not delivered by then stays.
    pub stop: Arc<Stop>,
}

/// Ends an adoption early.
#[derive(Debug, Default)]
pub struct Stop {
    is_set: Mutex<bool>,
    was_set: Condvar,
}

impl Stop {
    /// From now on.
    pub fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.was_set.notify_all();
    }

    /// Whether it was set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long for it to be set; whether it was.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> bool {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.was_set.wait_timeout_while(is_set, limit, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Frames that are adopted stay on the disk until they are done with: whoever sends them and cannot has to say so.
#[derive(Debug)]
struct Adopting;

impl Storage for Adopting {
    fn block(&mut self, capacity: usize, group: &Group) -> io::Result<Box<dyn Block>> {
        Heap.block(capacity, group)
    }

    fn keeps_until_done(&self) -> bool {
        true
    }
}

/// Whom what is found goes to: each gets all of it. Those that come while a folder is delivered get the next one.
#[derive(Debug, Default)]
pub struct Destinations(Mutex<Vec<Arc<Client>>>);

impl Destinations {
    /// Adds one.
    pub fn add(&self, client: Arc<Client>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(client);
    }

    fn all(&self) -> Vec<Arc<Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What became of an orphan.
enum End {
    /// All that can be read is settled.
    Settled,
    /// Something could not be read or written to, and stays.
    Stays,
    /// It was to stop.
    Stopped,
}

/// Delivers what processes of `service` (of any, if `None`) have left under `path`, to all destinations. Blocks until all is settled or
/// `pace` says stop; `told` hears after each block how far it is. What cannot be read stays, is counted, and keeps nothing else back.
///
/// # Errors
/// If the folder is not ours alone or cannot be read, or there is no thread to send.
pub fn adopt(
    destinations: &Destinations,
    path: &Path,
    service: Option<&str>,
    limits: BatchLimits,
    pace: &Pace,
    mut told: impl FnMut(Adopted),
) -> io::Result<Adopted> {
    let mut adopted = Adopted::default();
    let _ = pace.stop.wait(pace.delay);
    for folder in folders(path)? {
        if pace.is_over() {
            break;
        }
        let orphan = match Orphan::adopt(folder) {
            Ok(Some(orphan)) if orphan.is_of(service) => orphan,
            Ok(_) => continue,
            Err(_) => {
                adopted.files += 1;
                continue;
            }
        };
        adopted.folders += 1;
        let Ok(contents) = orphan.contents() else {
            adopted.files += 1;
            continue;
        };
        adopted.files += contents.bad.len() as u64;
        match one(
            &destinations.all(),
            &orphan,
            &contents,
            limits,
            pace,
            &mut adopted,
            &mut told,
        )? {
            End::Settled => adopted.files += u64::from(orphan.remove(&contents).is_err()),
            End::Stays => {}
            End::Stopped => {
                pace.stop.set(); // a destination is gone: what it has not got waits for the next start
                return Ok(adopted);
            }
        }
        told(adopted);
    }
    Ok(adopted)
}

impl Pace {
    fn is_over(&self) -> bool {
        self.stop.is_set()
    }

    /// Whether what was begun then is too old. A clock that was put back makes nothing old.
    fn is_past(&self, begun: u64) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = now.saturating_sub(Duration::from_nanos(begun));
        begun > 0 && self.max_age.is_some_and(|most| age > most)
    }
}

/// Delivers the blocks of one.
fn one(
    clients: &[Arc<Client>],
    orphan: &Orphan,
    contents: &Contents,
    limits: BatchLimits,
    pace: &Pace,
    adopted: &mut Adopted,
    told: &mut impl FnMut(Adopted),
) -> io::Result<End> {
    if contents.blocks.is_empty() {
        return Ok(End::Settled);
    }
    let bounds = Limits {
        bytes: usize::MAX,
        spans: usize::MAX,
    };
    let mut writer = Writer::with_storage(Box::new(Adopting), usize::MAX)?;
    let lanes: Vec<_> = clients.iter().map(|_| Arc::new(writer.add_lane(bounds))).collect();
    for (client, lane) in clients.iter().zip(&lanes) {
        lane.want_reader();
        if lane.begin_reader() {
            client.drive(Arc::clone(lane), limits)?;
        }
    }
    let mut end = End::Settled;
    for place in &contents.blocks {
        let found = match orphan.read(place) {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            Err(_) => {
                adopted.files += 1;
                end = End::Stays;
                continue;
            }
        };
        let spans = found.frames.len() as u64;
        if pace.is_past(found.begun) {
            lose(clients, spans, DropReason::Expired);
        } else if !deliver(&mut writer, &lanes, &found, pace) {
            end = End::Stopped;
            break;
        }
        lose(clients, found.lost, DropReason::Damaged);
        adopted.spans += spans;
        adopted.damaged += found.lost;
        if orphan.free(place).is_err() {
            adopted.files += 1; // it will be delivered once more
            end = End::Stays;
        }
        told(*adopted);
    }
    for lane in &lanes {
        if matches!(end, End::Stopped) {
            lane.keep();
        }
        lane.close();
        let _ = lane.discard();
    }
    Ok(end)
}

fn lose(clients: &[Arc<Client>], spans: u64, reason: DropReason) {
    if spans > 0 {
        for client in clients {
            drop(client.lose(spans, reason, reason.of_a_queue(spans)));
        }
    }
}

/// Whether the block's spans are settled by all: delivered, or dropped and counted.
fn deliver(writer: &mut Writer, lanes: &[Arc<Lane>], found: &Found, pace: &Pace) -> bool {
    let groups: Vec<_> = found.groups.iter().cloned().map(Arc::<Group>::new).collect();
    let begun = Instant::now();
    for (sent, (group, frame)) in found.frames.iter().enumerate() {
        if pace.is_over() {
            return false;
        }
        let _ = writer.append_message(&groups[*group], frame);
        if let Some(nanos) = (1_000_000_000 * sent as u64).checked_div(pace.spans_per_second) {
            let ahead = Duration::from_nanos(nanos).saturating_sub(begun.elapsed());
            if ahead > Duration::from_millis(5) {
                let _ = pace.stop.wait(ahead.min(SLICE));
            }
        }
    }
    let is_done = lanes.iter().all(|lane| {
        let (done, generation) = (lane.flush(), lane.generation());
        while !lane.wait_done(done, generation, Instant::now() + SLICE) {
            if pace.is_over() || lane.generation() != generation {
                return false;
            }
        }
        true
    });
    // One that was shut down meanwhile is done with them, and has not sent them.
    is_done && !pace.is_over() && !lanes.iter().any(|lane| lane.is_keeping())
}
