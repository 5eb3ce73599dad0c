//! The table as a whole: no row twice, every path well formed.

use super::TABLE;

#[test]
fn no_method_and_path_stands_twice() {
    for (at, route) in TABLE.iter().enumerate() {
        let twin = TABLE[at + 1..]
            .iter()
            .find(|other| (other.method, other.path) == (route.method, route.path));
        assert_eq!(twin, None);
    }
}

#[test]
fn every_path_begins_with_a_slash_and_reads_have_no_write_permission() {
    use crate::auth::Permission;
    for route in TABLE {
        assert!(route.path.starts_with('/'), "{}", route.path);
        if matches!(route.permission, Permission::Read) {
            assert_eq!(route.method, "GET", "{} changes something", route.path);
        }
    }
}
