//! [`Disk`]: what of a process's folder is on the disk for sure, and what may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use spanwire_durable::format::{Header, PAGE, SUFFIX, USED, halves, word};

/// What a disk writes at once.
const SECTOR: usize = 512;

type Page = Vec<u8>;

/// One file: whether its name is `.new` yet says the folder.
#[derive(Default)]
struct Inode {
    /// Of each page that was ever another than zeros, the states since the last sync, the oldest first.
    pages: BTreeMap<usize, Vec<Page>>,
    /// Of each block, what was looked at: number, frames' bytes, groups' bytes.
    looked: BTreeMap<u32, (u64, u32, u32)>,
    len: u64,
    /// Whether its length is on the disk.
    is_synced: bool,
}

/// The names of a folder.
#[derive(Default)]
struct Names {
    /// On the disk for sure, unless they are not `now`.
    synced: BTreeSet<String>,
    /// Made since.
    made: BTreeSet<String>,
}

pub struct Disk {
    folder: PathBuf,
    inodes: BTreeMap<String, Inode>,
    names: Names,
    /// Whether the folder itself has its name for sure.
    is_named: bool,
    /// Whether the file that says whose it is has its content for sure.
    is_owned: bool,
}

fn stem(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_owned()
}

impl Inode {
    fn saw(&mut self, at: usize, page: Page) {
        let zeros = || vec![vec![0; PAGE]];
        let states = self.pages.entry(at).or_insert_with(zeros);
        if states.last() != Some(&page) {
            states.push(page);
        }
    }

    fn see(&mut self, file: &File, from: usize, to: usize) {
        for at in from / PAGE..to.div_ceil(PAGE) {
            let mut page = vec![0; PAGE];
            if file.read_exact_at(&mut page, (at * PAGE) as u64).is_ok() {
                self.saw(at, page);
            }
        }
    }

    /// Looks at what may have changed.
    fn look(&mut self, file: &File) {
        self.len = file.metadata().expect("there").len();
        self.see(file, 0, PAGE);
        let first = self.pages[&0].last().expect("just seen");
        let Ok(header) = Header::decode(first) else { return };
        for block in 0..header.shape.blocks {
            let begin = header.shape.block(block);
            let mut words = vec![0; PAGE];
            if file.read_exact_at(&mut words, begin as u64).is_err() {
                continue;
            }
            let number = |at: usize| u64::from_le_bytes(words[at..at + 8].try_into().expect("eight"));
            let (is_used, of) = (number(word::STATE) == USED, number(word::NUMBER));
            let (bytes, heads) = (halves(number(word::COMMITTED)).1, halves(number(word::GROUPS)).1);
            let before = self.looked.get(&block).filter(|(number, ..)| *number == of);
            let (_, from, heads_from) = before.copied().unwrap_or_default();
            self.saw(begin / PAGE, words);
            if is_used {
                let (heads_at, frames_at) = (header.shape.heads(block), header.shape.frames(block));
                self.see(file, heads_at + heads_from as usize, heads_at + heads as usize);
                self.see(file, frames_at + from as usize, frames_at + bytes as usize);
                self.looked.insert(block, (of, bytes, heads));
            }
        }
    }

    fn synced(&mut self) {
        self.is_synced = true;
        for states in self.pages.values_mut() {
            states.drain(..states.len() - 1);
        }
    }

    /// The file as the disk has it: each page, or each sector, of a moment since the last sync, and of another run of the system.
    fn write(&self, path: &Path, rng: &mut Rng) {
        let file = File::create_new(path).expect("new");
        let is_torn = rng.bool();
        let when = rng.u8(..6);
        for (at, states) in &self.pages {
            let mut pick = |from: usize| match when {
                1 if from == 0 => states.len() - 1,                      // words, and no frames
                0 | 1 => 0,                                              // nothing since the sync
                4 if !(2..18).contains(&(at % 256)) => states.len() - 1, // groups are late
                5 if rng.u8(..8) != 0 => states.len() - 1,               // a few are
                _ => rng.usize(..states.len()),
            };
            let of_page = pick(usize::from(at % 256 != 1));
            let mut page = states[of_page].clone();
            if is_torn && (2..4).contains(&when) {
                for sector in (0..PAGE).step_by(SECTOR) {
                    let of = rng.usize(..states.len());
                    page[sector..sector + SECTOR].copy_from_slice(&states[of][sector..sector + SECTOR]);
                }
            }
            if let (0, Ok(mut header)) = (*at, Header::decode(&page)) {
                header.boot = !header.boot;
                let bytes = header.encode();
                page[..bytes.len()].copy_from_slice(&bytes);
            }
            file.write_all_at(&page, (at * PAGE) as u64).expect("room");
        }
        let len = if self.is_synced || rng.bool() {
            self.len
        } else {
            rng.u64(..=self.len)
        };
        file.set_len(len).expect("room");
    }
}

impl Disk {
    pub fn new() -> Self {
        Self {
            folder: PathBuf::new(),
            inodes: BTreeMap::new(),
            names: Names::default(),
            is_named: false,
            is_owned: false,
        }
    }

    /// Something was synced.
    pub fn synced(&mut self, path: &Path) {
        if path.join("lock").exists() {
            path.clone_into(&mut self.folder);
            self.look();
            self.names.synced = self.now();
            self.names.made.clear();
        } else if path.is_dir() {
            self.is_named = true;
        } else if path.ends_with("owner") {
            self.is_owned = true;
        } else {
            let name = path.file_name().and_then(|name| name.to_str()).expect("ours");
            let inode = self.inodes.entry(stem(name)).or_default();
            inode.look(&File::open(path).expect("there"));
            inode.synced();
        }
    }

    /// Sees what there is now, as a disk may at any moment.
    pub fn look_at(&mut self, folder: &Path) {
        folder.clone_into(&mut self.folder);
        self.look();
    }

    fn now(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(&self.folder).expect("there");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("ours"));
        names.collect()
    }

    fn look(&mut self) {
        for name in self.now() {
            if name.contains('.') {
                let file = File::open(self.folder.join(&name)).expect("there");
                self.inodes.entry(stem(&name)).or_default().look(&file);
            }
            self.names.made.insert(name);
        }
    }

    /// The power fails: the folder as it is found afterwards, under `to`.
    pub fn fail(&mut self, to: &Path, rng: &mut Rng) {
        let now = self.now();
        if !self.is_named && rng.u8(..8) == 0 {
            return;
        }
        let folder = to.join(self.folder.file_name().expect("a name"));
        let private = |path: &Path| {
            use std::os::unix::fs::DirBuilderExt;
            std::fs::DirBuilder::new().mode(0o700).create(path).expect("new");
        };
        private(&folder);
        let all: BTreeSet<_> = self.names.synced.union(&self.names.made).cloned().collect();
        for name in all {
            let is_sure = self.names.synced.contains(&name) && now.contains(&name);
            let is_there = is_sure || rng.u8(..4) != 0;
            if !is_there {
                continue;
            }
            let path = folder.join(&name);
            if !name.contains('.') {
                let is_whole = name != "owner" || self.is_owned || rng.bool();
                std::fs::write(path, if is_whole { "tests" } else { "" }).expect("room");
            } else if name.ends_with(SUFFIX) {
                self.inodes[&stem(&name)].write(&path, rng);
            }
        }
    }
}
