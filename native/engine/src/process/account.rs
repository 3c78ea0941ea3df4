//! What became of the items: `accepted = exported + queued + dropped`, always, since both sides change under one lock.

use std::collections::BTreeMap;

use spanwire_queue::Dropped;
use spanwire_transport::Tally;
use spanwire_wire::Signal;

/// Why items were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// What was on the disk could not be read.
    Damaged,
    /// There was nowhere to keep them: no file could be made, or not in time.
    Disk,
    /// They could not be encoded.
    Encode,
    /// The destination could not be reached, or kept saying "later", until tries or time were used up.
    Exhausted,
    /// They had waited for longer than was wanted.
    Expired,
    /// A defect of ours.
    Internal,
    /// The processor was shut down before they were delivered; they are not lost but on the disk, for a later process to deliver.
    Kept,
    /// The queue in front of the destination was full: the oldest items went.
    QueueFull,
    /// The destination refused the request for good.
    Refused,
    /// The destination took the request but not these items (partial success).
    Rejected,
    /// The response was too large to be read.
    Response,
    /// The exporter was shut down.
    Shutdown,
    /// A stage between queue and destination left them out, as it is to.
    Stage,
    /// No answer before the deadline.
    Timeout,
    /// The request was over the size limit.
    TooLarge,
}

impl DropReason {
    /// The name in statistics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Disk => "disk",
            Self::Encode => "encode",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Internal => "internal",
            Self::Kept => "kept",
            Self::QueueFull => "queue_full",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Response => "response",
            Self::Shutdown => "shutdown",
            Self::Stage => "stage",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
        }
    }
}

impl DropReason {
    /// The reasons for which a queue has dropped frames, and how many; those dropped since it was closed for `closed`.
    #[must_use]
    pub fn of_dropped(dropped: Dropped, closed: Self) -> [(u64, Self); 6] {
        [
            (dropped.full, Self::QueueFull),
            (dropped.closed, closed),
            (dropped.kept, Self::Kept),
            (dropped.unstored, Self::Disk),
            (dropped.expired, Self::Expired),
            (dropped.damaged, Self::Damaged),
        ]
    }

    /// Whether people are told at once that a queue drops items for it.
    #[must_use]
    pub fn is_loss_of_a_queue(self) -> bool {
        matches!(self, Self::QueueFull | Self::Disk | Self::Expired | Self::Damaged)
    }

    /// What is told of items that a queue dropped for it.
    #[must_use]
    pub fn of_a_queue(self, items: u64) -> String {
        match self {
            Self::QueueFull => format!("the queue was full and {items} went"),
            Self::Shutdown => "the processor was shut down".to_owned(),
            Self::Kept => "the processor was shut down; they are kept on the disk".to_owned(),
            Self::Disk => format!("there was no file for {items} to be kept in: stats()[\"durable\"] says why"),
            Self::Damaged => format!("{items} that waited on the disk could not be read"),
            Self::Expired => format!("{items} had waited for longer than max_age"),
            _ => format!("{items} items: {}", self.name()),
        }
    }
}

/// The counts of one destination since this process began (a forked child begins at zero).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Items given to `export`.
    pub accepted: u64,
    /// Items the destination took.
    pub exported: u64,
    /// Items under way.
    pub queued: u64,
    /// Items lost, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Requests written, each try counted.
    pub requests: u64,
    /// Tries after the first.
    pub retries: u64,
    /// Body bytes written, each try counted.
    pub bytes: u64,
    /// Connections opened.
    pub connections: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

impl Account {
    /// `items` come in and are under way.
    pub fn begin(&mut self, items: u64) {
        self.accepted += items;
        self.queued += items;
    }

    /// `items` that were under way have been answered; `rejected` of them were not taken.
    pub fn taken(&mut self, items: u64, rejected: u64) {
        let rejected = rejected.min(items);
        self.queued -= items;
        self.exported += items - rejected;
        self.count(rejected, DropReason::Rejected);
    }

    /// Adds the counts of another one.
    pub fn absorb(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.exported += other.exported;
        self.queued += other.queued;
        for (reason, items) in other.dropped {
            self.count(items, reason);
        }
        self.requests += other.requests;
        self.retries += other.retries;
        self.bytes += other.bytes;
        self.connections += other.connections;
        self.last_error = other.last_error.or(self.last_error.take());
    }

    /// `items` that were under way are lost.
    pub fn lost(&mut self, items: u64, reason: DropReason, error: String) {
        self.queued -= items;
        self.count(items, reason);
        if reason != DropReason::Stage {
            self.last_error = Some(error); // what a stage leaves out is none
        }
    }

    /// `items` are lost that were never in flight.
    pub fn lost_at_once(&mut self, items: u64, reason: DropReason, error: String) {
        self.begin(items);
        self.lost(items, reason, error);
    }

    /// What a request has cost since `counted`, which is brought up to date.
    pub fn add(&mut self, tally: &Tally, counted: &mut Costs) {
        let now = Costs::of(tally);
        self.requests += now.requests - counted.requests;
        self.retries += now.retries - counted.retries;
        self.bytes += now.bytes - counted.bytes;
        self.connections += now.connections - counted.connections;
        *counted = now;
    }

    fn count(&mut self, items: u64, reason: DropReason) {
        if items > 0 {
            *self.dropped.entry(reason).or_default() += items;
        }
    }
}

/// The accounts of one destination, by signal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts(BTreeMap<Signal, Account>);

impl Accounts {
    /// That of one signal, if there was anything of it.
    pub fn get(&self, signal: Signal) -> Option<&Account> {
        self.0.get(&signal)
    }

    /// That of one signal.
    pub fn of(&mut self, signal: Signal) -> &mut Account {
        self.0.entry(signal).or_default()
    }

    /// Whether anything is under way.
    pub fn is_busy(&self) -> bool {
        self.0.values().any(|account| account.queued > 0)
    }

    /// Adds the counts of others, each signal's to its own.
    pub fn absorb(&mut self, other: Self) {
        for (signal, account) in other.0 {
            self.of(signal).absorb(account);
        }
    }
}

/// What a request has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs {
    requests: u64,
    retries: u64,
    bytes: u64,
    connections: u64,
}

impl Costs {
    fn of(tally: &Tally) -> Self {
        Self {
            requests: tally.requests(),
            retries: tally.retries(),
            bytes: tally.bytes(),
            connections: tally.connections(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balanced(account: &Account) -> bool {
        account.accepted == account.exported + account.queued + account.dropped.values().sum::<u64>()
    }

    #[test]
    fn the_sum_holds_at_every_step() {
        let mut account = Account::default();
        account.begin(10);
        assert!(balanced(&account));
        account.begin(5);
        account.taken(10, 3);
        assert!(balanced(&account));
        account.lost(5, DropReason::Timeout, "late".into());
        assert!(balanced(&account));
        assert_eq!((account.exported, account.queued), (7, 0));
        assert_eq!(
            account.dropped,
            BTreeMap::from([(DropReason::Rejected, 3), (DropReason::Timeout, 5)])
        );
    }

    #[test]
    fn a_server_cannot_reject_more_than_it_was_sent() {
        let mut account = Account::default();
        account.begin(2);
        account.taken(2, u64::MAX);
        assert!(balanced(&account));
        assert_eq!(account.dropped[&DropReason::Rejected], 2);
    }
}
