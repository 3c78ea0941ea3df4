//! Delivering what processes that have ended left on the disk, beside what is fresh: the oldest first, a block at a time.

mod destinations;
mod pace;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_durable::Orphan;
use spanwire_durable::orphans::{Contents, Place, folders};
use spanwire_durable::read::Found;
use spanwire_queue::storage::{Block, Heap, Storage};
use spanwire_queue::{Group, Lane, Limits, Writer};

use crate::account::DropReason;
use crate::client::Client;
use crate::drive::BatchLimits;

pub use destinations::Destinations;
pub use pace::{Pace, Stop};

/// How long a block waits for its spans to be settled before it is asked again whether to go on.
const SLICE: Duration = Duration::from_millis(200);
/// After so long without an answer people are told whom the others wait for.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// Who hears how it goes.
pub trait Listener {
    /// So far.
    fn progress(&mut self, adopted: Adopted);

    /// That file or folder stays where it is, and why; once for each.
    fn stays(&mut self, path: &Path, why: &str);

    /// The next block waits for that destination, which has not answered for long, and so do the others; none: not any more.
    fn waits(&mut self, destination: Option<&str>);
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

/// What became of an orphan.
enum End {
    /// All that can be read is settled.
    Settled,
    /// Something could not be read or written to, or is owed to one that has left, and stays.
    Stays,
    /// One has left: the rest is for those who stay, but not at once.
    Left,
    /// It was to stop.
    Stopped,
}

/// What became of a block.
enum Delivery {
    /// All have answered for it.
    Settled,
    /// All that stay have; one that has left has not.
    Owed,
    /// It was to stop.
    Stopped,
}

/// A destination, and what it is given.
struct Recipient {
    client: Arc<Client>,
    lane: Arc<Lane>,
}

/// Delivers what processes of a service have left under a folder, to all destinations.
#[derive(Debug)]
pub struct Adopter {
    destinations: Arc<Destinations>,
    path: PathBuf,
    /// Of any, if none.
    service: Option<String>,
    limits: BatchLimits,
    pace: Pace,
    /// So far, of all looks.
    adopted: Adopted,
    /// Folders that were counted and are still there.
    counted: HashSet<PathBuf>,
    /// What stays, and was told.
    told: HashSet<PathBuf>,
}

impl Adopter {
    /// One that has not looked yet.
    #[must_use]
    pub fn new(
        destinations: Arc<Destinations>,
        path: PathBuf,
        service: Option<String>,
        limits: BatchLimits,
        pace: Pace,
    ) -> Self {
        Self {
            destinations,
            path,
            service,
            limits,
            pace,
            adopted: Adopted::default(),
            counted: HashSet::new(),
            told: HashSet::new(),
        }
    }

    /// Delivers what is there now. Blocks until all is settled, `pace` says stop, or a destination leaves; `listener` hears after each block how
    /// far it is. What cannot be read stays, is counted, and keeps nothing else back.
    ///
    /// # Errors
    /// If the folder is not ours alone or cannot be read, or there is no thread to send.
    pub fn look(&mut self, listener: &mut impl Listener) -> io::Result<()> {
        let departures = self.destinations.departures();
        for folder in folders(&self.path)? {
            if self.pace.is_over() || self.destinations.departures() != departures {
                break;
            }
            let orphan = match Orphan::adopt(folder.clone()) {
                Ok(Some(orphan)) if orphan.is_of(self.service.as_deref()) => orphan,
                Ok(_) => continue,
                Err(why) => {
                    self.stays(&folder, &why.to_string(), listener);
                    continue;
                }
            };
            self.adopted.folders += u64::from(self.counted.insert(folder.clone()));
            let contents = match orphan.contents() {
                Ok(contents) => contents,
                Err(why) => {
                    self.stays(&folder, &why.to_string(), listener);
                    continue;
                }
            };
            for (path, why) in &contents.bad {
                self.stays(path, why, listener);
            }
            match self.one(&orphan, &contents, departures, listener)? {
                End::Settled => match orphan.remove(&contents) {
                    Ok(is_gone) => {
                        if is_gone {
                            self.counted.remove(&folder);
                        }
                    }
                    Err(why) => self.stays(&folder, &why.to_string(), listener),
                },
                End::Stays => {}
                End::Left | End::Stopped => break,
            }
            listener.progress(self.adopted);
        }
        listener.progress(self.adopted);
        Ok(())
    }

    /// Removes the folders that hold no spans, which takes no destination. What cannot be removed is for [`Self::look`] to tell.
    pub fn tidy(&mut self) {
        for folder in folders(&self.path).unwrap_or_default() {
            if let Ok(Some(orphan)) = Orphan::adopt(folder)
                && orphan.is_of(self.service.as_deref())
                && let Ok(contents) = orphan.contents()
                && contents.blocks.is_empty()
                && contents.bad.is_empty()
            {
                let _ = orphan.remove(&contents);
            }
        }
    }

    /// Counts and tells that something stays, the first time.
    fn stays(&mut self, path: &Path, why: &str, listener: &mut impl Listener) {
        if self.told.insert(path.to_owned()) {
            self.adopted.files += 1;
            listener.stays(path, why);
        }
    }

    /// Delivers the blocks of one.
    fn one(
        &mut self,
        orphan: &Orphan,
        contents: &Contents,
        departures: u64,
        listener: &mut impl Listener,
    ) -> io::Result<End> {
        let is_owed = |place: &Place| self.destinations.owes(orphan.folder(), place.number);
        let (owed, blocks): (Vec<_>, Vec<_>) = contents.blocks.iter().partition(|place| is_owed(place));
        let mut end = if owed.is_empty() { End::Settled } else { End::Stays };
        if blocks.is_empty() {
            return Ok(end);
        }
        let mut writer = Writer::with_storage(Box::new(Adopting), usize::MAX)?;
        let recipients = self.recipients(&mut writer)?;
        for place in blocks {
            if self.destinations.departures() != departures {
                end = End::Left;
                break;
            }
            let found = match orphan.read(place) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(why) => {
                    self.stays(&place.path, &why.to_string(), listener);
                    end = End::Stays;
                    continue;
                }
            };
            let spans = found.frames.len() as u64;
            let is_past = self.pace.is_past(found.begun);
            let delivery = if is_past {
                Delivery::Settled
            } else {
                self.deliver(
                    &mut writer,
                    &recipients,
                    &found,
                    (orphan.folder(), place.number),
                    listener,
                )
            };
            match delivery {
                Delivery::Settled => {
                    if is_past {
                        lose(&recipients, spans, DropReason::Expired);
                    }
                    lose(&recipients, found.lost, DropReason::Damaged);
                    self.adopted.damaged += found.lost;
                    if let Err(why) = orphan.free(place) {
                        self.stays(&place.path, &why.to_string(), listener); // it will be delivered once more
                        end = End::Stays;
                    }
                }
                Delivery::Owed => end = End::Stays,
                Delivery::Stopped => {
                    end = End::Stopped;
                    break;
                }
            }
            self.adopted.spans += spans;
            listener.progress(self.adopted);
        }
        for Recipient { client, lane } in &recipients {
            if matches!(end, End::Stopped) || !self.destinations.has(client) {
                lane.keep();
            }
            lane.close();
            let _ = lane.discard();
        }
        Ok(end)
    }

    /// Each destination with a lane of its own, which the worker drives.
    fn recipients(&self, writer: &mut Writer) -> io::Result<Vec<Recipient>> {
        let bounds = Limits {
            bytes: usize::MAX,
            spans: usize::MAX,
        };
        let mut recipients = Vec::new();
        for client in self.destinations.all() {
            let lane = Arc::new(writer.add_lane(bounds));
            recipients.push(Recipient { client, lane });
        }
        for Recipient { client, lane } in &recipients {
            lane.want_reader();
            if lane.begin_reader() {
                client.drive(Arc::clone(lane), self.limits)?;
            }
        }
        Ok(recipients)
    }

    /// Gives all a block, and waits until its spans are settled by them: delivered, or dropped and counted.
    fn deliver(
        &self,
        writer: &mut Writer,
        recipients: &[Recipient],
        found: &Found,
        (folder, number): (&Path, u64),
        listener: &mut impl Listener,
    ) -> Delivery {
        let groups: Vec<_> = found.groups.iter().cloned().map(Arc::<Group>::new).collect();
        let begun = Instant::now();
        for (sent, (group, frame)) in found.frames.iter().enumerate() {
            if self.pace.is_over() {
                return Delivery::Stopped;
            }
            let _ = writer.append_message(&groups[*group], frame);
            if let Some(nanos) = (1_000_000_000 * sent as u64).checked_div(self.pace.spans_per_second) {
                let ahead = Duration::from_nanos(nanos).saturating_sub(begun.elapsed());
                if ahead > Duration::from_millis(5) {
                    let _ = self.pace.stop.wait(ahead.min(SLICE));
                }
            }
        }
        let mut delivery = Delivery::Settled;
        for Recipient { client, lane } in recipients {
            let answer = self.answer(client, lane, recipients.len() > 1, listener);
            listener.waits(None);
            let Some(has_answered) = answer else {
                return Delivery::Stopped;
            };
            if !has_answered {
                self.destinations.owe(folder, number, client);
                delivery = Delivery::Owed;
                // It may have been shut down by itself.
                if !self.destinations.remove(client) {
                    self.pace.stop.set();
                }
            }
        }
        if self.pace.is_over() {
            return Delivery::Stopped;
        }
        delivery
    }

    /// Waits until a destination has answered for all that it was given; false if it leaves before, none if it is to stop.
    fn answer(
        &self,
        client: &Arc<Client>,
        lane: &Lane,
        others_wait: bool,
        listener: &mut impl Listener,
    ) -> Option<bool> {
        let (done, generation) = (lane.flush(), lane.generation());
        let mut until = others_wait.then(|| Instant::now() + PATIENCE);
        while !lane.wait_done(done, generation, Instant::now() + SLICE) {
            if until.take_if(|until| Instant::now() > *until).is_some() {
                listener.waits(Some(&client.name()));
            }
            if self.pace.is_over() || lane.generation() != generation {
                return None;
            }
            if !self.destinations.has(client) {
                return Some(false);
            }
        }
        // One that was shut down meanwhile is done with them, and has not sent them.
        Some(!lane.is_keeping())
    }
}

fn lose(recipients: &[Recipient], spans: u64, reason: DropReason) {
    if spans > 0 {
        for Recipient { client, .. } in recipients {
            drop(client.lose(spans, reason, reason.of_a_queue(spans)));
        }
    }
}
