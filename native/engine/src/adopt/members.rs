//! [`Members`]: the destinations of a recovery.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pace::Stop;
use crate::client::Client;

/// Identifies a destination: among those of a process, and in its next start.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name {
    /// The client's.
    pub destination: String,
    /// Several may have that name: the number of this one, from 1 on.
    pub number: usize,
}

impl Display for Name {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.number {
            1 => out.write_str(&self.destination),
            number => write!(out, "{} #{number}", self.destination),
        }
    }
}

/// A destination that takes part.
#[derive(Debug)]
pub struct Member {
    pub name: Name,
    pub client: Arc<Client>,
    /// Set when it leaves, or all is to end.
    pub stop: Stop,
}

impl Member {
    /// Its name in reports.
    pub fn label(&self) -> String {
        self.name.to_string()
    }
}

/// Those who take part, who each get everything.
#[derive(Debug, Default)]
pub struct Members {
    state: Mutex<State>,
    /// How often one has left.
    departures: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    members: Vec<Arc<Member>>,
    left_at: Option<Instant>,
    /// All have left, or it was stopped: a new recovery is needed.
    is_over: bool,
}

impl Members {
    /// Adds one; none if it is over.
    pub fn add(&self, client: Arc<Client>) -> Option<Arc<Member>> {
        let destination = client.name();
        let mut state = self.lock();
        if state.is_over {
            return None;
        }
        let same = state
            .members
            .iter()
            .filter(|other| other.name.destination == destination);
        let taken: BTreeSet<_> = same.map(|other| other.name.number).collect();
        let number = (1..=taken.len() + 1).find(|number| !taken.contains(number))?;
        let member = Arc::new(Member {
            name: Name { destination, number },
            client,
            stop: Stop::default(),
        });
        state.members.push(Arc::clone(&member));
        Some(member)
    }

    /// One leaves; whether others stay. If not, it is over.
    pub fn remove(&self, member: &Member) -> bool {
        let mut state = self.lock();
        let before = state.members.len();
        state.members.retain(|other| !std::ptr::eq(Arc::as_ptr(other), member));
        if state.members.len() < before {
            state.left_at = Some(Instant::now());
            self.departures.fetch_add(1, Ordering::Release);
        }
        member.stop.set();
        state.is_over |= state.members.is_empty();
        !state.is_over
    }

    /// Nobody can come any more, and all are to stop.
    pub fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        for member in &state.members {
            member.stop.set();
        }
    }

    /// Whether nobody can come any more.
    pub fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// How often one has left.
    pub fn departures(&self) -> u64 {
        self.departures.load(Ordering::Acquire)
    }

    /// The time that is missing until nobody has left for so long.
    pub fn unrest(&self, calm: Duration) -> Duration {
        let left_at = self.lock().left_at;
        left_at.map_or(Duration::ZERO, |at| calm.saturating_sub(at.elapsed()))
    }

    /// In the order in which they came.
    pub fn all(&self) -> Vec<Arc<Member>> {
        self.lock().members.clone()
    }

    pub fn find(&self, client: &Arc<Client>) -> Option<Arc<Member>> {
        let state = self.lock();
        let found = state.members.iter().find(|member| Arc::ptr_eq(&member.client, client));
        found.cloned()
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
        let members = Members::default();
        let one = members.add(made("http://127.0.0.1:9/one")).expect("it is not over");
        let other = members.add(made("http://127.0.0.1:9/other")).expect("it is not over");
        assert_eq!(members.unrest(Duration::from_secs(60)), Duration::ZERO);
        assert!(members.remove(&one));
        assert!(members.remove(&one)); // again
        assert!(one.stop.is_set() && !other.stop.is_set());
        assert!(members.find(&other.client).is_some() && members.find(&one.client).is_none());
        assert_eq!(members.departures(), 1);
        assert!(members.unrest(Duration::from_secs(60)) > Duration::from_secs(30));
        assert!(!members.remove(&other));
        assert!(members.add(Arc::clone(&one.client)).is_none());
    }

    #[test]
    fn several_of_one_name_are_told_apart_and_who_comes_back_has_the_same_name() {
        let members = Members::default();
        let add = || members.add(made("http://127.0.0.1:9/one")).expect("it is not over");
        let (first, second) = (add(), add());
        assert_eq!(first.label(), "http://127.0.0.1:9/one");
        assert_eq!(second.label(), "http://127.0.0.1:9/one #2");
        assert!(members.remove(&first));
        assert_eq!(add().name, first.name);
        assert_eq!(add().name.number, 3);
    }
}
