//! [`Shared`]: what the couriers of a recovery share beside the leftovers: options, members, counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::members::{Member, Members};
use super::pace::Stop;
use crate::delivery::drive::BatchLimits;
use crate::process::events::{self, Event, What};

/// What is recovered, how fast and when.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder above those of the processes.
    pub path: PathBuf,
    /// Whose spans; `None`: of every service.
    pub service: Option<String>,
    /// Spans and bytes of a request.
    pub limits: BatchLimits,
    /// Spans a second for each destination at most; 0: no limit.
    pub spans_per_second: u64,
    /// Blocks that were begun longer ago are dropped, and counted.
    pub max_age: Option<Duration>,
    /// The first look begins after this time, or with [`Recovery::begin`](super::Recovery::begin).
    pub delay: Duration,
    /// Time between two looks, until it is stopped; `None`: there is one look, and nothing is reported by events.
    pub again: Option<Duration>,
    /// No folder is begun within this time after a destination has left: while a program ends, its destinations leave one after the other.
    pub calm: Duration,
}

/// What was found and what became of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Adopted {
    /// Folders of processes.
    pub folders: u64,
    /// Spans of blocks that at least one destination has, each counted once.
    pub spans: u64,
    /// Spans that were committed and cannot be read.
    pub damaged: u64,
    /// Files that cannot be understood: left where they are.
    pub files: u64,
}

/// What the couriers of a recovery share.
#[derive(Debug)]
pub struct Shared {
    pub options: Options,
    pub members: Members,
    /// Ends the delay.
    pub begin: Stop,
    pub books: Mutex<Books>,
    /// A courier has ended a look.
    pub looked: Condvar,
}

#[derive(Debug, Default)]
pub struct Books {
    pub adopted: Adopted,
    /// By label.
    pub members: BTreeMap<String, Account>,
}

#[derive(Debug, Default)]
pub struct Account {
    pub spans: u64,
    /// What keeps it waiting, if it has for long.
    pub waits: Option<String>,
    /// It has looked at everything once, or since: how that ended.
    pub looked: Option<Result<(), String>>,
}

impl Shared {
    pub fn new(options: Options) -> Self {
        Self {
            options,
            members: Members::default(),
            begin: Stop::default(),
            books: Mutex::default(),
            looked: Condvar::new(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` on a member's account, if it has not left.
    pub fn account(&self, member: &Member, work: impl FnOnce(&mut Account)) {
        if let Some(account) = self.lock().members.get_mut(&member.label()) {
            work(account);
        }
    }

    /// A member takes no more part.
    pub fn leave(&self, member: &Member) {
        if !self.members.remove(member) {
            self.stop();
        }
        self.lock().members.remove(&member.label());
        self.looked.notify_all();
    }

    pub fn stop(&self) {
        self.members.end();
        self.begin.set();
    }

    /// Reports that something is not sent, where somebody listens.
    pub fn tell(&self, message: String) {
        if self.options.again.is_some() {
            // A source is there as long as this thread: a listener goes on.
            let _ = events::push(Event {
                destination: self.options.path.display().to_string(),
                what: What::Unrecovered,
                items: 0,
                message,
            });
        }
    }
}

/// A folder's name in messages.
pub fn named(path: &Path, why: &str) -> String {
    format!("{}: {why}", path.display())
}
