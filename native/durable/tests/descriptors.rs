//! What is mapped needs no descriptor, and is synced and missed all the same. By itself: descriptors are the process's.

use std::sync::Arc;
use std::time::Duration;

use spanwire_durable::{Directory, MapPolicy, Plan, Sync};
use spanwire_queue::{Appended, Group, Limits, Writer};
use spanwire_wire::Signal;

fn files_held() -> usize {
    let names = std::fs::read_dir("/proc/self/fd").expect("descriptors").flatten();
    let targets = names.filter_map(|name| std::fs::read_link(name.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().contains(".spans"))
        .count()
}

#[test]
fn mapped_files_have_no_descriptors_and_written_ones_have() {
    for (sync, is_written) in [
        (Sync::Never, false),
        (Sync::Interval(Duration::from_secs(1)), false),
        (Sync::Never, true),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let plan = Plan {
            sync,
            mapping: if is_written { MapPolicy::Never } else { MapPolicy::Auto },
            ..Plan::new(place.path().join("queue"), "tests")
        };
        let directory = Directory::without_upkeep(&plan).expect("a folder");
        let mut writer = Writer::with_storage(Signal::Traces, directory.storage(), usize::MAX).expect("a queue");
        let lane = writer.add_lane(Limits::default());
        let _ = writer.append_message(&Arc::new(Group::default()), b"a span");
        let appended = writer.append_message(&Arc::new(Group::default()), b"\x12\x06a span");
        assert!(!matches!(appended, Appended::Full));
        directory.upkeep();
        directory.sync().expect("on the disk");
        let report = directory.report().expect("of this process");
        assert!(report.files >= 1);
        let held = if report.not_mapped.is_some() { report.files } else { 0 };
        assert_eq!(files_held() as u64, held, "{plan:?}");
        drop((writer, lane, directory));
        assert_eq!(files_held(), 0);
    }
}
