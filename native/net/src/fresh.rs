//! [`FreshHeaders`]: headers that change while a client is in use, such as tokens that expire.
//!
//! Each request reads them, so new ones need neither new connections nor another configuration. Whoever fetches them waits here until a
//! server has refused the last; requests wait here until there are newer ones.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, TE};
use tokio::time::{Instant, sleep};

use crate::error::ConfigError;
use crate::headers::{header_map, longest_first};
use crate::trouble::Lasting;

/// Held whenever one of these is looked at, and at every fork: so a child finds none of them locked or half written.
static GATE: Mutex<()> = Mutex::new(());

/// Signalled when somebody who fetches headers has something to do.
static WANTED: Condvar = Condvar::new();

/// How often a request that waits looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Headers beside those of a configuration, over which they take precedence.
#[derive(Debug, Default)]
pub struct FreshHeaders {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    headers: Arc<HeaderMap>,
    /// Of these and of the ones before, which a server may still speak of.
    secrets: Vec<String>,
    secrets_before: Vec<String>,
    /// How often there were new ones; 0: there are none yet.
    generation: u64,
    /// A server has refused them.
    is_refused: bool,
    /// Nobody fetches them any more.
    is_ended: bool,
    /// Since when they are being fetched, and how long that may take.
    call: Option<(Instant, Duration)>,
    hangs: Lasting,
}

/// Keeps all of them whole while it is held.
pub struct Held {
    _gate: MutexGuard<'static, ()>,
}

/// Takes the lock; nobody holds it for longer than it takes to copy a few headers.
#[must_use]
pub fn hold() -> Held {
    Held { _gate: gate() }
}

fn gate() -> MutexGuard<'static, ()> {
    GATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FreshHeaders {
    /// They are being fetched, which should take so long at most.
    pub fn call_begins(&self, limit: Duration) {
        let _gate = gate();
        self.state().call = Some((Instant::now(), limit));
    }

    /// Whoever fetched them has come back, with some or without.
    pub fn call_ends(&self) {
        let _gate = gate();
        let mut state = self.state();
        state.call = None;
        state.hangs.clear();
    }

    /// What people must hear of whoever fetches them.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let _gate = gate();
        let mut state = self.state();
        let (_, limit) = state.call.filter(|(since, limit)| since.elapsed() >= *limit)?;
        let effect = if state.generation == 0 || state.is_refused {
            "spans wait for the headers"
        } else {
            "the headers stay as they were"
        };
        state.hangs.note(format!(
            "headers_provider= was called and has not returned for {} s; {effect}. Give what it waits for a time limit",
            limit.as_secs_f64()
        ));
        state.hangs.take()
    }

    /// From the next request on these are sent. The error is the caller's own that ours becomes.
    pub fn set<E: From<ConfigError>>(&self, headers: &[(String, Vec<u8>)]) -> Result<(), E> {
        self.replace(headers).map_err(E::from)
    }

    fn replace(&self, headers: &[(String, Vec<u8>)]) -> Result<(), ConfigError> {
        let (map, mut secrets) = header_map(headers)?;
        let is_fixed = |name: &str| {
            name.starts_with("grpc-")
                || [HOST, CONTENT_ENCODING, CONTENT_TYPE, TE]
                    .iter()
                    .any(|fixed| fixed == name)
        };
        if let Some(name) = map.keys().find(|name| is_fixed(name.as_str())) {
            return Err(ConfigError::Header {
                name: name.to_string(),
                why: "it does not change: give it in headers=, or leave it out",
            });
        }
        longest_first(&mut secrets);
        let gate = gate();
        let mut state = self.state();
        state.headers = Arc::new(map);
        if secrets != state.secrets {
            state.secrets_before = std::mem::replace(&mut state.secrets, secrets);
        }
        state.generation += 1;
        state.is_refused = false;
        drop(state);
        drop(gate);
        Ok(())
    }

    /// Puts them among those of a request.
    pub fn add_to(&self, headers: &mut HeaderMap<HeaderValue>) {
        let gate = gate();
        let fresh = Arc::clone(&self.state().headers);
        drop(gate);
        for (name, value) in fresh.iter() {
            headers.insert(name, value.clone());
        }
    }

    /// The secrets among their values, also of the last ones.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let _gate = gate();
        let state = self.state();
        state.secrets.iter().chain(&state.secrets_before).cloned().collect()
    }

    /// Waits until there are newer ones than those, by then; which.
    pub async fn newer(&self, than: u64, by: Instant) -> Option<u64> {
        loop {
            let generation = self.generation();
            if generation > than {
                return Some(generation);
            }
            if Instant::now() >= by {
                return None;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// A server has refused those.
    pub fn refused(&self, generation: u64) {
        let gate = gate();
        let mut state = self.state();
        if state.generation == generation {
            state.is_refused = true;
            WANTED.notify_all();
        }
        drop(state);
        drop(gate);
    }

    /// Waits until the last ones were refused, for which it takes so much time at least, or nobody needs any; whether that is so within
    /// the limit.
    #[must_use]
    pub fn wait_wanted(&self, least: Duration, limit: Duration) -> bool {
        let now = std::time::Instant::now();
        let (from, until) = (now + least.min(limit), now + limit);
        let mut gate = gate();
        loop {
            let state = self.state();
            let (is_refused, is_ended) = (state.is_refused, state.is_ended);
            drop(state);
            let end = if is_refused { from } else { until };
            let left = end.saturating_duration_since(std::time::Instant::now());
            if is_ended || left.is_zero() {
                return is_ended || is_refused;
            }
            gate = WANTED
                .wait_timeout(gate, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Ends all waiting in [`wait_wanted`](Self::wait_wanted), now and later.
    pub fn end(&self) {
        let gate = gate();
        self.state().is_ended = true;
        WANTED.notify_all();
        drop(gate);
    }

    fn generation(&self) -> u64 {
        let _gate = gate();
        self.state().generation
    }

    /// Only behind the gate, so nobody waits for it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(headers: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        let pair = |&(name, value): &(&str, &str)| (name.to_owned(), value.as_bytes().to_vec());
        headers.iter().map(pair).collect()
    }

    #[test]
    fn the_last_ones_are_sent_and_the_ones_before_stay_secret() {
        let fresh = FreshHeaders::default();
        let mut sent = HeaderMap::new();
        sent.insert("authorization", HeaderValue::from_static("old"));
        fresh.add_to(&mut sent);
        assert_eq!(sent["authorization"], "old");
        fresh.replace(&pairs(&[("Authorization", "hunter1")])).expect("valid");
        fresh.replace(&pairs(&[("Authorization", "hunter2")])).expect("valid");
        fresh.replace(&pairs(&[("Authorization", "hunter2")])).expect("valid");
        fresh.add_to(&mut sent);
        assert_eq!(sent["authorization"], "hunter2");
        assert_eq!(fresh.secrets(), ["hunter2", "hunter1"]);
    }

    #[test]
    fn what_cannot_be_sent_or_cannot_change_leaves_the_old_ones() {
        let fresh = FreshHeaders::default();
        fresh.replace(&pairs(&[("x-key", "good")])).expect("valid");
        for bad in [
            ("x-key", "hunter2\n"),
            ("host", "hunter2"),
            ("content-length", "hunter2"),
            ("Grpc-Timeout", "hunter2"),
        ] {
            let error = fresh.replace(&pairs(&[bad])).expect_err("bad").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let mut sent = HeaderMap::new();
        fresh.add_to(&mut sent);
        assert_eq!((sent.len(), &sent["x-key"]), (1, &HeaderValue::from_static("good")));
    }

    #[test]
    fn a_call_that_does_not_return_is_told_with_what_it_means() {
        let fresh = FreshHeaders::default();
        fresh.call_begins(Duration::from_secs(9));
        assert_eq!(fresh.trouble(), None);
        let told = |words: &str| {
            fresh.call_begins(Duration::ZERO);
            let told = fresh.trouble();
            assert!(told.as_deref().is_some_and(|told| told.contains(words)), "{told:?}");
            assert_eq!(fresh.trouble(), None); // within the minute
        };
        told("spans wait for the headers");
        fresh.replace(&[]).expect("valid");
        told("the headers stay as they were");
        fresh.refused(1);
        told("spans wait for the headers");
        fresh.call_ends();
        assert_eq!(fresh.trouble(), None);
    }

    #[test]
    fn only_a_refusal_of_the_last_ones_asks_for_others() {
        let fresh = FreshHeaders::default();
        fresh.replace(&[]).expect("valid");
        fresh.replace(&[]).expect("valid");
        fresh.refused(1);
        assert!(!fresh.wait_wanted(Duration::ZERO, Duration::ZERO));
        fresh.refused(2);
        assert!(fresh.wait_wanted(Duration::ZERO, Duration::from_secs(9)));
        fresh.replace(&[]).expect("valid");
        assert!(!fresh.wait_wanted(Duration::ZERO, Duration::ZERO));
        fresh.end();
        assert!(fresh.wait_wanted(Duration::from_secs(9), Duration::from_secs(9)));
    }
}
