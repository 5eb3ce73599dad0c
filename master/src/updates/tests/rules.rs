//! Each rule of an answer by itself.

use super::*;

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
    let facts = nightly(&three());
    assert_eq!(told(&facts, &Asker::default()), offer(2));
    assert_eq!(told(&facts, &asks("1.0", None)), offer(2));
    assert_eq!(told(&facts, &asks("1.0", Some(3))), offer(2));
    assert_eq!(told(&facts, &asks("1.1", None)), Answer::UpToDate);
    assert_eq!(told(&facts, &asks("1.1", Some(99))), Answer::UpToDate);
}

#[test]
fn nothing_is_offered_where_there_is_nothing() {
    assert_eq!(told(&nightly(&[]), &asks("1.0", None)), Answer::Nothing);
}

#[test]
fn what_may_not_be_offered_is_skipped_and_nobody_is_sent_back() {
    use ProductState::{Candidate, Deleted, Expired, Recorded, Released, Superseded, Withdrawn};
    for state in [Withdrawn, Expired, Deleted, Superseded] {
        let mut products = three();
        products[1].state = state;
        let facts = nightly(&products);
        assert_eq!(told(&facts, &Asker::default()), offer(3), "{state}");
        assert_eq!(told(&facts, &asks("1.1", None)), Answer::UpToDate);
    }
    for state in [Recorded, Candidate, Released] {
        let mut products = three();
        products[1].state = state;
        assert_eq!(told(&nightly(&products), &Asker::default()), offer(2));
    }
    let mut products = three();
    products[1].is_complete = false;
    assert_eq!(told(&nightly(&products), &Asker::default()), offer(3));
}

#[test]
fn of_two_builds_of_one_version_the_later_is_offered_to_whoever_names_the_earlier() {
    let facts = nightly(&[product(1, 5, 1, "2.0"), product(2, 5, 2, "2.0")]);
    assert_eq!(told(&facts, &asks("2.0", Some(1))), offer(2));
    assert_eq!(told(&facts, &asks("2.0", Some(2))), Answer::UpToDate);
    assert_eq!(told(&facts, &asks("2.0", None)), Answer::UpToDate);
}

#[test]
fn a_version_never_recorded_is_compared_and_offered_the_latest_where_it_does_not_compare() {
    let mut facts = nightly(&three());
    assert_eq!(told(&facts, &asks("0.9", None)), offer(2));
    assert_eq!(told(&facts, &asks("1.0.7-3-gdeadbee", None)), offer(2));
    assert_eq!(told(&facts, &asks("7", None)), Answer::UpToDate);
    assert_eq!(told(&facts, &asks("Nightly!", None)), offer(2));
    facts.scheme = VersionScheme::Deb;
    assert_eq!(told(&facts, &asks("1:0.1", None)), Answer::UpToDate);
}

#[test]
fn the_feed_version_names_a_product_too_and_is_compared_with_its_like() {
    let mut products = three();
    products[1].version = "build-11".to_owned();
    products[1].feed_version = Some("1.1.0+2".to_owned());
    let facts = nightly(&products);
    assert_eq!(told(&facts, &asks("1.1.0+2", None)), Answer::UpToDate);
    assert_eq!(told(&facts, &asks("1.0.5", None)), offer(2));
    assert_eq!(told(&facts, &asks("1.2.0", None)), Answer::UpToDate);
}

#[test]
fn whoever_cannot_run_the_newest_gets_the_newest_that_runs_and_then_the_reason() {
    let mut products = three();
    products[1].min_os = Some("13".to_owned());
    let facts = nightly(&products);
    let on = |version: &str, build| Asker {
        os_version: Some("12.4".to_owned()),
        ..asks(version, build)
    };
    assert_eq!(told(&facts, &on("1.0", Some(1))), offer(3));
    let Answer::Unsupported { reason, version } = told(&facts, &on("1.0", Some(3))) else {
        panic!("supported");
    };
    assert_eq!(version, "1.1");
    assert!(reason.contains("13") && reason.contains("12.4"), "{reason}");
    // Who has it all the same has nothing to be told.
    assert_eq!(told(&facts, &on("1.1", None)), Answer::UpToDate);
}

#[test]
fn a_shut_off_comes_before_everything() {
    let mut facts = nightly(&three());
    facts.shut_offs.push(ShutOff {
        branch: None,
        reason: "broken updater".to_owned(),
    });
    let off = Answer::ShutOff {
        reason: "broken updater".to_owned(),
    };
    assert_eq!(told(&facts, &Asker::default()), off);
    assert_eq!(
        answer(&facts, &asks("1.0", None), Wish::Current).answer,
        off
    );
}

#[test]
fn a_redirect_is_followed_to_its_end_and_one_that_has_none_is_not() {
    let mut trail = Trail::begin(hop(1, Some(2)));
    assert_eq!(trail.next(), Some(BranchId(2)));
    trail.go(hop(2, None));
    assert_eq!((trail.next(), trail.end().unwrap().id.0), (None, 2));
    let mut round = Trail::begin(hop(1, Some(2)));
    round.go(hop(2, Some(1)));
    assert!(round.next().is_none() && round.is_broken());
    assert_eq!(round.end().unwrap().id.0, 1);
    let mut long = Trail::begin(hop(1, Some(2)));
    while let Some(next) = long.next() {
        long.go(hop(next.0, Some(next.0 + 1)));
    }
    assert_eq!(long.hops().len(), HOPS_MAX);
    assert_eq!(long.end().unwrap().id.0, 1);
}

#[test]
fn those_outside_a_rollout_get_the_fallback() {
    let (old, new) = (product(1, 1, 1, "1.0"), product(2, 2, 2, "2.0"));
    let facts = released(&new, 0, Some(&old));
    assert_eq!(told(&facts, &Asker::default()), offer(1));
    assert_eq!(told(&facts, &asks("0.5", None)), offer(1));
    assert_eq!(told(&facts, &asks("1.0", None)), Answer::UpToDate);
    assert_eq!(told(&facts, &asks("2.0", None)), Answer::UpToDate);
    let facts = released(&new, 50, None);
    let decision = answer(&facts, &asks("1.0", None), Wish::Update);
    assert_eq!(decision.answer, Answer::UpToDate);
    assert!(decision.depends_on_id);
    let forced = Asker {
        force: true,
        ..asks("1.0", None)
    };
    assert_eq!(told(&facts, &forced), offer(2));
    let decision = answer(&released(&new, 100, None), &forced, Wish::Update);
    assert!(!decision.depends_on_id);
}

#[test]
fn a_paused_release_stays_with_those_who_have_it_and_comes_to_nobody_new() {
    let (old, new) = (product(1, 1, 1, "1.0"), product(2, 2, 2, "2.0"));
    let mut facts = released(&new, 100, Some(&old));
    facts.choices[0].terms.as_mut().unwrap().is_paused = true;
    assert_eq!(told(&facts, &asks("2.0", None)), Answer::UpToDate);
    assert_eq!(told(&facts, &asks("0.9", None)), offer(1));
    assert_eq!(told(&facts, &Asker::default()), offer(1));
    let has_it = answer(&facts, &asks("2.0", None), Wish::Current).answer;
    assert_eq!(has_it, offer(2));
}

#[test]
fn nobody_leaps_over_a_watershed() {
    let [first, step, new] = [
        product(1, 1, 1, "1.0"),
        product(2, 2, 2, "2.0"),
        product(3, 3, 3, "3.0"),
    ];
    let mut facts = released(&new, 100, None);
    facts.watersheds = vec![Candidate {
        state: ProductState::Superseded,
        ..step.clone()
    }];
    facts.own = vec![first, step, new];
    assert_eq!(told(&facts, &asks("1.0", None)), offer(2));
    assert_eq!(told(&facts, &asks("0.1", None)), offer(2));
    assert_eq!(told(&facts, &asks("2.0", None)), offer(3));
    assert_eq!(told(&facts, &Asker::default()), offer(3));
    facts.watersheds[0].is_complete = false;
    assert_eq!(told(&facts, &asks("1.0", None)), Answer::UpToDate);
    facts.watersheds[0].min_os = Some("9".to_owned());
    let old = Asker {
        os_version: Some("8".to_owned()),
        ..asks("1.0", None)
    };
    assert!(matches!(told(&facts, &old), Answer::Unsupported { .. }));
}

#[test]
fn those_who_have_what_was_rolled_back_are_moved_down_and_nobody_else() {
    let [low, mid, bad] = [
        product(1, 1, 1, "1.0"),
        product(2, 2, 2, "2.0"),
        product(3, 3, 3, "3.0"),
    ];
    let mut facts = released(&low, 100, None);
    facts.own = vec![low, mid, bad];
    facts.rolled_back = vec![ProductId(3)];
    assert_eq!(told(&facts, &asks("3.0", None)), offer(1));
    assert_eq!(told(&facts, &asks("2.0", None)), Answer::UpToDate);
    assert_eq!(told(&facts, &asks("1.0", None)), Answer::UpToDate);
}

#[test]
fn a_rollback_to_another_build_of_the_same_version_does_not_go_round_for_ever() {
    let (low, bad) = (product(1, 1, 1, "3.0"), product(3, 3, 3, "3.0"));
    let mut facts = released(&low, 100, None);
    facts.own = vec![low, bad];
    facts.rolled_back = vec![ProductId(3)];
    assert_eq!(told(&facts, &asks("3.0", Some(3))), offer(1));
    assert_eq!(told(&facts, &asks("3.0", Some(1))), Answer::UpToDate);
    assert_eq!(told(&facts, &asks("3.0", None)), Answer::UpToDate);
}

#[test]
fn every_answer_says_why() {
    let facts = released(&product(2, 2, 2, "2.0"), 20, Some(&product(1, 1, 1, "1.0")));
    let all = answer(&facts, &asks("0.5", None), Wish::Update).explained;
    let text = all.join("\n");
    for part in [
        "not shut off",
        "releases only",
        "never recorded",
        "20 %",
        "product 1",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}
