//! Secrets and their hashes.

use super::*;

#[test]
fn a_secret_is_random_and_only_its_hash_is_stored() {
    let (one, two) = (issue(TOKEN_PREFIX), issue(TOKEN_PREFIX));
    assert_ne!(one.secret, two.secret);
    assert_eq!(one.secret.len(), TOKEN_PREFIX.len() + 64);
    assert_eq!(one.hash, hash(&one.secret));
    assert!(!one.hash.contains(&one.secret));
}

#[test]
fn the_hash_is_plain_sha_256() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash("abc"), abc);
}
