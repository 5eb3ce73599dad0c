//! The login limits.

use super::*;

const START: Time = Time(1_000_000_000);

#[test]
fn the_eleventh_try_in_a_minute_is_refused_and_the_next_minute_is_free() {
    let logins = Logins::default();
    for _ in 0..TRIES_MAX {
        assert!(logins.allow(START, "ann", "192.0.2.1"));
    }
    assert!(!logins.allow(START, "ann", "192.0.2.1"));
    assert!(logins.allow(START, "bob", "192.0.2.1"), "another name");
    assert!(logins.allow(START, "ann", "192.0.2.2"), "another address");
    assert!(logins.allow(START.after(WINDOW), "ann", "192.0.2.1"));
}

#[test]
fn many_names_from_one_address_are_refused() {
    let logins = Logins::default();
    let tries = (0..ADDRESS_TRIES_MAX + 1).map(|n| logins.allow(START, &format!("u{n}"), "::1"));
    assert_eq!(tries.filter(|allowed| !allowed).count(), 1);
}

#[test]
fn a_right_password_forgets_the_tries() {
    let logins = Logins::default();
    for _ in 0..3 * TRIES_MAX {
        assert!(logins.allow(START, "ann", "192.0.2.1"));
        logins.forget("ann", "192.0.2.1");
    }
}

#[test]
fn a_flood_of_addresses_does_not_grow_the_memory() {
    let logins = Logins::default();
    for n in 0..2 * ENTRIES_MAX {
        logins.allow(START, "ann", &n.to_string());
    }
    assert!(logins.tries.lock().unwrap().len() <= ENTRIES_MAX + 1);
}
