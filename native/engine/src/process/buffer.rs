//! Request buffers that are used again: a request is encoded into one, sent from it without a copy, and gives it back.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use spanwire_queue::Request;

/// Kept at most; more exist only while more requests are under way.
const MOST_KEPT: usize = 4;
/// A buffer swollen by one large batch is given back to the system.
const MOST_BYTES: usize = 4 << 20;

static POOL: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// The pool, held; across forks, and for a push or a pop.
pub(crate) fn hold() -> MutexGuard<'static, Vec<Vec<u8>>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty buffer from the pool, which returns to it when dropped.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// The buffer used last, or a new one.
    #[must_use]
    pub fn take() -> Self {
        Self(hold().pop().unwrap_or_default())
    }

    /// A request in the buffer used last, or in a new one.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        let mut buffer = Self::take();
        buffer.reserve(request.len());
        request.write(&mut |bytes| buffer.extend_from_slice(bytes));
        buffer
    }

    /// The memory itself, which does not go back to the pool.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    /// Its bytes, shared; the buffer returns to the pool with the last of them.
    #[must_use]
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

/// Memory that goes to the pool.
impl From<Vec<u8>> for Buffer {
    fn from(memory: Vec<u8>) -> Self {
        Self(memory)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        if (1..=MOST_BYTES).contains(&buffer.capacity()) {
            buffer.clear();
            let mut pool = hold();
            if pool.len() < MOST_KEPT {
                pool.push(buffer);
            }
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_empty_when_the_last_bytes_are_gone() {
        let mut buffer = Buffer::take();
        buffer.extend_from_slice(b"spans");
        let address = buffer.as_ptr();
        let bytes = buffer.freeze();
        let again = bytes.clone();
        assert_eq!(again.as_ptr(), address); // not copied
        drop(bytes);
        drop(again);
        assert!(hold().iter().all(Vec::is_empty));
        assert!(hold().iter().any(|kept| kept.as_ptr() == address));
    }
}
