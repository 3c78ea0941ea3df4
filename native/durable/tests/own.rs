//! Within a process locks do not conflict, and closing a file gives up its lock: only one has a folder, however it is spelled.

use std::path::{Path, PathBuf};
use std::sync::Barrier;

use spanwire_durable::orphans::folders;
use spanwire_durable::{Directory, LOCK, OWNER, Orphan, Plan, orphans};

fn plan(path: &Path) -> Plan {
    Plan::new(path.to_owned(), "tests")
}

/// A folder that a process has left.
fn left(path: &Path) -> PathBuf {
    let folder = path.join(format!("{:032x}", 1));
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in [LOCK, OWNER] {
        std::fs::write(folder.join(name), "tests").expect("a file");
    }
    folder
}

/// Whether no other process can have its lock. The list is read in pieces while other processes change it: a line may be passed over.
fn is_locked(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = std::fs::metadata(folder.join(LOCK)).expect("a lock").ino();
    let line = format!(":{inode} 0 EOF");
    (0..20).any(|_| std::fs::read_to_string("/proc/locks").expect("locks").contains(&line))
}

#[test]
fn the_own_folder_is_nobodys_however_it_is_spelled() {
    let place = tempfile::tempdir().expect("a folder");
    let queue = place.path().join("queue");
    let directory = Directory::without_upkeep(&plan(&queue)).expect("a folder");
    let folder = directory.folder();
    let link = place.path().join("link");
    std::os::unix::fs::symlink(place.path(), &link).expect("a link");
    let name = folder.file_name().expect("a name");
    for queue in [
        queue.clone(),
        queue.join("..").join("queue"),
        link.join("queue"),
        place.path().join("link/link/queue"),
    ] {
        assert_eq!(folders(&queue).expect("readable"), Vec::<PathBuf>::new(), "{queue:?}");
        assert!(orphans(&queue, None).expect("readable").is_empty());
        // As somebody who listed it before.
        assert!(Orphan::adopt(queue.join(name)).expect("readable").is_none());
        assert!(is_locked(&folder), "{queue:?}");
    }
}

#[test]
fn one_of_two_adopters_has_it_and_keeps_its_lock() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = left(&place.path().join("queue"));
    for round in 0..100 {
        let barrier = Barrier::new(3);
        let adopt = || {
            barrier.wait();
            Orphan::adopt(folder.clone()).expect("readable")
        };
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(adopt)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("ended"))
                .collect()
        });
        assert_eq!(all.iter().flatten().count(), 1, "{round}");
        assert!(is_locked(&folder), "{round}");
    }
    assert!(!is_locked(&folder));
}

#[test]
fn who_looks_at_what_is_held_gives_nothing_up() {
    let place = tempfile::tempdir().expect("a folder");
    let queue = place.path().join("queue");
    let folder = left(&queue);
    let orphan = Orphan::adopt(folder.clone()).expect("readable").expect("free");
    for _ in 0..3 {
        assert!(orphans(&queue, None).expect("readable").is_empty());
        assert!(Orphan::adopt(folder.clone()).expect("readable").is_none());
        assert!(is_locked(&folder));
    }
    drop(orphan);
    assert!(!is_locked(&folder));
    assert_eq!(orphans(&queue, None).expect("readable").len(), 1);
}

#[test]
fn folders_are_made_while_others_look_for_what_was_left() {
    let place = tempfile::tempdir().expect("a folder");
    let queue = place.path().join("queue");
    std::thread::scope(|scope| {
        let makers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..6 {
                        let directory = Directory::without_upkeep(&plan(&queue)).expect("a folder");
                        assert!(is_locked(&directory.folder()));
                    }
                })
            })
            .collect();
        while makers.iter().any(|maker| !maker.is_finished()) {
            assert!(orphans(&queue, None).expect("readable").is_empty());
        }
    });
}

#[test]
fn a_folder_that_was_deleted_under_its_adopter_keeps_no_new_one_waiting() {
    let place = tempfile::tempdir().expect("a folder");
    let queue = place.path().join("queue");
    let folder = left(&queue);
    let _orphan = Orphan::adopt(folder.clone()).expect("readable").expect("free");
    std::fs::remove_dir_all(&folder).expect("deleted");
    // File systems give an inode that is free to one of the next.
    let directories: Vec<_> = (0..4)
        .map(|_| Directory::without_upkeep(&plan(&queue)).expect("a folder"))
        .collect();
    assert!(directories.iter().all(|directory| is_locked(&directory.folder())));
}
