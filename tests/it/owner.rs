//! The owner of an agent gets one mail when it goes missing, and one when it is back.

use std::path::Path;

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::wait;

/// The mails in the folder, oldest first by name.
fn mails(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .collect();
    files.sort();
    let read = |path| std::fs::read_to_string(path).expect("a mail");
    files.iter().map(read).collect()
}

#[test]
fn an_owner_is_told_once_that_an_agent_is_missing_and_once_that_it_is_back() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let configuration = small_configuration(
        &repository,
        "  { run = \"true\" },",
        "[mail]\nfrom = \"builds@acme.example\"\nfolder = \"mails\"\n\n\
         [agents]\nowner = \"Ada <ada@acme.example>\"\ncontact = \"room 3.14\"\n\
         missing_after = \"1m\"\n",
    );
    let mut master = Master::new(&configuration);
    // Minutes of absence pass in seconds.
    master.set(&[("WINDLASS_TEST_CLOCK_RATE", "60")]);
    master.start();
    let key = master.key_of("linux-1");
    let mut agent = master.agent_with_key("linux-1", master.agents(), &key);
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}");
    let path = master.path("mails");
    assert!(mails(&path).is_empty(), "nobody is missing");

    agent.kill();
    let told = wait::until("the owner is told", || mails(&path).pop());
    assert!(told.contains("To: Ada <ada@acme.example>"), "{told}");
    assert!(
        told.contains("linux-1") && told.contains("room 3.14"),
        "{told}"
    );

    let _agent = master.agent_with_key("linux-1", master.agents(), &key);
    let all = wait::until("the owner is told again", || {
        Some(mails(&path)).filter(|all| all.len() > 1)
    });
    assert_eq!(all.len(), 2, "{all:#?}");
    let back = all
        .iter()
        .find(|mail| **mail != told)
        .expect("another mail");
    assert!(back.contains("linux-1") && back.contains("back"), "{back}");
}
