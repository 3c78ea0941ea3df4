//! What one process shares: its worker, its clients, its accounts. One lock, never held across anything that waits.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use spanwire_transport::Config;

use crate::account::Account;
use crate::breakers::{Breakers, Watched};
use crate::ffi::fork;
use crate::ledger::Ledger;
use crate::progress::Progress;
use crate::stage::Stages;
use crate::worker::{Command, Worker};

static PROCESS: Mutex<Process> = Mutex::new(Process {
    forked: false,
    is_watched: false,
    worker: None,
    accounts: BTreeMap::new(),
    clients: BTreeMap::new(),
    last_id: 0,
});

/// Signalled when a request ends.
static ENDED: Condvar = Condvar::new();

/// The shared state.
pub struct Process {
    /// Set in a forked child: everything but the clients themselves is the parent's.
    pub forked: bool,
    is_watched: bool,
    worker: Option<Worker>,
    accounts: BTreeMap<String, Account>,
    clients: BTreeMap<u64, ClientState>,
    last_id: u64,
}

/// One client's share.
#[derive(Debug, Default)]
pub struct ClientState {
    /// Nothing more is taken.
    pub is_closed: bool,
    /// Requests under way, by number.
    pub under_way: BTreeSet<u64>,
    /// What it was configured with after it was made.
    pub config: Option<Arc<Config>>,
    /// What its spans pass on their way.
    pub stages: Stages,
    /// Whether it is tried, where this process has sent anything there.
    pub breakers: Option<Watched>,
    /// Whether its destination takes anything.
    pub progress: Progress,
    /// What became of what it is driven with, if somebody wants to know.
    pub ledger: Option<Ledger>,
}

/// The lock as the fork handlers take it: without looking inside.
pub fn hold() -> MutexGuard<'static, Process> {
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock, with the state of this process.
pub fn lock() -> MutexGuard<'static, Process> {
    let mut process = hold();
    if process.forked {
        process.begin_again();
    }
    process
}

/// Waits for a request to end, until `deadline`; false when that has passed.
pub fn wait(process: MutexGuard<'static, Process>, deadline: Instant) -> (MutexGuard<'static, Process>, bool) {
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
pub fn notify() {
    ENDED.notify_all();
}

/// A copy of all accounts, by destination.
#[must_use]
pub fn accounts() -> BTreeMap<String, Account> {
    lock().accounts.clone()
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

    /// The account of a destination.
    pub fn account(&mut self, destination: &str) -> &mut Account {
        if !self.accounts.contains_key(destination) {
            self.accounts.insert(destination.to_owned(), Account::default());
        }
        self.accounts.get_mut(destination).expect("inserted above")
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

    /// Forgets a client that is gone.
    pub fn remove_client(&mut self, id: u64) {
        self.clients.remove(&id);
        drop(self.tell(Command::Forget(id))); // holds nothing that takes the lock
    }

    /// Forks are noticed from here on. Called before the first client exists.
    pub fn watch_forks(&mut self) -> io::Result<()> {
        if !self.is_watched {
            fork::watch()?;
            self.is_watched = true;
        }
        Ok(())
    }

    /// Sees to it that there is a worker. What is left of a dead one is for the caller to drop when the lock is given back:
    /// jobs in it answer for themselves.
    #[must_use = "it must be dropped without the lock"]
    pub fn start_worker(&mut self) -> io::Result<Option<Worker>> {
        if self.worker.as_ref().is_some_and(Worker::is_alive) {
            return Ok(None);
        }
        Ok(self.worker.replace(Worker::start()?))
    }

    /// Whether there is a worker, whose thread alone changes what it goes by.
    pub fn has_worker(&self) -> bool {
        self.worker.as_ref().is_some_and(Worker::is_alive)
    }

    /// Gives the worker a command if there is one; as [`Worker::tell`].
    pub fn tell(&self, command: Command) -> Option<Command> {
        self.worker.as_ref()?.tell(command)
    }
}
