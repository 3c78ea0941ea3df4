//! What one process shares: its worker, its clients, its accounts. One lock, never held across anything that waits.

pub mod account;
pub(crate) mod breakers;
pub mod buffer;
pub mod events;
pub mod ledger;
pub(crate) mod mailbox;
pub(crate) mod progress;
pub(crate) mod sender;
pub mod ticket;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use spanwire_transport::Config;
use spanwire_wire::Signal;

use crate::process::account::{Account, Accounts};
use crate::process::breakers::{Breakers, Watched};
use crate::process::ledger::Ledger;
use crate::process::mailbox::{Command, Mailbox};
use crate::process::progress::Progress;
use crate::stage::Stages;

static PROCESS: Mutex<Process> = Mutex::new(Process {
    forked: false,
    is_watched: false,
    worker: None,
    accounts: BTreeMap::new(),
    former: VecDeque::new(),
    clients: BTreeMap::new(),
    last_id: 0,
});

/// The account of all destinations that no client has had for long.
pub const FORMER: &str = "(former destinations)";
/// Accounts at most of destinations that no client has any more; the oldest of more are added up in one.
const MOST_FORMER: usize = 64;

/// Signalled when a request ends.
static ENDED: Condvar = Condvar::new();

/// The shared state.
pub(crate) struct Process {
    /// Set in a forked child: everything but the clients themselves is the parent's.
    pub forked: bool,
    is_watched: bool,
    worker: Option<Mailbox>,
    accounts: BTreeMap<String, Accounts>,
    /// Destinations that clients have had, the one that was left first in front.
    former: VecDeque<String>,
    clients: BTreeMap<u64, ClientState>,
    last_id: u64,
}

/// One client's share.
#[derive(Debug, Default)]
pub(crate) struct ClientState {
    /// Nothing more is taken.
    pub is_closed: bool,
    /// Requests under way, by number.
    pub under_way: BTreeSet<u64>,
    /// Its destination.
    pub destination: String,
    /// What it was configured with after it was made.
    pub config: Option<Arc<Config>>,
    /// What its items pass on their way.
    pub stages: Stages,
    /// Whether it is tried, where this process has sent anything there.
    pub breakers: Option<Watched>,
    /// Whether its destination takes anything.
    pub progress: Progress,
    /// What became of what it is driven with, if somebody wants to know.
    pub ledger: Option<Ledger>,
}

/// The lock as the fork handlers take it: without looking inside.
pub(crate) fn hold() -> MutexGuard<'static, Process> {
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock, with the state of this process.
pub(crate) fn lock() -> MutexGuard<'static, Process> {
    let mut process = hold();
    if process.forked {
        process.begin_again();
    }
    process
}

/// Waits for a request to end, until `deadline`; false when that has passed.
pub(crate) fn wait(process: MutexGuard<'static, Process>, deadline: Instant) -> (MutexGuard<'static, Process>, bool) {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return (process, false);
    }
    (
        ENDED
            .wait_timeout(process, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0,
        true,
    )
}

/// Wakes who waits for requests to end.
pub(crate) fn notify() {
    ENDED.notify_all();
}

/// A copy of the accounts of one signal, by destination.
#[must_use]
pub fn accounts(signal: Signal) -> BTreeMap<String, Account> {
    lock().accounts(signal)
}

/// The same, and what `look` finds in queues at the same moment: a frame that moves from a queue to an account is in one of the two.
pub fn accounts_and<R>(signal: Signal, look: impl FnOnce() -> R) -> (BTreeMap<String, Account>, R) {
    let process = lock();
    (process.accounts(signal), look())
}

/// Whether each destination is tried, as it is now; nothing of those that no client has.
#[must_use]
pub fn breakers() -> BTreeMap<String, Breakers> {
    let process = lock();
    let mut all = BTreeMap::new();
    for watched in process.clients.values().filter_map(|client| client.breakers.as_ref()) {
        watched.add_to(&mut all);
    }
    all
}

impl Process {
    /// The worker's runtime is leaked, not dropped: its descriptors are closed, and its memory is in an unknown state.
    fn begin_again(&mut self) {
        self.forked = false;
        std::mem::forget(self.worker.take());
        self.accounts.clear();
        self.former.clear();
        for client in self.clients.values_mut() {
            client.under_way.clear();
            client.breakers = None;
            client.progress = Progress::default();
            client.ledger = client.ledger.take().map(|_| Ledger::default());
        }
    }

    /// A number never used before.
    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The account of a destination for one signal.
    pub fn account(&mut self, destination: &str, signal: Signal) -> &mut Account {
        self.accounts_of(destination).of(signal)
    }

    fn accounts_of(&mut self, destination: &str) -> &mut Accounts {
        if !self.accounts.contains_key(destination) {
            self.accounts.insert(destination.to_owned(), Accounts::default());
        }
        self.accounts.get_mut(destination).expect("inserted above")
    }

    fn accounts(&self, signal: Signal) -> BTreeMap<String, Account> {
        let of = |(name, accounts): (&String, &Accounts)| Some((name.clone(), accounts.get(signal)?.clone()));
        self.accounts.iter().filter_map(of).collect()
    }

    /// The state of a client.
    pub fn client(&mut self, id: u64) -> &mut ClientState {
        self.clients.entry(id).or_default()
    }

    /// What became of what a client is driven with, if that is kept.
    pub fn ledger(&mut self, client: u64) -> Option<&mut Ledger> {
        self.clients.get_mut(&client)?.ledger.as_mut()
    }

    /// Whether a client's destination takes anything.
    pub fn progress(&mut self, client: u64) -> Option<&mut Progress> {
        Some(&mut self.clients.get_mut(&client)?.progress)
    }

    /// A request of a client, which may be gone, has ended.
    pub fn end(&mut self, client: u64, number: u64) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.under_way.remove(&number);
        }
    }

    /// A client that is not gone has another configuration from now on; whether there is such a client.
    pub fn configure(&mut self, id: u64, config: Arc<Config>) -> bool {
        let Some(client) = self.clients.get_mut(&id) else {
            return false;
        };
        let left = std::mem::replace(&mut client.destination, config.name().to_owned());
        client.config = Some(config);
        self.leave(left);
        true
    }

    /// A client that is not gone is seen to be tried or not by these breakers.
    pub fn watch_breakers(&mut self, id: u64, watched: Watched) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.breakers = Some(watched);
        }
    }

    /// A destination has a client less. The accounts of those that have none are kept for a while; sums over all accounts stay.
    fn leave(&mut self, destination: String) {
        self.former.retain(|former| *former != destination);
        self.former.push_back(destination);
        for _ in MOST_FORMER..self.former.len() {
            let Some(oldest) = self.former.pop_front() else { return };
            if self.clients.values().any(|client| client.destination == oldest) {
                continue; // it is listed again when that one leaves it
            }
            match self.accounts.remove(&oldest) {
                Some(accounts) if accounts.is_busy() => {
                    self.accounts.insert(oldest.clone(), accounts);
                    self.former.push_back(oldest);
                }
                Some(accounts) => self.accounts_of(FORMER).absorb(accounts),
                None => {}
            }
        }
    }

    /// Forgets a client that is gone.
    pub fn remove_client(&mut self, id: u64) {
        if let Some(client) = self.clients.remove(&id) {
            self.leave(client.destination);
        }
        drop(self.tell(Command::Forget(id))); // holds nothing that takes the lock
    }

    /// Forks are noticed from here on. Called before the first client exists.
    pub fn watch_forks(&mut self, watch: fn() -> io::Result<()>) -> io::Result<()> {
        if !self.is_watched {
            watch()?;
            self.is_watched = true;
        }
        Ok(())
    }

    /// Sees to it that there is a worker. What is left of a dead one is for the caller to drop when the lock is given back:
    /// jobs in it answer for themselves.
    #[must_use = "it must be dropped without the lock"]
    pub fn start_worker(&mut self, start: fn() -> io::Result<Mailbox>) -> io::Result<Option<Mailbox>> {
        if self.worker.as_ref().is_some_and(Mailbox::is_alive) {
            return Ok(None);
        }
        Ok(self.worker.replace(start()?))
    }

    /// Whether there is a worker, whose thread alone changes what it goes by.
    pub fn has_worker(&self) -> bool {
        self.worker.as_ref().is_some_and(Mailbox::is_alive)
    }

    /// Gives the worker a command if there is one; as [`Mailbox::tell`].
    pub fn tell(&self, command: Command) -> Option<Command> {
        self.worker.as_ref()?.tell(command)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::process::account::DropReason;
    use crate::testing::{backend, client};

    #[test]
    fn accounts_of_former_destinations_are_bounded_and_their_sums_stay() {
        // One look at all accounts: other tests' clients leave meanwhile, and an account may be folded between two.
        let lost = |named: &[&str]| -> u64 {
            let accounts = accounts(Signal::Traces);
            let lost = accounts
                .iter()
                .filter(|(name, _)| named.iter().any(|named| name.starts_with(named)))
                .filter_map(|(_, account)| account.dropped.get(&DropReason::Encode));
            lost.sum()
        };
        let mut least = 0;
        let kept = client("http://pruned-kept.test/");
        drop(kept.lose(Signal::Traces, 1, DropReason::Encode, "for a test".into()));
        for number in 0..300 {
            let client = client(&format!("http://pruned-{number}.test/"));
            drop(client.lose(Signal::Traces, 1, DropReason::Encode, "for a test".into()));
            drop(client);
            let now = lost(&["http://pruned-", FORMER]);
            assert!(now > least, "a counter went back");
            least = now;
        }
        let names = accounts(Signal::Traces).into_keys();
        let many = names.filter(|name| name.starts_with("http://pruned-")).count();
        assert!(many <= MOST_FORMER + 1, "{many}");
        assert_eq!(lost(&["http://pruned-kept.test/"]), 1);
    }

    fn request() -> buffer::Buffer {
        let mut buffer = buffer::Buffer::take();
        buffer.extend_from_slice(&[0x0a, 0]);
        buffer
    }

    #[test]
    fn a_client_that_is_configured_anew_and_dropped_leaves_nothing() {
        let backend = backend("200 OK", Duration::ZERO);
        let clients = || lock().clients.len();
        let first = client(&backend.endpoint);
        // Starts the worker, which alone carries out what follows.
        let crate::client::Submitted::UnderWay(ticket) = first.submit(Signal::Traces, request(), 0) else {
            panic!("not sent")
        };
        assert!(ticket.wait(Duration::from_secs(60)).is_some());
        let ghosts: Vec<u64> = (0..50)
            .map(|number| {
                let ghost = client(&backend.endpoint);
                let id = ghost.sender().client();
                ghost.reconfigure(crate::testing::config(&format!("http://ghost-{number}.test/")));
                id
            })
            .collect();
        // Behind all of these commands.
        let crate::client::Submitted::UnderWay(ticket) = first.submit(Signal::Traces, request(), 0) else {
            panic!("not sent")
        };
        assert!(ticket.wait(Duration::from_secs(60)).is_some());
        let left = ghosts.iter().filter(|id| lock().clients.contains_key(id)).count();
        assert_eq!(left, 0, "of {} clients", clients());
    }
}
