//! The mirror against real repositories.

mod damage;

use sha2::{Digest as _, Sha256};

use super::fixture::Repository;
use super::*;
use crate::model::TreeKind;

fn stop() -> CancellationToken {
    CancellationToken::new()
}

async fn mirrored(repository: &Repository) -> (tempfile::TempDir, Mirror) {
    let home = tempfile::tempdir().unwrap();
    let mirror = Mirror::new(home.path().join("editor"), repository.url());
    refresh(&mirror).await;
    (home, mirror)
}

async fn refresh(mirror: &Mirror) {
    let branches = mirror.list_remote(&stop()).await.unwrap();
    let names: Vec<String> = branches.into_iter().map(|branch| branch.name).collect();
    mirror.fetch(&names, &stop()).await.unwrap();
}

#[tokio::test]
async fn an_empty_repository_has_no_branches() {
    let repository = Repository::new();
    let (_home, mirror) = mirrored(&repository).await;
    assert_eq!(mirror.list_remote(&stop()).await.unwrap(), vec![]);
    let error = mirror.resolve("main", None, &stop()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no branch `main`");
}

#[tokio::test]
async fn new_commits_come_oldest_first_with_author_message_and_files() {
    let repository = Repository::new();
    let first = repository.commit("first", &[("a", "1"), ("dir/b", "2")]);
    let second = repository.commit("second\n\nbody <b>\u{1b}[31m", &[("a", "3")]);
    repository.git(&["mv", "a", "c"]);
    let third = repository.commit("third", &[]);
    let (_home, mirror) = mirrored(&repository).await;
    let new = mirror.commits_between(&first, &third, 100, &stop()).await;
    let new = new.unwrap();
    assert_eq!(new.total, 2);
    let seen: Vec<_> = new.commits.iter().map(|c| c.revision.clone()).collect();
    assert_eq!(seen, vec![second, third.clone()]);
    assert_eq!(new.commits[0].message, "second\n\nbody <b>\u{1b}[31m");
    assert_eq!(new.commits[0].author, "Ann");
    assert_eq!(new.commits[0].author_email, "ann@example.org");
    assert_eq!(new.commits[0].files, vec!["a"]);
    assert_eq!(new.commits[1].files, vec!["a", "c"]);
    let newest = mirror
        .commits_between(&first, &third, 1, &stop())
        .await
        .unwrap();
    assert_eq!((newest.total, newest.commits.len()), (2, 1));
    assert_eq!(newest.commits[0].revision, third);
    let root = mirror.commit(&first, &stop()).await.unwrap();
    assert_eq!(root.files, vec!["a", "dir/b"]);
    assert_eq!(mirror.count(&third, &stop()).await.unwrap(), 3);
}

#[tokio::test]
async fn hostile_branch_names_stay_names() {
    let repository = Repository::new();
    let id = repository.commit("first", &[("a", "1")]);
    let hostile = [
        "$(touch${IFS}x);-rf",
        "-rf",
        "--upload-pack=touch",
        "a;b|c&d",
        "ünï'\"",
    ];
    for name in hostile {
        let full = format!("refs/heads/{name}");
        repository.git(&["update-ref", "--", &full, &id]);
    }
    let (home, mirror) = mirrored(&repository).await;
    for name in hostile {
        let found = mirror.resolve(name, None, &stop()).await.unwrap();
        assert_eq!(found, id, "{name}");
        mirror.retire(name, &id, true, &stop()).await.unwrap();
        assert!(mirror.resolve(name, None, &stop()).await.is_err(), "{name}");
    }
    assert!(mirror.has(&id, &stop()).await.unwrap());
    assert!(!home.path().join("x").exists() && !Path::new("x").exists());
}

#[tokio::test]
async fn a_revision_is_found_only_on_its_branch() {
    let repository = Repository::new();
    let first = repository.commit("first", &[("a", "1")]);
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    let side = repository.commit("side", &[("b", "1")]);
    let (_home, mirror) = mirrored(&repository).await;
    let resolve = async |branch: &str, revision: &str| {
        let answer = mirror.resolve(branch, Some(revision), &stop()).await;
        answer.map_err(|error| error.to_string())
    };
    assert_eq!(resolve("side", &side[..10]).await, Ok(side.clone()));
    assert_eq!(resolve("side", &first).await, Ok(first.clone()));
    let error = resolve("main", &side).await.unwrap_err();
    assert_eq!(
        error,
        format!("the revision `{side}` is not on the branch `main`")
    );
    for wrong in ["--all", "HEAD~1", "main", "", "abc", "$(id)"] {
        let error = resolve("main", wrong).await.unwrap_err();
        assert!(error.contains("is no revision"), "{wrong}: {error}");
    }
    let unknown = resolve("main", &"0".repeat(40)).await.unwrap_err();
    assert!(unknown.contains("there is no revision"), "{unknown}");
}

#[tokio::test]
async fn a_forced_push_keeps_the_old_revision_reachable() {
    let repository = Repository::new();
    repository.commit("first", &[("a", "1")]);
    let old = repository.commit("old", &[("a", "2")]);
    let (_home, mirror) = mirrored(&repository).await;
    repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let new = repository.commit("new", &[("a", "3")]);
    mirror.retire("main", &old, false, &stop()).await.unwrap();
    refresh(&mirror).await;
    assert_eq!(mirror.resolve("main", None, &stop()).await.unwrap(), new);
    let between = mirror
        .commits_between(&old, &new, 10, &stop())
        .await
        .unwrap();
    assert_eq!(between.total, 1);
    mirror
        .call("gc")
        .args(["--quiet", "--prune=now"])
        .run(&stop())
        .await
        .unwrap();
    assert!(mirror.has(&old, &stop()).await.unwrap());
}

#[tokio::test]
async fn a_tree_lists_files_links_and_modes_with_their_sha256() {
    let repository = Repository::new();
    std::fs::create_dir_all(repository.path().join("dir")).unwrap();
    std::os::unix::fs::symlink("../etc/passwd", repository.path().join("link")).unwrap();
    repository.commit("first", &[("dir/run", "#!/bin/sh\n"), ("empty", "")]);
    repository.git(&["update-index", "--chmod=+x", "dir/run"]);
    repository.git(&["commit", "--quiet", "-m", "mode"]);
    let id = repository.git(&["rev-parse", "HEAD"]);
    let (_home, mirror) = mirrored(&repository).await;
    let tree = mirror.tree(&id, &stop()).await.unwrap();
    assert_eq!(tree.entries.len(), 3);
    assert_eq!(tree.entries[0].path, b"dir/run");
    let TreeKind::File {
        executable,
        size,
        sha256,
        ..
    } = &tree.entries[0].kind
    else {
        panic!("dir/run is a file");
    };
    assert_eq!((*executable, *size), (true, 10));
    assert_eq!(sha256[..], Sha256::digest(b"#!/bin/sh\n")[..]);
    let link = TreeKind::Link {
        target: b"../etc/passwd".to_vec(),
    };
    assert_eq!(tree.entries[2].kind, link);
    assert_eq!(
        mirror.tree(&id, &stop()).await.unwrap(),
        tree,
        "the second time from memory"
    );
    let again = Mirror::new(mirror.folder().to_owned(), repository.url());
    assert_eq!(
        again.tree(&id, &stop()).await.unwrap(),
        tree,
        "after a restart from the file"
    );
}

#[tokio::test]
async fn a_thousand_files_stream_in_the_wanted_order() {
    let repository = Repository::new();
    for n in 0..1_000 {
        let path = repository.path().join(format!("f{n:04}"));
        std::fs::write(path, format!("content {n}\n").repeat(n)).unwrap();
    }
    let id = repository.commit("many", &[]);
    let (_home, mirror) = mirrored(&repository).await;
    let tree = mirror.tree(&id, &stop()).await.unwrap();
    assert_eq!(tree.entries.len(), 1_000);
    let objects: Vec<String> = tree
        .entries
        .iter()
        .rev()
        .filter_map(|entry| match &entry.kind {
            TreeKind::File { object, .. } => Some(object.clone()),
            TreeKind::Link { .. } => None,
        })
        .collect();
    let mut receiver = mirror.contents(objects);
    let mut all = Vec::new();
    while let Some(piece) = receiver.recv().await {
        all.extend_from_slice(&piece.unwrap());
    }
    let expected: String = (0..1_000)
        .rev()
        .map(|n| format!("content {n}\n").repeat(n))
        .collect();
    assert!(
        all == expected.as_bytes(),
        "{} of {} bytes",
        all.len(),
        expected.len()
    );
}

#[tokio::test]
async fn describe_names_the_nearest_tag_or_counts() {
    let repository = Repository::new();
    let first = repository.commit("first", &[("a", "1")]);
    let (_home, mirror) = mirrored(&repository).await;
    let facts = mirror.facts(&first, &stop()).await.unwrap();
    assert_eq!(facts.describe, format!("0.0.0-1-g{}", &first[..12]));
    repository.git(&["tag", "v1.0"]);
    let second = repository.commit("second", &[("a", "2")]);
    refresh(&mirror).await;
    let facts = mirror.facts(&second, &stop()).await.unwrap();
    assert_eq!(facts.describe, format!("v1.0-1-g{}", &second[..12]));
}

#[tokio::test]
async fn errors_are_readable_and_hold_no_password() {
    let home = tempfile::tempdir().unwrap();
    let mirror = Mirror::new(home.path().join("x"), "/nowhere/at/all.git".to_owned());
    let error = mirror.list_remote(&stop()).await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all.git"), "{error}");
    let option = Mirror::new(home.path().join("y"), "--upload-pack=touch x".to_owned());
    assert!(option.list_remote(&stop()).await.is_err());
    let words = program::last_words(b"a\nfatal: no 'https://me:secret@host/x' \x1b[31m\n");
    assert_eq!(words, "a; fatal: no 'https://***@host/x' \u{fffd}[31m");
}

#[tokio::test]
async fn a_cancel_ends_the_program() {
    let repository = Repository::new();
    let home = tempfile::tempdir().unwrap();
    let mirror = Mirror::new(home.path().join("editor"), repository.url());
    let stopped = stop();
    stopped.cancel();
    let outcome = mirror.list_remote(&stopped).await;
    assert!(matches!(outcome, Err(VcsError::Cancelled)) || outcome.is_ok_and(|b| b.is_empty()));
}
