//! Which run of the system this is: what was committed in an earlier one may not have reached the disk.

/// A number that is another after each start of the system; 0 where nothing says so.
#[must_use]
pub fn id() -> u128 {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.trim().chars().filter(|&digit| digit != '-').collect();
    u128::from_str_radix(&digits, 16).unwrap_or(0)
}

/// Whether a number is of this run of the system; one that is not known never is.
#[must_use]
pub fn is_this(boot: u128) -> bool {
    is_same(boot, id())
}

fn is_same(one: u128, other: u128) -> bool {
    one != 0 && one == other
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_stays_the_same() {
        assert_eq!(super::id(), super::id());
        assert_eq!(
            super::id() == 0,
            !std::path::Path::new("/proc/sys/kernel/random/boot_id").exists()
        );
    }

    #[test]
    fn what_is_not_known_is_not_the_same() {
        assert!(super::is_same(1, 1));
        assert!(!super::is_same(1, 2));
        assert!(!super::is_same(0, 0));
    }
}
