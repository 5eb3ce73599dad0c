//! Password rules and hashes.

use super::*;

#[test]
fn a_password_fits_its_own_hash_alone() {
    let hashed = hash("correct horse").unwrap();
    assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_ne!(hashed, hash("correct horse").unwrap());
    assert!(verify("correct horse", Some(&hashed)));
    assert!(!verify("correct horsf", Some(&hashed)));
    assert!(!verify("correct horse", None));
    assert!(!verify("correct horse", Some("not a hash")));
}

#[test]
fn the_stand_in_for_unknown_users_is_a_real_hash() {
    assert!(PasswordHash::new(NOBODY).is_ok());
}

#[test]
fn weak_passwords_are_refused_with_the_reason() {
    let refusal = |password: &str| check_rules("ann", password).unwrap_err();
    assert!(refusal("short").contains("at least 10"));
    assert!(refusal("aaaaaaaaaaaaaaaa").contains("four different"));
    assert!(refusal("xAnnx12345").contains("user name"));
    assert!(refusal(&"abcd".repeat(1_000)).contains("at most 1024"));
    assert_eq!(check_rules("ann", "correct horse battery"), Ok(()));
    assert_eq!(check_rules("e", "correct horse"), Ok(()));
}

#[test]
fn generated_passwords_are_fresh_and_good() {
    let (one, two) = (generate(), generate());
    assert_ne!(one, two);
    assert_eq!(one.len(), GENERATED_CHARS);
    assert_eq!(check_rules("admin", &one), Ok(()));
}
