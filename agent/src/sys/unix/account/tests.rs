//! Who is found, and that acting for somebody holds for one thread alone.

use super::*;
use crate::scratch::Scratch;
use std::os::unix::fs::MetadataExt;

const USERS: &str =
    "root:x:0:0:root:/root:/bin/sh\nbuilder:x:1007:1008:Builds:/home/builder:/bin/sh\n";
const GROUPS: &str = "root:x:0:\nbuilder:x:1008:\ndisk:x:6:builder,other\nvideo:x:44:builder2\n";

#[test]
fn a_user_is_found_with_home_and_groups() {
    let account = account_of("builder", USERS, GROUPS).unwrap();
    assert_eq!((account.user, account.group), (1007, 1008));
    assert_eq!(account.groups, [1008, 6]);
    assert_eq!(account.home, "/home/builder");
    assert_eq!(account_of("build", USERS, GROUPS), None);
    assert_eq!(account_of("broken", "broken:x:no:1:::\n", ""), None);
}

#[test]
fn a_thread_that_acts_for_somebody_makes_files_of_theirs_and_reads_no_others() {
    if !super::super::is_superuser() {
        eprintln!("not root: nothing to see");
        return;
    }
    let scratch = Scratch::new();
    let account = Account {
        name: "nobody".into(),
        user: 65_534,
        group: 65_534,
        groups: vec![65_534],
        home: "/".into(),
    };
    let (open, closed) = (scratch.path().join("open"), scratch.path().join("closed"));
    std::fs::create_dir(&open).unwrap();
    give_folder(&open, &account).unwrap();
    drop(super::super::create_private(&closed).unwrap());
    let file = open.join("file");
    let (inner, kept) = (file.clone(), closed.clone());
    let worked = std::thread::spawn(move || {
        act_as(&account).unwrap();
        // Threads of that thread are no different.
        let work = move || {
            (
                std::fs::write(&inner, "x").is_ok(),
                std::fs::read(&kept).is_ok(),
            )
        };
        std::thread::spawn(work).join().unwrap()
    });
    assert_eq!(worked.join().unwrap(), (true, false));
    assert_eq!(std::fs::metadata(&file).unwrap().uid(), 65_534);
    assert!(std::fs::read(&closed).is_ok());
}
