//! What is told of the disk: every sync of a file or of a folder goes through here, so that tests see which came back.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::ffi::Mapping;

/// Hears what is on the disk now.
pub type Observer = Box<dyn FnMut(&Path)>;

thread_local! {
    static OBSERVER: RefCell<Option<Observer>> = const { RefCell::new(None) };
}

/// From now on, `observer` hears of the syncs of this thread.
pub fn observe(observer: Option<Observer>) {
    OBSERVER.with_borrow_mut(|place| *place = observer);
}

/// Has a file's content written.
pub fn file(file: &File, path: &Path) -> io::Result<()> {
    file.sync_data()?;
    tell(path);
    Ok(())
}

/// Has the content of a file that is mapped written.
pub fn mapping(mapping: &Mapping, path: &Path) -> io::Result<()> {
    mapping.sync()?;
    tell(path);
    Ok(())
}

/// Has a folder's names written.
pub fn folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    tell(path);
    Ok(())
}

fn tell(path: &Path) {
    OBSERVER.with_borrow_mut(|place| {
        if let Some(observer) = place {
            observer(path);
        }
    });
}
