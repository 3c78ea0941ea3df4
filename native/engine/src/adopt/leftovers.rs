//! [`Leftovers`]: the folders of terminated processes, where the couriers of a recovery meet.
//!
//! A folder is open, and locked against other processes, while a courier delivers its blocks. A block is freed when all destinations have it that
//! want it: the members, and those that left without it. When the last courier closes a folder it is removed, if nothing is left in it; else it
//! is released, and what this process has to remember of it is kept as [`Known`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use spanwire_durable::orphans::{Contents, folders};
use spanwire_durable::read::Found;
use spanwire_durable::{Orphan, Progress};

use super::members::{Member, Members, Name};
use super::shared::{Shared, named};

/// A folder that is open. What changes is in [`Open`].
#[derive(Debug)]
pub struct Leftover {
    orphan: Orphan,
    contents: Contents,
}

impl Leftover {
    /// A block's frames; none if there is nothing any more.
    pub fn read(&self, index: usize) -> io::Result<Option<Found>> {
        self.orphan.read(&self.contents.blocks[index])
    }
}

/// See above.
#[derive(Debug)]
pub struct Leftovers {
    path: PathBuf,
    /// Of any, if none.
    service: Option<String>,
    /// Held while files are opened, freed and removed, but not while blocks are read: only couriers and reports wait for it.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<PathBuf, Open>,
    known: HashMap<PathBuf, Known>,
    /// Folders that were counted and are still there.
    counted: HashSet<PathBuf>,
    /// What stays, was reported and is still there.
    told: HashSet<PathBuf>,
}

/// An open folder: who has what.
#[derive(Debug)]
struct Open {
    leftover: Arc<Leftover>,
    couriers: usize,
    known: Known,
    /// By what the folder's file says, by names of destinations.
    noted: Progress,
    /// Blocks that were freed.
    is_freed: Vec<bool>,
    /// Some block cannot be read, and stays.
    has_unreadable: bool,
}

/// What is remembered of a folder while it is there.
#[derive(Clone, Debug, Default)]
struct Known {
    /// By labels: which blocks each destination has had in this process.
    taken: Progress,
    /// Whom the blocks are for besides the members.
    wanted: BTreeSet<Name>,
    /// Spans that each of them did not have when it was closed.
    left: HashMap<Name, u64>,
}

impl Leftovers {
    pub fn new(path: PathBuf, service: Option<String>) -> Self {
        Self {
            path,
            service,
            state: Mutex::default(),
        }
    }

    /// The folders that there are, the oldest first. What was remembered of others is forgotten.
    pub fn folders(&self) -> io::Result<Vec<PathBuf>> {
        let mut state = self.lock();
        // Those that are open are this process's own for whoever lists folders.
        let there: BTreeSet<_> = folders(&self.path)?
            .into_iter()
            .chain(state.open.keys().cloned())
            .collect();
        state.known.retain(|folder, _| there.contains(folder));
        state.counted.retain(|folder| there.contains(folder));
        let is_gone =
            |path: &PathBuf| matches!(path.symlink_metadata(), Err(why) if why.kind() == io::ErrorKind::NotFound);
        state.told.retain(|path| !is_gone(path));
        Ok(there.into_iter().collect())
    }

    /// Removes the folders that hold no spans, which takes no destination. What cannot be removed is for [`open`](Self::open) to report.
    pub fn tidy(&self) {
        let _state = self.lock();
        for folder in folders(&self.path).unwrap_or_default() {
            if let Ok(Some(orphan)) = Orphan::adopt(folder)
                && orphan.is_of(self.service.as_deref())
                && let Ok(contents) = orphan.contents()
                && contents.blocks.is_empty()
                && contents.bad.is_empty()
            {
                let _ = orphan.remove(&contents);
            }
        }
    }

    /// Opens a folder for this member's courier, if its process has ended and no other process has it.
    pub fn open(&self, folder: &Path, member: &Member, shared: &Shared) -> Option<Arc<Leftover>> {
        let mut state = self.lock();
        if let Some(open) = state.open.get_mut(folder) {
            open.couriers += 1;
            open.known.wanted.insert(member.name.clone());
            return Some(Arc::clone(&open.leftover));
        }
        let adopted = || -> io::Result<Option<_>> {
            let orphan = Orphan::adopt(folder.to_owned())?;
            let Some(orphan) = orphan.filter(|orphan| orphan.is_of(self.service.as_deref())) else {
                return Ok(None);
            };
            let contents = orphan.contents()?;
            Ok(Some((orphan, contents)))
        };
        let (orphan, contents) = match adopted() {
            Ok(adopted) => adopted?,
            Err(why) => {
                state.stays(folder, &why.to_string(), shared);
                return None;
            }
        };
        if state.counted.insert(folder.to_owned()) {
            shared.lock().adopted.folders += 1;
        }
        for (path, why) in &contents.bad {
            state.stays(path, why, shared);
        }
        let noted = orphan.progress().unwrap_or_else(|why| {
            state.stays(
                &folder.join(spanwire_durable::progress::PROGRESS),
                &why.to_string(),
                shared,
            );
            Progress::default()
        });
        let mut known = state.known.remove(folder).unwrap_or_default();
        // The members may have left by now.
        known.wanted.insert(member.name.clone());
        known
            .wanted
            .extend(shared.members.all().iter().map(|member| member.name.clone()));
        let is_freed = vec![false; contents.blocks.len()];
        let leftover = Arc::new(Leftover { orphan, contents });
        let open = Open {
            leftover: Arc::clone(&leftover),
            couriers: 1,
            known,
            noted,
            is_freed,
            has_unreadable: false,
        };
        state.open.insert(folder.to_owned(), open);
        Some(leftover)
    }

    /// The first block from `index` on that this destination does not have.
    pub fn next(&self, leftover: &Leftover, index: usize, name: &Name) -> Option<usize> {
        let state = self.lock();
        let open = state.open.get(leftover.orphan.folder())?;
        (index..open.is_freed.len()).find(|&index| open.lacks(index, name))
    }

    /// A block is not there any more.
    pub fn gone(&self, leftover: &Leftover, index: usize) {
        if let Some(open) = self.lock().open.get_mut(leftover.orphan.folder()) {
            open.is_freed[index] = true;
        }
    }

    /// A block cannot be read now.
    pub fn unreadable(&self, leftover: &Leftover, index: usize, why: &io::Error, shared: &Shared) {
        let mut state = self.lock();
        state.stays(&leftover.contents.blocks[index].path, &why.to_string(), shared);
        if let Some(open) = state.open.get_mut(leftover.orphan.folder()) {
            open.has_unreadable = true;
        }
    }

    /// A destination has a block: it is freed, if all have it, and else noted for the next start.
    pub fn taken(&self, leftover: &Leftover, index: usize, member: &Member, found: &Found, shared: &Shared) {
        let mut state = self.lock();
        let Some(open) = state.open.get_mut(leftover.orphan.folder()) else {
            return;
        };
        let place = &leftover.contents.blocks[index];
        let block = place.name();
        let is_first = !open
            .known
            .taken
            .destinations()
            .any(|label| open.known.taken.has(&block, label));
        open.known.taken.add(&block, &member.label());
        if is_first {
            let mut books = shared.lock();
            books.adopted.spans += found.frames.len() as u64;
            books.adopted.damaged += found.lost;
        }
        let freed = open.settle(index, &shared.members);
        let destination = &member.name.destination;
        let all = shared.members.all();
        let mut same = all.iter().filter(|other| other.name.destination == *destination);
        if !open.is_freed[index] && same.all(|other| !open.lacks(index, &other.name)) {
            match leftover.orphan.note(place, destination) {
                Ok(()) => open.noted.add(&block, destination),
                Err(why) => {
                    state.stays(&place.path, &format!("its progress cannot be written: {why}"), shared);
                }
            }
        }
        if let Err(why) = freed {
            state.stays(&place.path, &why.to_string(), shared);
        }
    }

    /// A courier is done with a folder. The last one removes it, or releases it.
    pub fn close(&self, leftover: Arc<Leftover>, shared: &Shared) {
        let mut state = self.lock();
        let folder = leftover.orphan.folder().to_owned();
        drop(leftover);
        let Some(open) = state.open.get_mut(&folder) else {
            return;
        };
        open.couriers -= 1;
        if open.couriers > 0 {
            return;
        }
        let Some(mut open) = state.open.remove(&folder) else {
            return;
        };
        for index in 0..open.is_freed.len() {
            if let Err(why) = open.settle(index, &shared.members) {
                state.stays(
                    &open.leftover.contents.blocks[index].path.clone(),
                    &why.to_string(),
                    shared,
                );
            }
        }
        let is_empty = open.is_freed.iter().all(|&is_freed| is_freed) && !open.has_unreadable;
        if is_empty {
            // Nobody else has it: the last courier has just let go of it.
            let Some(Leftover { orphan, contents }) = Arc::into_inner(open.leftover) else {
                return;
            };
            match orphan.remove(&contents) {
                Ok(true) => drop(state.counted.remove(&folder)),
                Ok(false) => {}
                Err(why) => state.stays(&folder, &why.to_string(), shared),
            }
        } else {
            let known = open.released(&shared.members);
            state.known.insert(folder, known);
        }
    }

    /// Spans that each of these does not have, in the folders that were opened so far.
    pub fn left(&self, members: &[Arc<Member>]) -> Vec<u64> {
        let state = self.lock();
        let left = members.iter().map(|member| {
            let open = state.open.values().map(|open| open.left(&member.name));
            let known = state.known.values().filter_map(|known| known.left.get(&member.name));
            open.sum::<u64>() + known.sum::<u64>()
        });
        left.collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts and reports that something stays, the first time.
    fn stays(&mut self, path: &Path, why: &str, shared: &Shared) {
        if self.told.insert(path.to_owned()) {
            shared.lock().adopted.files += 1;
            shared.tell(named(path, why));
        }
    }
}

impl Open {
    /// Whether a destination needs a block.
    fn lacks(&self, index: usize, name: &Name) -> bool {
        let block = self.leftover.contents.blocks[index].name();
        !self.is_freed[index]
            && !self.known.taken.has(&block, &name.to_string())
            && !self.noted.has(&block, &name.destination)
    }

    /// Frees a block, if all have it that want it.
    fn settle(&mut self, index: usize, members: &Members) -> io::Result<()> {
        let members = members.all();
        let mut names = members.iter().map(|member| &member.name).chain(&self.known.wanted);
        if !self.is_freed[index] && names.all(|name| !self.lacks(index, name)) {
            self.leftover.orphan.free(&self.leftover.contents.blocks[index])?;
            self.is_freed[index] = true;
        }
        Ok(())
    }

    /// Spans that a destination does not have.
    fn left(&self, name: &Name) -> u64 {
        let blocks = self.leftover.contents.blocks.iter().enumerate();
        let lacking = blocks.filter(|(index, _)| self.lacks(*index, name));
        lacking.map(|(_, place)| place.frames).sum()
    }

    /// What is to be remembered.
    fn released(mut self, members: &Members) -> Known {
        self.known
            .wanted
            .extend(members.all().iter().map(|member| member.name.clone()));
        let wanted = std::mem::take(&mut self.known.wanted);
        self.known.left = wanted.iter().map(|name| (name.clone(), self.left(name))).collect();
        let lacks = |name: &Name| (0..self.is_freed.len()).any(|index| self.lacks(index, name));
        self.known.wanted = wanted.into_iter().filter(lacks).collect();
        self.known
    }
}
