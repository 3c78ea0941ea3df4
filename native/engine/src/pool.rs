//! CPU work of requests on threads beside the worker's, which goes on reading and writing meanwhile.
//!
//! The threads are started by the first work, at most [`THREADS`], and end when they have had none for [`IDLE`]: an idle process has none. The
//! pool is the worker thread's own, so a forked child's worker begins with an empty one. Where the system has no thread left, the work is
//! done at once.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use spanwire_ground::spawn_quietly;
use tokio::sync::oneshot;

/// Threads at most, where there are as many processors.
const THREADS: usize = 2;
/// A thread without work ends after this time.
const IDLE: Duration = Duration::from_secs(1);
/// Work on fewer bytes is done at once: to compress them takes less than some tens of microseconds more than to hand them over.
const LEAST_BYTES: usize = 32 << 10;

type Work = Box<dyn FnOnce() + Send>;

thread_local! {
    static POOL: Arc<Pool> = Arc::default();
}

/// Whether [`run`] does work on so many bytes at once.
pub fn is_at_once(bytes: usize) -> bool {
    #[cfg(test)]
    if simulated::longest().is_some() {
        return bytes == 0;
    }
    bytes < LEAST_BYTES
}

/// The answer of `work` on so many bytes, which a thread of the pool does if they are many.
///
/// # Panics
/// If the work does.
pub async fn run<R: Send + 'static>(bytes: usize, work: impl FnOnce() -> R + Send + 'static) -> R {
    if is_at_once(bytes) {
        return work();
    }
    #[cfg(test)]
    if let Some(longest) = simulated::longest() {
        tokio::time::sleep(longest.mul_f64(fastrand::f64())).await;
        return work();
    }
    let (sender, answer) = oneshot::channel();
    let work = Box::new(move || {
        // Whoever waits may be gone.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    });
    POOL.with(Arc::clone).add(work);
    match answer.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => unreachable!("all work is done"),
    }
}

#[derive(Default)]
struct Pool {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    threads: usize,
    /// Of the threads, those that wait for work.
    idle: usize,
}

/// Threads at most on this machine, or in this container.
fn most() -> usize {
    static MOST: OnceLock<usize> = OnceLock::new();
    *MOST.get_or_init(|| available_parallelism().map_or(1, |processors| processors.get().min(THREADS)))
}

impl Pool {
    fn add(self: Arc<Self>, work: Work) {
        let mut state = self.lock();
        state.waiting.push_back(work);
        if state.idle >= state.waiting.len() || state.threads == most() {
            drop(state);
            self.wake.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        let pool = Arc::clone(&self);
        if spawn_quietly("spanwire-pack", move || pool.serve()).is_ok() {
            return;
        }
        let mut state = self.lock();
        state.threads -= 1;
        let waiting = if state.threads == 0 {
            std::mem::take(&mut state.waiting)
        } else {
            VecDeque::new() // for the other thread
        };
        drop(state);
        for work in waiting {
            work();
        }
    }

    /// Works until there is nothing to do for some time.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.waiting.pop_front() {
                drop(state);
                // What the work answers is dropped inside, where nobody waits any more.
                let _ = catch_unwind(AssertUnwindSafe(work));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let waited = self
                .wake
                .wait_timeout_while(state, IDLE, |state| state.waiting.is_empty());
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
            if state.waiting.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work that takes virtual time, of any number of bytes: threads would be outside of it.
#[cfg(test)]
pub mod simulated {
    use std::cell::Cell;
    use std::time::Duration;

    thread_local! {
        static LONGEST: Cell<Option<Duration>> = const { Cell::new(None) };
    }

    /// From now on, on this thread, work takes up to so long; none: as usual.
    pub fn set(longest: Option<Duration>) {
        LONGEST.set(longest);
    }

    pub fn longest() -> Option<Duration> {
        LONGEST.get()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// On a thread of its own, which has a pool of its own.
    fn as_worker<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
        thread::spawn(body).join().expect("no panic")
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(future)
    }

    fn threads() -> usize {
        POOL.with(|pool| pool.lock().threads)
    }

    #[test]
    fn the_worker_goes_on_while_work_on_many_bytes_is_done() {
        as_worker(|| {
            let (sender, wait) = mpsc::channel();
            let work = run(LEAST_BYTES, move || wait.recv_timeout(Duration::from_secs(60)));
            let answer = block_on(async {
                let work = tokio::spawn(work);
                sender.send("from the worker").expect("it is waited for");
                work.await.expect("no panic")
            });
            assert_eq!(answer, Ok("from the worker"));
        });
    }

    #[test]
    fn work_on_few_bytes_starts_no_thread() {
        as_worker(|| {
            let here = thread::current().id();
            assert_eq!(block_on(run(LEAST_BYTES - 1, || thread::current().id())), here);
            assert_eq!(threads(), 0);
        });
    }

    #[test]
    fn threads_are_few_and_end_when_there_is_no_work() {
        as_worker(|| {
            let all: u64 = block_on(async {
                let works: Vec<_> = (0..50_u64)
                    .map(|number| tokio::spawn(run(LEAST_BYTES, move || number)))
                    .collect();
                let mut sum = 0;
                for work in works {
                    sum += work.await.expect("no panic");
                }
                sum
            });
            assert_eq!(all, (0..50).sum::<u64>());
            assert!((1..=THREADS).contains(&threads()));
            let patience = std::time::Instant::now() + Duration::from_secs(60);
            while threads() > 0 {
                assert!(std::time::Instant::now() < patience, "a thread without work stays");
                thread::sleep(Duration::from_millis(20));
            }
            assert_eq!(block_on(run(LEAST_BYTES, || 7)), 7);
        });
    }

    #[test]
    fn a_panic_reaches_who_waits_and_the_thread_goes_on() {
        as_worker(|| {
            let failing = || block_on(run(LEAST_BYTES, || panic!("on purpose")));
            assert!(catch_unwind(AssertUnwindSafe(failing)).is_err());
            assert_eq!(block_on(run(LEAST_BYTES, || 7)), 7);
        });
    }
}
