//! Tables of answers and of version orders.

use std::cmp::Ordering;

use super::*;

fn product(id: i64, position: i64, build: i64, version: &str) -> Candidate {
    Candidate {
        id: ProductId(id),
        seq: (position, build, id),
        version: version.to_owned(),
        feed_version: None,
        build_number: build,
        state: ProductState::Recorded,
        is_complete: true,
    }
}

fn asks(version: &str, build: Option<i64>) -> Asker {
    Asker {
        version: Some(version.to_owned()),
        build,
    }
}

/// Build 3 is a rebuild of the old revision at position 1: recorded last, yet not the latest.
fn three() -> Vec<Candidate> {
    vec![
        product(1, 1, 1, "1.0"),
        product(2, 2, 2, "1.1"),
        product(3, 1, 3, "1.0"),
    ]
}

#[test]
fn the_latest_is_decided_by_the_source_and_not_by_the_time_of_building() {
    let offer = Answer::Offer(ProductId(2));
    assert_eq!(answer(&three(), &Asker::default()), offer);
    assert_eq!(answer(&three(), &asks("1.0", None)), offer);
    assert_eq!(answer(&three(), &asks("1.0", Some(3))), offer);
    assert_eq!(answer(&three(), &asks("1.1", None)), Answer::UpToDate);
    assert_eq!(answer(&three(), &asks("1.1", Some(99))), Answer::UpToDate);
}

#[test]
fn nothing_is_offered_where_there_is_nothing() {
    assert_eq!(answer(&[], &asks("1.0", None)), Answer::Nothing);
}

#[test]
fn what_may_not_be_offered_is_skipped_and_nobody_is_sent_back() {
    use ProductState::{Candidate, Deleted, Expired, Recorded, Released, Superseded, Withdrawn};
    for state in [Withdrawn, Expired, Deleted, Superseded] {
        let mut products = three();
        products[1].state = state;
        let offer = Answer::Offer(ProductId(3));
        assert_eq!(answer(&products, &Asker::default()), offer, "{state}");
        assert_eq!(answer(&products, &asks("1.1", None)), Answer::UpToDate);
    }
    for state in [Recorded, Candidate, Released] {
        let mut products = three();
        products[1].state = state;
        assert_eq!(
            answer(&products, &Asker::default()),
            Answer::Offer(ProductId(2))
        );
    }
    let mut products = three();
    products[1].is_complete = false;
    assert_eq!(
        answer(&products, &Asker::default()),
        Answer::Offer(ProductId(3))
    );
}

#[test]
fn of_two_builds_of_one_version_the_later_is_offered_to_whoever_names_the_earlier() {
    let products = [product(1, 5, 1, "2.0"), product(2, 5, 2, "2.0")];
    assert_eq!(
        answer(&products, &asks("2.0", Some(1))),
        Answer::Offer(ProductId(2))
    );
    assert_eq!(answer(&products, &asks("2.0", Some(2))), Answer::UpToDate);
    assert_eq!(answer(&products, &asks("2.0", None)), Answer::UpToDate);
}

#[test]
fn a_version_never_recorded_is_compared_and_offered_the_latest_where_it_does_not_compare() {
    let offer = Answer::Offer(ProductId(2));
    assert_eq!(answer(&three(), &asks("0.9", None)), offer);
    assert_eq!(answer(&three(), &asks("1.0.7-3-gdeadbee", None)), offer);
    assert_eq!(answer(&three(), &asks("Nightly!", None)), offer);
    assert_eq!(answer(&three(), &asks("", None)), offer);
    assert_eq!(answer(&three(), &asks("7", None)), Answer::UpToDate);
}

#[test]
fn the_feed_version_names_a_product_too() {
    let mut products = three();
    products[1].feed_version = Some("1.1.0+2".to_owned());
    assert_eq!(answer(&products, &asks("1.1.0+2", None)), Answer::UpToDate);
}

#[test]
fn versions_compare_as_people_mean_them() {
    use Ordering::{Equal, Greater, Less};
    for (left, right, order) in [
        ("1.0", "1.0", Some(Equal)),
        ("1.9", "1.10", Some(Less)),
        ("v1.2.3", "1.2.3", Some(Equal)),
        ("1.2.0-rc.1", "1.2.0", Some(Less)),
        ("1.2.0-rc.2", "1.2.0-rc.10", Some(Less)),
        ("v1.2.0-5-gabcdef0", "v1.2.0", Some(Greater)),
        ("v1.2.0-5-gabcdef0", "v1.2.0-12-g0123456", Some(Less)),
        ("v1.2.0-5-gabcdef0-dirty", "v1.3.0", Some(Less)),
        ("2024.01.3.7", "2024.01.3.10", Some(Less)),
        ("2024.01", "2024.1.0.0", Some(Equal)),
        ("abc", "1.0", None),
        ("1.0", "", None),
        ("99999999999999999999999999.1", "1.0", None),
    ] {
        assert_eq!(compare_versions(left, right), order, "{left} {right}");
        let back = order.map(Ordering::reverse);
        assert_eq!(compare_versions(right, left), back, "{right} {left}");
    }
}
