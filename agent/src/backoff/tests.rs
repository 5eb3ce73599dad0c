//! The promises of the waits between two dials.

use super::Backoff;

#[test]
fn every_wait_lies_between_minimum_and_maximum() {
    let mut backoff = Backoff::new(1_000, 60_000);
    for round in 0..200_u64 {
        let wait = backoff
            .fail(round.wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .as_millis();
        assert!((1_000..=60_000).contains(&wait), "round {round}: {wait}");
    }
}

#[test]
fn the_ceiling_grows_and_a_success_resets_it() {
    let mut backoff = Backoff::new(1_000, 60_000);
    assert!(backoff.fail(u64::MAX).as_millis() <= 2_000);
    for _ in 0..30 {
        backoff.fail(7);
    }
    assert_eq!(backoff.clone().fail(59_000).as_millis(), 60_000);
    backoff.succeed();
    assert!(backoff.fail(u64::MAX).as_millis() <= 2_000);
}

#[test]
fn equal_bounds_give_that_wait() {
    assert_eq!(Backoff::new(50, 50).fail(123).as_millis(), 50);
}
