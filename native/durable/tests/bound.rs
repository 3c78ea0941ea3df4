//! A bound on the size of files. A test of its own process: the bound is for all of it.

use std::io::ErrorKind;

use rustix::process::{Resource, getrlimit, setrlimit};
use spanwire_durable::{Directory, MapPolicy, Plan, Shape};

#[test]
fn a_bound_on_the_size_of_files_is_an_error_and_no_signal() {
    let place = tempfile::tempdir().expect("a folder");
    let mut bound = getrlimit(Resource::Fsize);
    bound.current = Some(Shape::USUAL.file_len() as u64 - 1);
    setrlimit(Resource::Fsize, bound).expect("less");
    for is_written in [false, true] {
        let plan = Plan {
            mapping: if is_written { MapPolicy::Never } else { MapPolicy::Auto },
            ..Plan::new(place.path().join("queue"), "tests")
        };
        let refused = Directory::without_upkeep(&plan).expect_err("a bound");
        assert_eq!(refused.kind(), ErrorKind::FileTooLarge, "{is_written}");
        assert_eq!(std::fs::read_dir(&plan.path).expect("there").count(), 0);
    }
}
