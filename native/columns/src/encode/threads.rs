//! Work split among threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::EncodeError;

/// Stretches a thread: one that is late, since another program has its core, leaves some to the others.
const STRETCHES: usize = 4;

/// Gives the items, in stretches, to `threads` threads, this one among them; the error of the first stretch that has one. Threads that
/// cannot be had cost time, nothing else.
pub(crate) fn each<T: Send>(
    mut items: Vec<T>,
    threads: usize,
    work: impl Fn(Vec<T>) -> Result<(), EncodeError> + Sync,
) -> Result<(), EncodeError> {
    if threads <= 1 {
        return work(items);
    }
    let stretch = items.len().div_ceil(threads * STRETCHES).max(1);
    let mut stretches = Vec::new();
    while !items.is_empty() {
        let rest = items.split_off(stretch.min(items.len()));
        stretches.push(Mutex::new(Some(std::mem::replace(&mut items, rest))));
    }
    let (next, errors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let run = || {
        while let Some(stretch) = stretches.get(next.fetch_add(1, Ordering::Relaxed)) {
            let items = stretch.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(Err(error)) = items.map(&work) {
                let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
                errors.push((std::ptr::from_ref(stretch) as usize, error));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            drop(std::thread::Builder::new().spawn_scoped(scope, run));
        }
        run();
    });
    let errors = errors.into_inner().unwrap_or_else(PoisonError::into_inner);
    // By place in memory, which is the order of stretches.
    match errors.into_iter().min_by_key(|(place, _)| *place) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}
