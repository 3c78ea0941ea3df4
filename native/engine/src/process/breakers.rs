//! [`Breakers`]: whether a destination is tried, asked of its breakers when somebody wants to know.

use std::collections::BTreeMap;
use std::sync::Arc;

use spanwire_transport::breaker::Health;
use spanwire_transport::{Breaker, Config};

/// The breakers of a client's destination. Each has a lock of its own, which is held for a moment and inside of none.
#[derive(Debug)]
pub struct Watched {
    destination: String,
    whole: Arc<Breaker>,
    endpoints: Vec<(String, Arc<Breaker>)>,
}

/// Whether a destination is tried, and each of its endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakers {
    /// By the worse of its clients, which do not share what they have found out.
    pub whole: Health,
    /// By name.
    pub endpoints: BTreeMap<String, Health>,
}

impl Watched {
    /// Of a destination by this configuration, and of its endpoints where it has several.
    pub fn new(config: &Config, whole: Arc<Breaker>, mut endpoints: Vec<(String, Arc<Breaker>)>) -> Self {
        if endpoints.is_empty() {
            endpoints.push((config.endpoint_name().to_owned(), Arc::clone(&whole)));
        }
        Self {
            destination: config.name().to_owned(),
            whole,
            endpoints,
        }
    }

    /// Looks, and adds what is seen.
    pub fn add_to(&self, all: &mut BTreeMap<String, Breakers>) {
        let seen = all.entry(self.destination.clone()).or_default();
        let mut best = Health::Open;
        for (name, breaker) in &self.endpoints {
            let health = breaker.health();
            best = better(best, health);
            let known = seen.endpoints.entry(name.clone()).or_default();
            *known = worse(*known, health);
        }
        // One endpoint that is well is enough, unless requests wait all the same.
        let whole = worse(best, self.whole.health());
        seen.whole = worse(seen.whole, whole);
    }
}

fn rank(health: Health) -> u8 {
    match health {
        Health::Closed => 0,
        Health::HalfOpen => 1,
        Health::Open => 2,
    }
}

fn worse(one: Health, other: Health) -> Health {
    if rank(other) > rank(one) { other } else { one }
}

fn better(one: Health, other: Health) -> Health {
    if rank(other) < rank(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use spanwire_transport::config::TlsFiles;
    use spanwire_transport::{Compression, Protocol};

    use super::*;
    use crate::testing::paused;

    fn config(endpoint: &str) -> Config {
        let files = TlsFiles::default();
        Config::new(Protocol::HttpProtobuf, endpoint, &[], Compression::None, &files).expect("valid")
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker
                .try_admit()
                .expect("its wait is over")
                .failed(Some(std::time::Duration::ZERO));
        }
    }

    fn seen(watched: &[&Watched]) -> Breakers {
        let mut all = BTreeMap::new();
        for one in watched {
            one.add_to(&mut all);
        }
        all.into_values().next().unwrap_or_default()
    }

    #[test]
    fn one_endpoint_is_the_whole() {
        paused(async {
            let breaker = Arc::new(Breaker::new(1, spanwire_transport::Backoff::default()));
            let watched = Watched::new(&config("http://h:1/a?secret"), Arc::clone(&breaker), Vec::new());
            let other = Watched::new(&config("http://h:1/a"), Arc::default(), Vec::new());
            for state in [Health::Closed, Health::Open, Health::HalfOpen] {
                let expected = Breakers {
                    whole: state,
                    endpoints: BTreeMap::from([("http://h:1/a".to_owned(), state)]),
                };
                assert_eq!(seen(&[&watched]), expected);
                // Of two clients the worse counts.
                assert_eq!(seen(&[&other, &watched]), expected);
                assert_eq!(seen(&[&watched, &other]), expected);
                match state {
                    Health::Closed => fail(&breaker, 1),
                    Health::Open => std::mem::forget(breaker.try_admit().expect("a probe")),
                    Health::HalfOpen => {}
                }
            }
        });
    }

    #[test]
    fn of_several_one_that_is_well_is_enough() {
        paused(async {
            let breakers: Vec<Arc<Breaker>> = (0..2)
                .map(|_| Arc::new(Breaker::new(1, spanwire_transport::Backoff::default())))
                .collect();
            let whole = Arc::<Breaker>::default();
            let endpoints = ["a", "b"].map(str::to_owned).into_iter().zip(breakers.iter().cloned());
            let watched = Watched::new(&config("http://h:1/"), Arc::clone(&whole), endpoints.collect());
            fail(&breakers[0], 1);
            let now = seen(&[&watched]);
            assert_eq!(
                (now.whole, now.endpoints["a"], now.endpoints["b"]),
                (Health::Closed, Health::Open, Health::Closed)
            );
            fail(&breakers[1], 1);
            assert_eq!(seen(&[&watched]).whole, Health::Open);
        });
    }
}
