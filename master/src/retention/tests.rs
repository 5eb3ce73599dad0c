//! What is kept, what goes, and that the newest of a living branch never does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::clock::Time;
use crate::config::collecting::{Collect, Retention};
use crate::ids::ProductId;
use crate::model::{Forecast, Point, ProductState};

const DAY: Duration = Duration::from_secs(86_400);
const NOW: Time = Time(1_767_323_045_000_000);

fn ago(days: u32) -> Time {
    NOW.before(DAY * days)
}

fn branch(deleted_at: Option<Time>) -> Branch {
    Branch {
        project: "editor".to_owned(),
        name: "main".to_owned(),
        deleted_at,
    }
}

fn policies(change: impl Fn(&mut Retention)) -> Policies {
    let mut default = Retention {
        keep_newest: 2,
        keep_newest_good: 1,
        ..Retention::default()
    };
    change(&mut default);
    Policies::new(&BTreeMap::from([("default".to_owned(), default)])).unwrap()
}

/// Product `id`, recorded `days` ago.
fn facts(id: i64, days: u32) -> Facts {
    Facts {
        id: ProductId(id),
        state: ProductState::Recorded,
        recorded_at: ago(days),
        restored_at: None,
        is_good: false,
        bad_since: None,
        unheld_at: None,
        is_complete: true,
        needs: String::new(),
        has_block_map: false,
        references: Reasons::NONE,
    }
}

/// Ids that may be collected, and the newest before and after.
fn walk(policies: &Policies, branch: &Branch, all: &[Facts]) -> (Vec<i64>, bool) {
    let terms = policies.terms(&branch.project, &branch.name);
    let mut walk = Walk::new(terms, branch, NOW, 1);
    let judged = all.iter().map(|facts| (facts.id.0, walk.judge(facts)));
    let gone = judged.filter(|(_, judged)| judged.reasons.is_empty());
    let gone: Vec<i64> = gone.map(|(id, _)| id).collect();
    let (before, after) = walk.latest();
    (gone, before == after)
}

#[test]
fn the_newest_stay_and_only_what_is_old_too_goes() {
    let all: Vec<Facts> = (0..6)
        .map(|n| facts(6 - n, u32::try_from(n).unwrap() * 14))
        .collect();
    let (gone, same) = walk(&policies(|_| {}), &branch(None), &all);
    assert_eq!(
        gone,
        [3, 2, 1],
        "younger than 30 days or of the 2 newest stay"
    );
    assert!(same);
}

#[test]
fn a_quiet_branch_keeps_its_newest_however_old_they_are() {
    let all = [facts(3, 900), facts(2, 901), facts(1, 902)];
    let (gone, same) = walk(&policies(|_| {}), &branch(None), &all);
    assert_eq!((gone, same), (vec![1], true));
}

#[test]
fn a_branch_that_was_deleted_long_ago_keeps_only_what_somebody_refers_to() {
    let mut all = [facts(3, 90), facts(2, 91), facts(1, 92)];
    all[1].references = Reasons::HELD;
    let policies = policies(|says| says.deleted_branches = Some(DAY * 10));
    let (gone, same) = walk(&policies, &branch(Some(ago(9))), &all);
    assert_eq!((gone, same), (vec![1], true), "deleted only 9 days ago");
    let (gone, same) = walk(&policies, &branch(Some(ago(10))), &all);
    assert_eq!((gone, same), (vec![3, 1], false));
}

#[test]
fn a_bad_product_with_a_bug_goes_early_and_takes_no_place_but_never_the_latest() {
    let mut all = [facts(4, 3), facts(3, 4), facts(2, 50), facts(1, 51)];
    all[0].bad_since = Some(ago(3));
    all[1].bad_since = Some(ago(3));
    let policies = policies(|says| says.bad = Some(DAY * 2));
    let (gone, same) = walk(&policies, &branch(None), &all);
    assert_eq!((gone, same), (vec![3], true));
}

#[test]
fn the_newest_good_one_stays_wherever_it_is() {
    let mut all = [facts(4, 90), facts(3, 91), facts(2, 92), facts(1, 93)];
    all[2].is_good = true;
    all[3].is_good = true;
    let (gone, _) = walk(&policies(|_| {}), &branch(None), &all);
    assert_eq!(gone, [1]);
}

#[test]
fn the_newest_that_is_whole_stays_when_newer_ones_are_damaged() {
    let mut all = [facts(4, 90), facts(3, 91), facts(2, 92), facts(1, 93)];
    for facts in &mut all[..3] {
        facts.is_complete = false;
    }
    let (gone, same) = walk(&policies(|_| {}), &branch(None), &all);
    assert_eq!((gone, same), (vec![2], true));
}

#[test]
fn the_newest_that_an_old_system_can_run_stays_for_those_who_have_one() {
    let mut all = [
        facts(5, 90),
        facts(4, 91),
        facts(3, 92),
        facts(2, 93),
        facts(1, 94),
    ];
    for facts in &mut all[..3] {
        facts.needs = "macos 14".to_owned();
    }
    let (gone, _) = walk(&policies(|_| {}), &branch(None), &all);
    assert_eq!(gone, [3, 1]);
}

#[test]
fn a_hold_that_just_ended_and_a_product_that_just_came_back_have_their_grace() {
    let mut all = [
        facts(5, 90),
        facts(4, 91),
        facts(3, 92),
        facts(2, 93),
        facts(1, 94),
    ];
    all[2].unheld_at = Some(ago(6));
    all[3].restored_at = Some(ago(6));
    all[4].unheld_at = Some(ago(7));
    let (gone, _) = walk(&policies(|_| {}), &branch(None), &all);
    assert_eq!(gone, [1]);
}

#[test]
fn of_several_policies_each_term_is_what_keeps_longer_and_the_default_is_for_the_rest() {
    let says = |branches: &str, newest, days, bad| Retention {
        branches: vec![branches.to_owned()],
        keep_newest: newest,
        keep: DAY * days,
        bad,
        ..Retention::default()
    };
    let all = BTreeMap::from([
        ("default".to_owned(), says("**", 9, 99, None)),
        ("a".to_owned(), says("release/*", 1, 50, Some(DAY))),
        ("b".to_owned(), says("release/**", 7, 5, None)),
    ]);
    let policies = Policies::new(&all).unwrap();
    let terms = policies.terms("editor", "release/1").unwrap();
    assert_eq!((terms.policy.as_str(), terms.keep_newest), ("a+b", 7));
    assert_eq!((terms.keep, terms.bad), (DAY * 50, None));
    let terms = policies.terms("editor", "release/1/fix").unwrap();
    assert_eq!(terms.policy, "b");
    assert_eq!(policies.terms("editor", "main").unwrap().policy, "default");
    let none = Policies::new(&BTreeMap::new()).unwrap();
    assert_eq!(none.terms("editor", "main"), None);
    let (gone, _) = walk(&none, &branch(None), &[facts(2, 900), facts(1, 900)]);
    assert!(gone.is_empty(), "what no policy is about stays");
}

#[test]
fn a_policy_that_cannot_be_read_is_an_error_and_no_policy() {
    let says = Retention {
        branches: vec!["[".to_owned()],
        ..Retention::default()
    };
    let error = Policies::new(&BTreeMap::from([("odd".to_owned(), says)])).unwrap_err();
    assert!(
        error.to_string().starts_with("[retention.odd]: "),
        "{error}"
    );
}

#[test]
fn plans_are_due_once_a_day_or_after_the_time_between() {
    let four = Collect::Daily { minute: 240 };
    let day = |hours: i64| Time(hours * 3_600_000_000);
    assert_eq!(next_run(four, day(3)), day(4));
    assert_eq!(next_run(four, day(4)), day(28));
    assert_eq!(next_run(Collect::Every(DAY), day(4)), day(28));
}

#[test]
fn a_store_that_grows_evenly_is_full_when_the_line_says_so() {
    let points: Vec<Point> = (0..11)
        .map(|n| Point {
            at: Time(n * 86_400_000_000),
            bytes: 1_000 + n * 100,
        })
        .collect();
    let told = forecast(&points, Some(3_000));
    assert_eq!(told.bytes_per_day, 100);
    assert_eq!(told.full_at, Some(Time(20 * 86_400_000_000)));
    assert_eq!(forecast(&points, None).full_at, None);
    assert_eq!(forecast(&points[..1], Some(3_000)), Forecast::default());
}
