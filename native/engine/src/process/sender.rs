//! [`Sender`]: what requests are sent with, and how they are booked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use spanwire_queue::Batch;
use spanwire_transport::{Config, RetryPolicy};

use crate::process;
use crate::process::account::DropReason;
use crate::process::progress::Progress;
use crate::process::ticket::{Answer, Ticket, UnderWay, pair};
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

/// A request that is booked, and both ends of it.
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
