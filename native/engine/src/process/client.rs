//! An exporter's handle on the worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_queue::{Batch, Lane};
use spanwire_transport::{Config, RetryPolicy};

use crate::delivery::drive::{BatchLimits, Drive};
use crate::delivery::parcel::Parcel;
use crate::process;
use crate::process::account::DropReason;
use crate::process::buffer::Buffer;
use crate::process::ledger::Ledger;
use crate::process::progress::Progress;
use crate::process::ticket::{Answer, Ticket, UnderWay, pair};
use crate::process::worker::{Command, Job};
use crate::stage::{self, Stages};

/// A destination with its limits. Any number of threads may use it; it survives a fork, on both sides.
#[derive(Debug)]
pub struct Client {
    sender: Arc<Sender>,
}

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

/// A request that is booked, and both ends of it.
pub struct Begun {
    /// By when its caller wants the answer.
    pub deadline: Instant,
    /// The worker's end.
    pub under_way: UnderWay,
    /// The caller's end.
    pub ticket: Ticket,
}

/// A moment in the order of requests.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);

/// A request on its way, or what became of it at once.
pub enum Submitted {
    /// Refused before it was sent.
    Answered(Answer),
    /// The worker has it.
    UnderWay(Ticket),
}

/// A year: as good as for ever, and added to a clock without overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

impl Client {
    /// A client; its worker starts with its first request. `timeout` covers all tries of a request, `max_request` is in
    /// bytes before compression.
    pub fn new(config: Config, timeout: Duration, max_request: Option<usize>) -> std::io::Result<Self> {
        let mut process = process::lock();
        process.watch_forks()?;
        let id = process.new_id();
        config.name().clone_into(&mut process.client(id).destination);
        Ok(Self {
            sender: Arc::new(Sender {
                id,
                config: Arc::new(config),
                timeout: timeout.min(LONGEST),
                max_request,
                policy: RetryPolicy::default(),
                discards: false,
            }),
        })
    }

    /// The same, but what is driven to it is taken and comes to nothing: to measure all that is in front of a destination.
    #[must_use]
    pub fn discarding(mut self) -> Self {
        if let Some(sender) = Arc::get_mut(&mut self.sender) {
            sender.discards = true;
        }
        self
    }

    /// The destination's name in statistics and messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.sender.name()
    }

    /// Soon, between two requests, everything goes by this configuration: endpoint, headers, TLS, compression. What is under way is not
    /// touched.
    pub fn reconfigure(&self, config: Config) {
        let config = Arc::new(config);
        let mut process = process::lock();
        if !process.has_worker() {
            process.configure(self.sender.id, config);
            return;
        }
        let unsent = process.tell(Command::Configure(self.sender.id, config));
        drop(process);
        drop(unsent);
    }

    /// From its next request on, what it is driven passes these stages.
    pub fn set_stages(&self, stages: Stages) {
        process::lock().client(self.sender.id).stages = stages;
    }

    /// From now on, in each process, what becomes of what it is driven with is kept for [`take_ledger`](Self::take_ledger).
    pub fn keep_ledger(&self) {
        process::lock().client(self.sender.id).ledger.get_or_insert_default();
    }

    /// What became of what it is driven with, since the last call.
    #[must_use]
    pub fn take_ledger(&self) -> Ledger {
        let mut process = process::lock();
        process.ledger(self.sender.id).map(std::mem::take).unwrap_or_default()
    }

    /// Counts spans that are lost before there is a request.
    #[must_use]
    pub fn lose(&self, spans: u64, reason: DropReason, message: String) -> Answer {
        self.sender.lose(spans, reason, message)
    }

    #[cfg(test)]
    pub(crate) fn sender(&self) -> Arc<Sender> {
        Arc::clone(&self.sender)
    }

    /// Has the worker send what waits in a lane and will come, until the lane has ended; one call a process for a lane.
    pub fn drive(&self, lane: Arc<Lane>, limits: BatchLimits) -> std::io::Result<()> {
        let mut process = process::lock();
        let dead = process.start_worker()?;
        let drive = Drive::new(lane, Arc::clone(&self.sender), limits);
        let unsent = process.tell(Command::Drive(Box::new(drive)));
        drop(process);
        drop(dead);
        match unsent {
            Some(Command::Drive(drive)) => {
                drive.disarm();
                Err(std::io::Error::other("the worker has ended"))
            }
            _ => Ok(()),
        }
    }

    /// Takes an encoded request of so many spans, packs it here, and gives it to the worker. The time limit begins now.
    #[must_use]
    pub fn submit(&self, body: Buffer, spans: u64) -> Submitted {
        let deadline = Instant::now() + self.sender.timeout;
        let config = self.sender.config();
        let mut parcel = Parcel::new(body.freeze(), spans);
        // What is too large is cut by the worker.
        if !self.sender.is_over(parcel.len())
            && let Err(error) = parcel.pack(&config)
        {
            return Submitted::Answered(self.sender.lose(spans, DropReason::Encode, error.to_string()));
        }
        let Begun {
            deadline,
            under_way,
            ticket,
        } = match self.sender.begin(spans, deadline) {
            Ok(begun) => begun,
            Err(answer) => return Submitted::Answered(answer),
        };
        let mut process = process::lock();
        let dead = match process.start_worker() {
            Ok(dead) => dead,
            Err(error) => {
                drop(process); // settling takes the lock
                let message =
                    format!("the worker cannot start: {error}; is there a limit on threads (ulimit -u, pids)?");
                under_way.fail(DropReason::Internal, message);
                return Submitted::UnderWay(ticket);
            }
        };
        let unsent = process.tell(Command::Export(Box::new(Job {
            sender: Arc::clone(&self.sender),
            parcel,
            deadline,
            under_way,
        })));
        drop(process);
        drop((dead, unsent)); // jobs answer for themselves
        Submitted::UnderWay(ticket)
    }

    /// Whether its destination has taken nothing since `start` for so long that it counts as one that takes nothing.
    #[must_use]
    pub fn is_stalled(&self, start: Instant, patience: Duration) -> bool {
        let progress = self.sender.progress();
        tokio::time::Instant::now() >= progress.stalls_at(start.into(), patience.min(LONGEST))
    }

    /// Waits for the requests submitted so far, in this process; whether all were answered within `timeout`.
    #[must_use]
    pub fn force_flush(&self, timeout: Duration) -> bool {
        self.flushed(self.mark(), timeout)
    }

    /// Divides the requests submitted so far from those to come.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(process::lock().new_id())
    }

    /// Waits for the requests before `mark`; whether all were answered within `timeout`. May be called again.
    #[must_use]
    pub fn flushed(&self, mark: Mark, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout.min(LONGEST);
        let mut process = process::lock();
        while process
            .client(self.sender.id)
            .under_way
            .first()
            .is_some_and(|&oldest| oldest < mark.0)
        {
            let in_time;
            (process, in_time) = process::wait(process, deadline);
            if !in_time {
                return false;
            }
        }
        true
    }

    /// Takes no more. Back-offs end at once, tries under way within `timeout`; whether nothing is left under way.
    #[must_use]
    pub fn shutdown(&self, timeout: Duration) -> bool {
        if self.close(timeout) {
            return self.force_flush(timeout);
        }
        process::lock().client(self.sender.id).under_way.is_empty()
    }

    /// The first half of [`shutdown`](Self::shutdown), which does not wait; false if it was called before.
    #[must_use]
    pub fn close(&self, timeout: Duration) -> bool {
        let by = Instant::now() + timeout.min(LONGEST);
        let mut process = process::lock();
        if std::mem::replace(&mut process.client(self.sender.id).is_closed, true) {
            return false;
        }
        let undelivered = process.tell(Command::Close(self.sender.id, by));
        drop(process);
        drop(undelivered);
        true
    }

    /// Whether [`shutdown`](Self::shutdown) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        process::lock().client(self.sender.id).is_closed
    }
}

impl Sender {
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

    /// What its spans pass.
    pub(crate) fn stages(&self) -> Stages {
        Arc::clone(&process::lock().client(self.id).stages)
    }

    /// Sends a batch through the stages and counts what they leave out.
    pub(crate) fn pass(&self, batch: &mut Batch) {
        let dropped = stage::pass(batch, &self.stages());
        if dropped > 0 {
            let message = format!("{dropped} spans were left out by a stage");
            drop(self.lose(dropped, DropReason::Stage, message));
        }
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

    /// Counts spans that are lost before there is a request.
    #[must_use]
    pub fn lose(&self, spans: u64, reason: DropReason, message: String) -> Answer {
        let name = self.name();
        let mut process = process::lock();
        let account = process.account(&name);
        account.begin(spans);
        account.lost(spans, reason, message.clone());
        let mut answer = Answer::lost(reason, message);
        answer.lose(reason, spans);
        answer
    }

    /// Keeps for metrics that a request was lost before it was under way; to be called beside [`lose`](Self::lose).
    pub(crate) fn note_lost(&self, spans: u64, reason: DropReason) {
        if let Some(ledger) = process::lock().ledger(self.id) {
            ledger.lost_at_once(spans, reason);
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

    /// Books a request of so many spans.
    pub(crate) fn begin(&self, spans: u64, deadline: Instant) -> Result<Begun, Answer> {
        self.begin_or(spans, deadline, DropReason::Shutdown)
    }

    /// The same; spans for which it is too late are counted for that reason.
    pub(crate) fn begin_or(&self, spans: u64, deadline: Instant, late: DropReason) -> Result<Begun, Answer> {
        let name = self.name();
        let mut process = process::lock();
        if process.client(self.id).is_closed {
            drop(process);
            return Err(self.lose(spans, late, "the exporter is shut down".into()));
        }
        let number = process.new_id();
        process.client(self.id).under_way.insert(number);
        process.account(&name).begin(spans);
        let (under_way, ticket) = pair(self.id, number, spans, &name, deadline);
        Ok(Begun {
            deadline,
            under_way,
            ticket,
        })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        process::lock().remove_client(self.id);
    }
}
