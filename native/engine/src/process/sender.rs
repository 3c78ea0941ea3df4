//! [`Sender`]: what requests are sent with, and how they are booked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_queue::{Batch, Lane};
use spanwire_transport::{Config, RetryPolicy};
use spanwire_wire::Signal;

use crate::process::account::DropReason;
use crate::process::progress::Progress;
use crate::process::ticket::{Answer, Ticket, UnderWay, pair};
use crate::process::{self, Process};
use crate::stage::{self, Stages};

/// A year: as good as for ever, and added to a clock without overflow.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// What requests are sent with: a client, and whoever drives a lane for it.
#[derive(Debug)]
pub struct Sender {
    id: u64,
    config: Arc<Config>,
    timeout: Duration,
    max_request: Option<usize>,
    policy: RetryPolicy,
    /// What is driven to it is taken and comes to nothing.
    discards: bool,
}

/// What is reported after a panic.
pub const FAILED: &str = "the worker failed; nothing more is sent there. Please report this";
const SHUT_DOWN: &str = "the exporter is shut down";

/// A request of a caller that is booked, and both ends of it.
pub struct Begun {
    /// By when its caller wants the answer.
    pub deadline: Instant,
    /// The worker's end.
    pub under_way: UnderWay,
    /// The caller's end.
    pub ticket: Ticket,
}

impl Sender {
    /// Of the client with that number. `timeout` covers all tries of a request, `max_request` is in bytes before compression.
    pub(crate) fn new(id: u64, config: Config, timeout: Duration, max_request: Option<usize>) -> Self {
        Self {
            id,
            config: Arc::new(config),
            timeout: timeout.min(LONGEST),
            max_request,
            policy: RetryPolicy::default(),
            discards: false,
        }
    }

    /// What is driven to it is taken from now on and comes to nothing.
    pub(crate) fn discard(&mut self) {
        self.discards = true;
    }

    /// Which client it is of.
    pub(crate) fn client(&self) -> u64 {
        self.id
    }

    /// Whether its destination takes anything.
    pub(crate) fn progress(&self) -> Progress {
        process::lock().progress(self.id).copied().unwrap_or_default()
    }

    /// The destination has taken a request, which took so long.
    pub(crate) fn note_taken(&self, took: Duration) {
        if let Some(progress) = process::lock().progress(self.id) {
            progress.note(took);
        }
    }

    /// Where to and how.
    pub(crate) fn config(&self) -> Arc<Config> {
        let changed = process::lock().client(self.id).config.clone();
        changed.unwrap_or_else(|| Arc::clone(&self.config))
    }

    /// What its items pass.
    pub(crate) fn stages(&self) -> Stages {
        Arc::clone(&process::lock().client(self.id).stages)
    }

    /// Takes the oldest frames of a lane, which are in flight from then on. Reading them may wait for a disk, so the process's lock is not held
    /// meanwhile. Under that lock the account counts the frames as the lane stops to, so a holder of the lock finds each frame once.
    pub(crate) fn take(&self, lane: &Lane, frames: usize, bytes: usize) -> Option<(Batch, Taken<'_>)> {
        let destination = self.name();
        let number = self.number(&mut process::lock()); // first: a shutdown waits for the frames as soon as they leave the lane
        let mut taken = Taken {
            sender: self,
            number,
            signal: lane.signal(),
            destination,
            items: 0,
            has_begun: false,
        };
        let batch = lane.take_for_account(frames, bytes)?;
        let items = batch.frames() as u64;
        let mut process = process::lock();
        process.account(&taken.destination, taken.signal).begin(items);
        lane.booked(items);
        taken.items = items;
        Some((batch, taken))
    }

    /// Counts items that a [look](Lane::look) at a lane has reported as dropped.
    pub(crate) fn lose_dropped(&self, lane: &Lane, items: u64, reason: DropReason, message: String) {
        let name = self.name();
        let mut process = process::lock();
        process
            .account(&name, lane.signal())
            .lost_at_once(items, reason, message);
        lane.booked(items);
    }

    pub(crate) fn discards(&self) -> bool {
        self.discards
    }

    pub(crate) fn policy(&self) -> RetryPolicy {
        self.policy
    }

    /// The destination's name in statistics and messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.config().name().to_owned()
    }

    /// Counts items that are lost before there is a request.
    #[must_use]
    pub fn lose(&self, signal: Signal, items: u64, reason: DropReason, message: String) -> Answer {
        let name = self.name();
        let mut process = process::lock();
        process
            .account(&name, signal)
            .lost_at_once(items, reason, message.clone());
        Answer::lost_all(items, reason, message)
    }

    /// Keeps for metrics that a request was lost before it was under way; to be called beside [`lose`](Self::lose).
    pub(crate) fn note_lost(&self, items: u64, reason: DropReason) {
        if let Some(ledger) = process::lock().ledger(self.id) {
            ledger.lost_at_once(items, reason);
        }
    }

    /// Bytes of a plain request at most, if there is a limit.
    pub(crate) fn max_request(&self) -> Option<usize> {
        self.max_request
    }

    /// Whether a plain request of so many bytes must be cut.
    pub(crate) fn is_over(&self, bytes: usize) -> bool {
        self.max_request.is_some_and(|limit| bytes > limit)
    }

    /// How long a round of tries may last.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Books a request of so many items.
    pub(crate) fn begin(&self, signal: Signal, items: u64, deadline: Instant) -> Result<Begun, Answer> {
        let name = self.name();
        let mut process = process::lock();
        if process.client(self.id).is_closed {
            drop(process);
            return Err(self.lose(signal, items, DropReason::Shutdown, SHUT_DOWN.into()));
        }
        process.account(&name, signal).begin(items);
        let number = self.number(&mut process);
        let (under_way, ticket) = pair(self.id, number, items, (&name, signal), deadline);
        Ok(Begun {
            deadline,
            under_way,
            ticket,
        })
    }

    /// The number of one more request under way.
    fn number(&self, process: &mut Process) -> u64 {
        let number = process.new_id();
        process.client(self.id).under_way.insert(number);
        number
    }
}

/// Items that were taken from a lane and are no request yet: the account has them as queued. Those that nothing became of, by a panic, are
/// counted as lost.
pub(crate) struct Taken<'s> {
    sender: &'s Sender,
    /// Of the request, also before it is one: a shutdown waits for it.
    number: u64,
    signal: Signal,
    destination: String,
    items: u64,
    has_begun: bool,
}

impl Taken<'_> {
    /// Sends the batch through the stages and counts what they leave out.
    pub(crate) fn pass(&mut self, batch: &mut Batch) {
        let dropped = stage::pass(batch, &self.sender.stages());
        if dropped > 0 {
            self.lose(
                dropped,
                DropReason::Stage,
                format!("{dropped} {} were left out by a stage", self.signal.names().items),
            );
        }
    }

    /// A request of what is left, which no caller waits for; what is too late for one is counted for that reason.
    pub(crate) fn begin(mut self, late: DropReason) -> Result<UnderWay, Answer> {
        let items = self.items;
        if process::lock().client(self.sender.id).is_closed {
            self.lose(items, late, SHUT_DOWN.into());
            return Err(Answer::lost_all(items, late, SHUT_DOWN.into()));
        }
        let account = (&*self.destination, self.signal);
        let under_way = UnderWay::new(self.sender.id, self.number, items, account);
        self.has_begun = true;
        Ok(under_way)
    }

    fn lose(&mut self, items: u64, reason: DropReason, message: String) {
        process::lock()
            .account(&self.destination, self.signal)
            .lost(items, reason, message);
        self.items -= items;
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.has_begun {
            return;
        }
        let items = self.items;
        if items > 0 {
            self.lose(items, DropReason::Internal, FAILED.into());
            self.sender.note_lost(items, DropReason::Internal);
        }
        process::lock().end(self.sender.id, self.number);
        process::notify();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        process::lock().remove_client(self.id);
    }
}
