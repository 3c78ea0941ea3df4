//! A folder that cannot be begun is removed. A test of its own process: its descriptors are few.

use rustix::process::{Resource, getrlimit, setrlimit};
use spanwire_durable::{Directory, MapPolicy, Plan};

fn entries(plan: &Plan) -> usize {
    std::fs::read_dir(&plan.path).expect("there").count()
}

#[test]
fn a_folder_that_cannot_be_begun_is_removed() {
    let place = tempfile::tempdir().expect("a folder");
    let plan = Plan {
        mapping: MapPolicy::Never,
        ..Plan::new(place.path().join("queue"), "tests")
    };
    drop(Directory::without_upkeep(&plan).expect("a folder"));
    let usual = getrlimit(Resource::Nofile);
    let mut failures = 0;
    for most in 0.. {
        let mut few = usual;
        few.current = Some(most);
        setrlimit(Resource::Nofile, few).expect("fewer");
        let made = Directory::without_upkeep(&plan);
        setrlimit(Resource::Nofile, usual).expect("as many as before");
        let directory = made.expect("that may pass");
        let report = directory.report().expect("of this process");
        if report.failures == 0 {
            break;
        }
        failures += 1;
        if report.folder == plan.path {
            assert_eq!(entries(&plan), 0, "no folder with {most} descriptors");
        }
        drop(directory);
        assert_eq!(entries(&plan), 0, "with {most} descriptors");
    }
    assert!(failures >= 3, "{failures}");
}
