//! [`Recovery`]: delivers the spans that terminated processes left on the disk, to each destination at its own pace.
//!
//! Each destination has a [`courier`] with a thread of its own, which reads the oldest block that the destination does not have, gives it to the
//! worker and waits for the answer. So memory holds one block for each destination, however much was left and however long a destination is away: a
//! slow one reads the files again later. [`leftovers`] is where the couriers meet: a block is freed when all destinations have it.

mod courier;
mod leftovers;
mod members;
mod pace;
mod shared;

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use spanwire_ground::spawn_quietly;

use crate::client::Client;
use crate::process::events;

use courier::Courier;
use leftovers::Leftovers;
use shared::{Account, Books, Shared};

pub use shared::{Adopted, Options};

/// How far a destination is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Share {
    /// Its name; with a number, if several have that name.
    pub destination: String,
    /// Spans that it was given and has answered for.
    pub spans: u64,
    /// Spans of the folders seen so far that it does not have.
    pub left: u64,
}

/// Delivers what terminated processes left under a folder, on threads of its own.
#[derive(Debug)]
pub struct Recovery {
    shared: Arc<Shared>,
    leftovers: Arc<Leftovers>,
}

impl Recovery {
    /// One that begins when a destination is [added](Self::add).
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            leftovers: Arc::new(Leftovers::new(options.path.clone(), options.service.clone())),
            shared: Arc::new(Shared::new(options)),
        }
    }

    /// From now on it is for this destination, too; false if it is over.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub fn add(&self, client: Arc<Client>) -> io::Result<bool> {
        let Some(member) = self.shared.members.add(client) else {
            return Ok(false);
        };
        self.shared.lock().members.insert(member.label(), Account::default());
        let courier = Courier::new(
            Arc::clone(&self.shared),
            Arc::clone(&self.leftovers),
            Arc::clone(&member),
        );
        // From now on listeners hear of it, also of what happens before the thread runs.
        let source = self.shared.options.again.map(|_| events::source());
        let started = spawn_quietly("spanwire-recover", move || {
            courier.run();
            drop(source);
        });
        if let Err(error) = started {
            self.shared.leave(&member);
            return Err(error);
        }
        Ok(true)
    }

    /// That destination takes no more part: what it has not answered for stays. Whether others do; if not, it is over.
    #[must_use]
    pub fn remove(&self, client: &Arc<Client>) -> bool {
        if let Some(member) = self.shared.members.find(client) {
            self.shared.leave(&member);
        }
        !self.shared.members.is_over()
    }

    /// Ends the delay: all destinations are there.
    pub fn begin(&self) {
        self.shared.begin.set();
    }

    /// Ends it soon: what is not delivered stays.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// So far.
    #[must_use]
    pub fn progress(&self) -> Adopted {
        self.shared.lock().adopted
    }

    /// How far each destination is.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        let members = self.shared.members.all();
        let left = self.leftovers.left(&members);
        let books = self.shared.lock();
        let shares = members.iter().zip(left).map(|(member, left)| Share {
            destination: member.label(),
            spans: books.members.get(&member.label()).map_or(0, |account| account.spans),
            left,
        });
        shares.collect()
    }

    /// What has kept destinations waiting for long, in words; `None`: nothing.
    #[must_use]
    pub fn waits(&self) -> Option<String> {
        let books = self.shared.lock();
        let waits: Vec<_> = books
            .members
            .values()
            .filter_map(|account| account.waits.as_deref())
            .collect();
        (!waits.is_empty()).then(|| waits.join("; "))
    }

    /// Waits until all destinations have looked at everything once; whether they had within the time. The error is the text of one that failed
    /// the last time.
    ///
    /// # Errors
    /// If a look has failed.
    pub fn wait(&self, limit: Duration) -> Result<bool, String> {
        let is_looking = |books: &mut Books| books.members.values().any(|account| account.looked.is_none());
        let books = self.shared.lock();
        let waited = self.shared.looked.wait_timeout_while(books, limit, is_looking);
        let (mut books, _) = waited.unwrap_or_else(PoisonError::into_inner);
        for account in books.members.values() {
            if let Some(Err(text)) = &account.looked {
                return Err(text.clone());
            }
        }
        Ok(!is_looking(&mut books))
    }
}
