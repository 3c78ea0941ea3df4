//! The descriptors that a forked child must close, and the lock that makes the list true at every fork.
//!
//! A child that kept a copy of a socket would keep the connection open after the parent has closed it. Invariant: while
//! [`Held`] is held, the list names exactly the sockets and epoll descriptors of this crate's users that are open; opening
//! and closing happen under the lock, so a fork that takes it first sees no half-done state.

use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

static OPEN: Mutex<Open> = Mutex::new(Open {
    first: Vec::new(),
    sockets: Vec::new(),
});

struct Open {
    first: Vec<RawFd>,
    sockets: Vec<RawFd>,
}

/// The lock, held.
pub struct Held(MutexGuard<'static, Open>);

/// Takes the lock; nobody holds it for longer than a few system calls.
#[must_use]
pub fn hold() -> Held {
    Held(OPEN.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Held {
    /// Lists an open socket.
    pub fn add(&mut self, socket: RawFd) {
        self.0.sockets.push(socket);
    }

    /// Lists what a child closes before the sockets.
    pub fn add_first(&mut self, descriptor: RawFd) {
        self.0.first.push(descriptor);
    }

    /// Takes what [`add_first`](Self::add_first) listed off the list. The caller closes it afterwards; a fork in between
    /// leaves the child a descriptor too many, which is better than one that the child closes under somebody else.
    pub fn remove_first(&mut self, descriptors: &[RawFd]) {
        self.0.first.retain(|listed| !descriptors.contains(listed));
    }

    /// Takes a socket off the list; the caller closes it before it lets go of the lock.
    pub fn remove(&mut self, socket: RawFd) {
        if let Some(at) = self.0.sockets.iter().position(|&listed| listed == socket) {
            self.0.sockets.swap_remove(at);
        }
    }

    /// Empties the list through `close`, epoll first. Allocates and frees nothing, so it may run in a forked child.
    pub fn drain(&mut self, mut close: impl FnMut(RawFd)) {
        let Open { first, sockets } = &mut *self.0;
        first.drain(..).chain(sockets.drain(..)).for_each(&mut close);
    }
}
