//! Mirrors after a killed process and a bad disk.

use super::*;

#[tokio::test]
async fn locks_of_a_killed_git_do_not_stop_the_mirror_for_ever() {
    let repository = Repository::new();
    let first = repository.commit("first", &[("a", "1")]);
    let (home, mirror) = mirrored(&repository).await;
    let folder = home.path().join("editor");
    for lock in ["packed-refs.lock", "refs/heads/main.lock"] {
        std::fs::write(folder.join(lock), "").unwrap();
    }
    let second = repository.commit("second", &[("a", "2")]);
    refresh(&mirror).await;
    let head = mirror.resolve("main", None, &stop()).await.unwrap();
    assert_eq!(head, second);
    std::fs::write(folder.join("packed-refs.lock"), "").unwrap();
    std::fs::write(folder.join("refs/heads/main.lock"), "").unwrap();
    mirror.retire("main", &first, true, &stop()).await.unwrap();
    let gone = mirror.resolve("main", None, &stop()).await;
    assert!(gone.is_err(), "{gone:?}");
    assert!(mirror.has(&first, &stop()).await.unwrap());
}

#[tokio::test]
async fn a_damaged_mirror_is_made_anew() {
    let repository = Repository::new();
    repository.commit("first", &[("a", "1")]);
    repository.git(&["branch", "other"]);
    let (home, mirror) = mirrored(&repository).await;
    let folder = home.path().join("editor");
    for damage in ["objects", "config", "HEAD"] {
        match std::fs::metadata(folder.join(damage)).unwrap().is_dir() {
            true => {
                std::fs::remove_dir_all(folder.join(damage)).unwrap();
                std::fs::create_dir_all(folder.join(damage)).unwrap();
            }
            false => std::fs::write(folder.join(damage), "ruined [").unwrap(),
        }
        let newest = repository.commit(damage, &[("a", damage)]);
        // Only what moved is asked for, and the other branch is there all the same.
        let moved = ["main".to_owned()];
        let fetched = mirror.fetch(&moved, &stop()).await;
        assert!(fetched.is_ok(), "{damage}: {fetched:?}");
        let head = mirror.resolve("main", None, &stop()).await.unwrap();
        assert_eq!(head, newest, "{damage}");
        let other = mirror.resolve("other", None, &stop()).await;
        assert!(other.is_ok(), "{damage}: {other:?}");
        let tree = mirror.tree(&newest, &stop()).await.unwrap();
        assert_eq!(tree.entries.len(), 1);
    }
}

#[test]
fn names_that_git_refuses_do_not_spoil_a_fetch() {
    for good in [
        "main",
        "release/1.0",
        "-rf",
        "a;b|c&d",
        "ünï'\"",
        "$(x)",
        "a.b",
        "@",
    ] {
        assert!(is_branch_name(good), "{good}");
    }
    let bad = [
        "", "a..b", "a b", "a\x7f", "a\tb", "a:b", "a?", "a*", "a[b", "a\\b", "a~1", "a^", "a@{1}",
        "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b",
    ];
    for bad in bad {
        assert!(!is_branch_name(bad), "{bad}");
    }
}
