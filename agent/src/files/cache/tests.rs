//! What the cache holds, and for how long.

use std::io::Read;

use windlass_protocol::sha256::digest;

use super::*;
use crate::scratch::Scratch;

/// Puts a file of that content into the cache by way of a folder.
fn keep(cache: &Cache, scratch: &Scratch, content: &[u8]) -> bool {
    std::fs::write(scratch.path().join("x"), content).unwrap();
    let folder = Folder::open(scratch.path()).unwrap();
    cache.keep(
        &folder,
        OsStr::new("x"),
        digest(content),
        content.len() as u64,
    )
}

#[test]
fn contents_come_back_also_after_a_restart_and_never_above_the_bound() {
    let scratch = Scratch::new();
    let path = scratch.path().join("cache");
    let cache = Cache::open(&path, 1000).unwrap();
    let contents: Vec<Vec<u8>> = (0..20_u8).map(|byte| vec![byte; 100]).collect();
    for content in &contents {
        assert!(keep(&cache, &scratch, content));
        // The first one is used all the time.
        assert!(cache.open_file(&digest(&contents[0])).is_some());
        let held: u64 = cache.lock().files.values().map(|held| held.size).sum();
        assert_eq!(held, cache.lock().bytes);
        assert!(held <= 1000);
    }
    let there = |cache: &Cache, at: usize| cache.has(&digest(&contents[at]));
    assert!(there(&cache, 0) && there(&cache, 19) && !there(&cache, 1));
    assert!(!keep(&cache, &scratch, &[1; 1001]), "larger than the bound");
    assert!(!keep(&cache, &scratch, &contents[19]), "held already");

    let cache = Cache::open(&path, 500).unwrap();
    let mut text = Vec::new();
    let file = cache.open_file(&digest(&contents[19]));
    file.unwrap().read_to_end(&mut text).unwrap();
    assert_eq!(text, contents[19]);
    assert_eq!(
        std::fs::read_dir(&path).unwrap().count(),
        cache.lock().files.len()
    );
    assert!(cache.lock().bytes <= 500);
    cache.drop_file(&digest(&contents[19]));
    assert!(!there(&cache, 19));

    assert_eq!(Cache::open(&path, 0).unwrap().lock().files.len(), 0);
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
}
