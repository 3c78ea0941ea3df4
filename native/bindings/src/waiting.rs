//! Waiting without the GIL, in slices between which Python's signal handlers run: one that ends the process must not wait for a backend that is
//! gone.

use std::time::{Duration, Instant};

use pyo3::prelude::*;
use spanwire_engine::client::Submitted;
use spanwire_engine::{Answer, Ticket};

/// How long a waiting thread leaves Python's signal handlers unattended.
const SLICE: Duration = Duration::from_millis(100);

/// Seconds; `None` when not a number, zero when negative, a year when endless.
pub fn duration(seconds: f64) -> Option<Duration> {
    const YEAR: f64 = 365.0 * 24.0 * 3600.0;
    (!seconds.is_nan()).then(|| Duration::from_secs_f64(seconds.clamp(0.0, YEAR)))
}

/// Waits by `wait`, which waits for the time that it is given and answers whether that is over for which it waits; whether it was within `limit`.
pub fn in_slices(py: Python<'_>, limit: Duration, wait: impl Fn(Duration) -> bool + Sync) -> PyResult<bool> {
    let start = Instant::now();
    loop {
        let left = limit.saturating_sub(start.elapsed());
        if py.detach(|| wait(left.min(SLICE))) {
            return Ok(true);
        }
        py.check_signals()?;
        if left.is_zero() {
            return Ok(false);
        }
    }
}

/// Submits a request and waits for its answer. What a signal handler raises goes up; the request goes on and is counted.
pub fn deliver(py: Python<'_>, submit: impl FnOnce() -> Submitted + Send) -> PyResult<Answer> {
    let mut submitted = py.detach(|| wait(submit()));
    loop {
        match submitted {
            Submitted::Answered(answer) => return Ok(answer),
            Submitted::UnderWay(_) => {
                py.check_signals()?;
                submitted = py.detach(|| wait(submitted));
            }
        }
    }
}

/// Waits for the answer of a request that was submitted, as [`deliver`].
pub fn settle(py: Python<'_>, ticket: Ticket) -> PyResult<Answer> {
    deliver(py, || Submitted::UnderWay(ticket))
}

/// Waits for a slice.
fn wait(submitted: Submitted) -> Submitted {
    let Submitted::UnderWay(ticket) = submitted else {
        return submitted;
    };
    match ticket.wait(SLICE) {
        Some(answer) => Submitted::Answered(answer),
        None => Submitted::UnderWay(ticket),
    }
}
