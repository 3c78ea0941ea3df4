//! [`Adoption`]: what ended processes have left is delivered by a thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use spanwire_engine::adopt::{Adopted, Adopter, Destinations, Listener, Pace, Stop};
use spanwire_engine::events::{self, What};
use spanwire_engine::{BatchLimits, Event};

use crate::control::{HttpClient, duration};
use crate::errors;

/// Delivers what ended processes left under a folder, on a thread of its own.
#[pyclass(frozen, module = "spanwire._native")]
pub struct Adoption {
    destinations: Arc<Destinations>,
    begin: Arc<Stop>,
    stop: Arc<Stop>,
    state: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    adopted: Adopted,
    /// What keeps it waiting, if it has for long.
    waits: Option<String>,
    /// It has looked at everything once, or since: how that ended.
    ended: Option<Result<(), String>>,
}

/// What the thread has.
struct Run {
    adopter: Adopter,
    destinations: Arc<Destinations>,
    /// Ends the delay.
    begin: Arc<Stop>,
    stop: Arc<Stop>,
    state: Arc<Shared>,
    /// The folder by name, if what goes wrong is told as an event.
    tells: Option<String>,
    delay: Duration,
    again: Option<Duration>,
    calm: Duration,
}

#[pymethods]
impl Adoption {
    /// Begins after `delay` seconds: by that client, of one service or of all (`None`), so many spans and bytes a request, so many spans a
    /// second at most (0: no bound), and nothing that is older than `max_age` seconds. Looks `again` after so many seconds, until it is
    /// stopped, and tells by events what goes wrong; 0: once.
    #[new]
    #[pyo3(signature = (client, path, service, spans, bytes, *, spans_per_second, max_age=None, delay=0.0, again=0.0, calm=0.0))]
    #[allow(clippy::too_many_arguments)] // keywords
    fn new(
        client: &HttpClient,
        path: PathBuf,
        service: Option<String>,
        spans: usize,
        bytes: usize,
        spans_per_second: u64,
        max_age: Option<f64>,
        delay: f64,
        again: f64,
        calm: f64,
    ) -> PyResult<Self> {
        let limits = BatchLimits {
            spans,
            bytes,
            delay: Duration::from_millis(100),
            in_flight: 1,
            backlog: 0,
        };
        let (begin, stop) = (Arc::<Stop>::default(), Arc::<Stop>::default());
        let pace = Pace {
            spans_per_second,
            max_age: max_age.and_then(duration),
            stop: Arc::clone(&stop),
        };
        let state = Arc::<Shared>::default();
        let destinations = Arc::<Destinations>::default();
        destinations.add(client.shared());
        let again = duration(again).filter(|again| !again.is_zero());
        let mut run = Run {
            tells: again.map(|_| path.display().to_string()),
            adopter: Adopter::new(Arc::clone(&destinations), path, service, limits, pace),
            destinations: Arc::clone(&destinations),
            begin: Arc::clone(&begin),
            stop: Arc::clone(&stop),
            state: Arc::clone(&state),
            delay: duration(delay).unwrap_or_default(),
            again,
            calm: duration(calm).unwrap_or_default(),
        };
        // Before the thread begins: whoever listens from now on hears all of it.
        let source = again.map(|_| events::source());
        thread::Builder::new()
            .name("spanwire-recover".into())
            .spawn(move || {
                run.run();
                drop(source);
            })
            .map_err(|error| errors::system(&error))?;
        Ok(Self {
            destinations,
            begin,
            stop,
            state,
        })
    }

    /// Ends the delay: whoever was to come is here.
    fn begin(&self) {
        self.begin.set();
    }

    /// What has kept it waiting for long, in words; `None`: nothing.
    fn waits(&self) -> Option<String> {
        self.state.lock().waits.clone()
    }

    /// From the next folder on it goes to this one, too; false if there is no next one, since it is over.
    fn add(&self, client: &HttpClient) -> bool {
        self.destinations.add(client.shared())
    }

    /// That one takes no more part: what it was given and has not answered for stays. Whether others do; if not, it ends soon.
    fn remove(&self, client: &HttpClient) -> bool {
        let others_stay = self.destinations.remove(&client.shared());
        if !others_stay {
            self.stop();
        }
        others_stay
    }

    /// So far: folders, spans, damaged spans, files that cannot be understood.
    fn progress(&self) -> (u64, u64, u64, u64) {
        let Adopted {
            folders,
            spans,
            damaged,
            files,
        } = self.state.lock().adopted;
        (folders, spans, damaged, files)
    }

    /// Ends it soon: what is not delivered stays.
    fn stop(&self) {
        self.destinations.end();
        self.stop.set();
        self.begin.set();
    }

    /// Whether it has looked at everything within so many seconds. Raises `OSError` with its text if it failed.
    fn wait(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        let limit = duration(seconds).unwrap_or_default();
        let ended = py.detach(|| {
            let state = self.state.lock();
            let waited = self
                .state
                .ended
                .wait_timeout_while(state, limit, |state| state.ended.is_none());
            waited.unwrap_or_else(PoisonError::into_inner).0.ended.clone()
        });
        match ended {
            None => Ok(false),
            Some(Ok(())) => Ok(true),
            Some(Err(text)) => Err(PyOSError::new_err(text)),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// Looks once, or again and again until it is stopped. What holds no spans goes at once: who starts again and again leaves many of it.
    fn run(&mut self) {
        if self.again.is_some() {
            let _ = catch_unwind(AssertUnwindSafe(|| self.adopter.tidy()));
        }
        let _ = self.begin.wait(self.delay);
        let mut delay = Duration::ZERO;
        while !self.stop.wait(delay) || self.again.is_none() {
            delay = self.destinations.unrest(self.calm);
            if !delay.is_zero() {
                continue;
            }
            let ended = self.look();
            if let Err(text) = &ended {
                tell(self.tells.as_deref(), text.clone());
            }
            self.state.lock().ended = Some(ended);
            self.state.ended.notify_all();
            let Some(again) = self.again else { break };
            delay = again;
        }
        self.destinations.end();
    }

    fn look(&mut self) -> Result<(), String> {
        let mut told = Told {
            state: &self.state,
            tells: self.tells.as_deref(),
        };
        let adopter = &mut self.adopter;
        let looked = catch_unwind(AssertUnwindSafe(|| adopter.look(&mut told)));
        let failed = |_| io::Error::other("sending it failed inside of spanwire; please report this");
        looked.map_err(failed).flatten().map_err(|error| error.to_string())
    }
}

/// Who hears how a look goes.
struct Told<'r> {
    state: &'r Shared,
    tells: Option<&'r str>,
}

impl Listener for Told<'_> {
    fn progress(&mut self, adopted: Adopted) {
        self.state.lock().adopted = adopted;
    }

    fn stays(&mut self, path: &Path, why: &str) {
        tell(self.tells, format!("{}: {why}", path.display()));
    }

    fn waits(&mut self, destination: Option<&str>) {
        let waits =
            destination.map(|name| format!("{name} does not take it; the other destinations wait for that one"));
        if let Some(text) = &waits {
            tell(self.tells, text.clone());
        }
        self.state.lock().waits = waits;
    }
}

/// Has people told what is not sent, by whoever listens.
fn tell(folder: Option<&str>, message: String) {
    if let Some(folder) = folder {
        // A source is there as long as this thread: who listens goes on.
        let _ = events::push(Event {
            destination: folder.to_owned(),
            what: What::Unrecovered,
            spans: 0,
            message,
        });
    }
}
