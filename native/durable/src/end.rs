//! How a directory ends: what is not delivered stays, and a folder without spans does not.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::directory::Directory;

/// The thread is let finish the file that it is at.
const PATIENCE: Duration = Duration::from_secs(2);

impl Directory {
    /// No more spans come: removes files without any that are not delivered, and the folder, if there is nothing else in it.
    pub fn end(&self) {
        if !self.is_here() {
            return; // the parent's
        }
        let until = Instant::now() + PATIENCE;
        if let Err(error) = self.write_out() {
            self.lock().note(&error);
        }
        let mut state = self.lock();
        state.has_ended = true;
        while state.is_making && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let waited = self.made_one.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(upkeep) = state.upkeep.take() {
            upkeep.unpark();
        }
        let (spares, folder) = (std::mem::take(&mut state.spares), state.folder.take());
        state.free.clear();
        drop(state);
        self.seal_left();
        self.remove_unneeded();
        for spare in spares {
            let _ = spare.remove();
        }
        for file in self.files() {
            if !file.is_lost() && file.is_all_free() {
                file.lose();
                let _ = file.remove();
            }
        }
        if let Some(folder) = folder {
            folder.end();
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.end();
    }
}
