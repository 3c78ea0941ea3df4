//! [`Summary`]: what a terminated process left, in numbers.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::orphans::{Orphan, folders};

/// What is in a folder of a terminated process.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Where it is.
    pub folder: PathBuf,
    /// Whose spans they are.
    pub service: String,
    /// When the oldest file was made, in nanoseconds since the Unix epoch; 0 if there is none.
    pub created: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Blocks in use.
    pub blocks: u64,
    /// Spans that can be read and that not every destination has.
    pub spans: u64,
    /// Spans that were committed and cannot be read.
    pub damaged: u64,
    /// Of these spans, how many each destination has that has some of them.
    pub delivered: BTreeMap<String, u64>,
    /// Files that are not understood or not whole: name and why; `.` is the folder itself, which cannot be read.
    pub bad: Vec<(String, String)>,
}

/// What terminated processes left under a folder; of that service, if one is given. Nothing is changed.
///
/// # Errors
/// If `path` is not this user's alone, or cannot be read.
pub fn summaries(path: &Path, service: Option<&str>) -> io::Result<Vec<Summary>> {
    let all = folders(path)?.into_iter().filter_map(|folder| {
        let summary = match Orphan::look(folder.clone()) {
            Ok(Some(orphan)) => orphan.is_of(service).then(|| orphan.summary())?,
            Ok(None) => return None,
            Err(error) => Err(error),
        };
        Some(summary.unwrap_or_else(|error| Summary {
            folder,
            bad: vec![(".".to_owned(), error.to_string())],
            ..Summary::default()
        }))
    });
    Ok(all.collect())
}

impl Orphan {
    /// What is in it: every block is read.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn summary(&self) -> io::Result<Summary> {
        let contents = self.contents()?;
        let progress = self.progress().unwrap_or_default();
        let mut summary = Summary {
            folder: self.folder().to_owned(),
            service: self.service().to_owned(),
            created: contents.created,
            bytes: contents.bytes,
            blocks: contents.blocks.len() as u64,
            bad: contents.bad.iter().chain(&contents.cut).map(named).collect(),
            ..Summary::default()
        };
        for place in &contents.blocks {
            match self.read(place) {
                Ok(Some(found)) => {
                    let spans = found.frames.len() as u64;
                    summary.spans += spans;
                    summary.damaged += found.lost;
                    for destination in progress.destinations() {
                        if progress.has(&place.name(), destination) {
                            *summary.delivered.entry(destination.to_owned()).or_default() += spans;
                        }
                    }
                }
                Ok(None) => {}
                Err(error) => summary.bad.push(named(&(place.path.clone(), error.to_string()))),
            }
        }
        Ok(summary)
    }
}

fn named((path, why): &(PathBuf, String)) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    (name, why.clone())
}
