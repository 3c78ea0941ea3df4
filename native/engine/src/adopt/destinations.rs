//! [`Destinations`]: whom what was left goes to, and what those are owed that have left.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::client::Client;

/// Whom what is found goes to: each gets all of it. Those that come while a folder is delivered get the next one.
#[derive(Debug, Default)]
pub struct Destinations {
    state: Mutex<State>,
    /// How often one has left.
    departures: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    members: Vec<Arc<Client>>,
    owed: Vec<Owed>,
    left_at: Option<Instant>,
    /// All have left: whoever comes has to begin anew.
    is_over: bool,
}

/// A block that a destination was given and has not answered for when it left: it stays for the next start.
#[derive(Debug)]
struct Owed {
    folder: PathBuf,
    number: u64,
    /// The destination's name.
    to: String,
}

impl Destinations {
    /// Adds one; false if it is over. What one of the same name was owed it gets now.
    pub fn add(&self, client: Arc<Client>) -> bool {
        let name = client.name();
        let mut state = self.lock();
        if !state.is_over {
            state.owed.retain(|owed| owed.to != name);
            state.members.push(client);
        }
        !state.is_over
    }

    /// One leaves; whether others stay. If not, it is over.
    pub fn remove(&self, client: &Arc<Client>) -> bool {
        let mut state = self.lock();
        if let Some(at) = state.members.iter().position(|member| Arc::ptr_eq(member, client)) {
            state.members.remove(at);
            state.left_at = Some(Instant::now());
            self.departures.fetch_add(1, Ordering::Release);
        }
        state.is_over |= state.members.is_empty();
        !state.is_over
    }

    /// Nobody can come any more.
    pub fn end(&self) {
        self.lock().is_over = true;
    }

    /// How often one has left.
    #[must_use]
    pub fn departures(&self) -> u64 {
        self.departures.load(Ordering::Acquire)
    }

    /// What is missing until nobody has left for so long: while a program ends, its destinations leave one after the other.
    #[must_use]
    pub fn unrest(&self, calm: Duration) -> Duration {
        let left_at = self.lock().left_at;
        left_at.map_or(Duration::ZERO, |at| calm.saturating_sub(at.elapsed()))
    }

    pub(super) fn all(&self) -> Vec<Arc<Client>> {
        self.lock().members.clone()
    }

    pub(super) fn has(&self, client: &Arc<Client>) -> bool {
        self.lock().members.iter().any(|member| Arc::ptr_eq(member, client))
    }

    pub(super) fn owe(&self, folder: &Path, number: u64, client: &Client) {
        let owed = Owed {
            folder: folder.to_owned(),
            number,
            to: client.name(),
        };
        self.lock().owed.push(owed);
    }

    pub(super) fn owes(&self, folder: &Path, number: u64) -> bool {
        let state = self.lock();
        state
            .owed
            .iter()
            .any(|owed| owed.number == number && owed.folder == folder)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::client;

    fn made(endpoint: &str) -> Arc<Client> {
        Arc::new(client(endpoint))
    }

    #[test]
    fn it_goes_on_until_all_have_left_and_then_nobody_can_come() {
        let (one, other) = (made("http://127.0.0.1:9/one"), made("http://127.0.0.1:9/other"));
        let destinations = Destinations::default();
        assert!(destinations.add(Arc::clone(&one)) && destinations.add(Arc::clone(&other)));
        assert_eq!(destinations.unrest(Duration::from_secs(60)), Duration::ZERO);
        assert!(destinations.remove(&one));
        assert!(destinations.remove(&one)); // again
        assert!(destinations.has(&other) && !destinations.has(&one));
        assert_eq!(destinations.departures(), 1);
        assert!(destinations.unrest(Duration::from_secs(60)) > Duration::from_secs(30));
        assert!(!destinations.remove(&other));
        assert!(!destinations.add(one));
    }

    #[test]
    fn a_block_is_owed_until_one_of_the_same_name_comes() {
        let (one, other) = (made("http://127.0.0.1:9/one"), made("http://127.0.0.1:9/other"));
        let destinations = Destinations::default();
        let (here, there) = (Path::new("here"), Path::new("there"));
        destinations.owe(here, 1, &one);
        destinations.owe(here, 2, &one);
        destinations.owe(here, 2, &other);
        assert!(destinations.owes(here, 1) && destinations.owes(here, 2));
        assert!(!destinations.owes(here, 3) && !destinations.owes(there, 1));
        assert!(destinations.add(made("http://127.0.0.1:9/one")));
        assert!(!destinations.owes(here, 1) && destinations.owes(here, 2));
    }
}
