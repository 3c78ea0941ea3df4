//! The folders of this process: their locks must not be opened, since a lock is gone when any descriptor of its file is closed. Whoever
//! opens a lock has the folder here first. And the directories of this process.
//!
//! A list that only grows, whose places are used again, without a lock that a fork could find taken.

use std::any::Any;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::fs::OFlags;

use crate::ffi::Front;

#[derive(Debug)]
struct Node {
    /// Of which process: children do not own it, and take no place of it, whose lock may be held.
    generation: u64,
    is_held: AtomicBool,
    /// Which folder, however it is spelled; zeros: none.
    device: AtomicU64,
    inode: AtomicU64,
    directory: Mutex<Option<Weak<dyn Any + Send + Sync>>>,
    next: Option<&'static Node>,
}

/// A directory, of a type that stands above this list.
pub type Listed = Arc<dyn Any + Send + Sync>;

/// As long as this is there the folder is ours, or the directory is listed.
#[derive(Debug)]
pub struct Own {
    node: &'static Node,
    /// As long as it is open no other folder gets its inode, should it be deleted.
    _folder: Option<File>,
}

static FIRST: Front<Node> = Front::new();

/// The generation that changes the list, and one more; 0: none. One that is another's is that of a thread which is not there.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// The right to change the list.
struct Turn;

impl Turn {
    fn take() -> Self {
        let mine = spanwire_ground::generation() + 1;
        loop {
            let seen = CHANGES.load(Ordering::Relaxed);
            if seen != mine
                && CHANGES
                    .compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return Self;
            }
            std::thread::yield_now(); // a few steps in memory
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        CHANGES.store(0, Ordering::Release);
    }
}

/// Has a folder, unless somebody in this process has it.
///
/// # Errors
/// If it is no folder, or cannot be opened.
pub fn claim(path: &Path) -> io::Result<Option<Own>> {
    #[allow(clippy::cast_possible_wrap)]
    let flags = (OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW).bits() as i32;
    let folder = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = folder.metadata()?;
    let turn = Turn::take();
    if contains(&found) {
        return Ok(None);
    }
    Ok(Some(Own {
        node: add(&turn, found.dev(), found.ino()),
        _folder: Some(folder),
    }))
}

/// A place for a directory, which may have no folder.
pub fn list() -> Own {
    // Where that fails (no memory) a queue's registration fails as well, and says so.
    let _ = spanwire_ground::watch();
    Own {
        node: add(&Turn::take(), 0, 0),
        _folder: None,
    }
}

fn add(_turn: &Turn, device: u64, inode: u64) -> &'static Node {
    let generation = spanwire_ground::generation();
    let unused = nodes().find(|node| node.generation == generation && !node.is_held.load(Ordering::Acquire));
    let node = unused.unwrap_or_else(|| {
        FIRST.set(Box::new(Node {
            generation,
            is_held: AtomicBool::new(false),
            device: AtomicU64::new(0),
            inode: AtomicU64::new(0),
            directory: Mutex::default(),
            next: FIRST.get(),
        }))
    });
    node.device.store(device, Ordering::Relaxed);
    node.inode.store(inode, Ordering::Relaxed);
    node.is_held.store(true, Ordering::Release);
    node
}

impl Own {
    /// Says whose place it is.
    pub fn tell(&self, directory: &Listed) {
        *self.node.directory() = Some(Arc::downgrade(directory));
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if self.node.generation != spanwire_ground::generation() {
            return; // the parent's
        }
        *self.node.directory() = None;
        self.node.is_held.store(false, Ordering::Release);
    }
}

impl Node {
    fn directory(&self) -> MutexGuard<'_, Option<Weak<dyn Any + Send + Sync>>> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is one.
pub fn contains(folder: &Metadata) -> bool {
    held().any(|node| {
        (node.device.load(Ordering::Relaxed), node.inode.load(Ordering::Relaxed)) == (folder.dev(), folder.ino())
    })
}

/// The directories of this process.
pub fn listed() -> Vec<Listed> {
    held().filter_map(|node| node.directory().as_ref()?.upgrade()).collect()
}

fn held() -> impl Iterator<Item = &'static Node> {
    let generation = spanwire_ground::generation();
    nodes().filter(move |node| node.generation == generation && node.is_held.load(Ordering::Acquire))
}

fn nodes() -> impl Iterator<Item = &'static Node> {
    std::iter::successors(FIRST.get(), |node| node.next)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn one_of_many_has_it_and_places_are_used_again() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = std::fs::symlink_metadata(place.path()).expect("there");
        for _ in 0..200 {
            let barrier = Barrier::new(4);
            let claims: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(|| {
                            barrier.wait();
                            claim(place.path()).expect("a folder")
                        })
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("ended"))
                    .collect()
            });
            assert_eq!(claims.iter().flatten().count(), 1);
            assert!(contains(&folder));
            drop(claims);
            assert!(!contains(&folder));
        }
        assert!(nodes().count() < 100); // other tests have some
    }
    #[test]
    fn a_new_folder_is_not_taken_for_one_that_was_deleted() {
        let place = tempfile::tempdir().expect("a folder");
        let (first, next) = (place.path().join("first"), place.path().join("next"));
        std::fs::create_dir(&first).expect("a folder");
        let _deleted = claim(&first).expect("a folder").expect("free");
        std::fs::remove_dir(&first).expect("deleted");
        for round in 0..500 {
            std::fs::create_dir(&next).expect("a folder");
            assert!(claim(&next).expect("a folder").is_some(), "{round}");
            std::fs::remove_dir(&next).expect("deleted");
        }
    }
}
