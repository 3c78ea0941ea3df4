//! [`Kept`]: a Python object that goes with frames, and may be dropped where no Python code can run: by a thread without the
//! GIL, or while a queue is in use.
//!
//! So dropping it only puts the reference on a list, which is emptied by the next call that may run Python code. No lock: a
//! forked child could find it taken.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::prelude::*;
use spanwire_queue::Attached;

/// References that were dropped, the last one first.
static DROPPED: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

struct Node {
    object: Py<PyAny>,
    next: *mut Node,
}

/// A Python object in the queue: attached to a group, for readers of its frames; or a finished span, queued as an object.
pub struct Kept {
    object: ManuallyDrop<Py<PyAny>>,
}

impl Kept {
    /// For a queue.
    pub fn attached(object: Py<PyAny>) -> Attached {
        Attached(Some(Arc::new(Self {
            object: ManuallyDrop::new(object),
        })))
    }

    /// The reference itself.
    pub fn reference(&self) -> &Py<PyAny> {
        &self.object
    }

    /// A reference of the caller's own.
    pub fn object<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.object.bind(py).clone()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: dropped once, and nobody looks at it afterwards.
        let object = unsafe { ManuallyDrop::take(&mut self.object) };
        let node = Box::into_raw(Box::new(Node {
            object,
            next: ptr::null_mut(),
        }));
        let mut first = DROPPED.load(Ordering::Relaxed);
        loop {
            // SAFETY: the node is nobody else's before it is on the list.
            unsafe { (*node).next = first };
            match DROPPED.compare_exchange_weak(first, node, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }
}

/// Releases what was dropped so far. Runs Python code.
pub fn release(_py: Python<'_>) {
    if DROPPED.load(Ordering::Relaxed).is_null() {
        return;
    }
    // Whatever that code drops goes to a new list.
    let mut next = DROPPED.swap(ptr::null_mut(), Ordering::Acquire);
    while !next.is_null() {
        // SAFETY: the whole list was taken off, so each of its nodes, which came out of boxes, is this thread's.
        let node = unsafe { Box::from_raw(next) };
        next = node.next;
        drop(node.object);
    }
}

/// Does so when it is dropped, if Python code may run then: the last field of a Python class.
pub struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        Python::try_attach(release);
    }
}
