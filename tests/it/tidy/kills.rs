//! Every fail point is reached by the program, and a test kills it there.

use windlass::failpoints::POINTS;

use super::sources::rust_sources;

#[test]
fn every_fail_point_is_reached_and_has_a_test_that_kills_there() {
    let sources = rust_sources();
    let is_reached = |point: &&str| {
        let call = format!("reach(\"{point}\")");
        sources.iter().any(|source| source.text.contains(&call))
    };
    // A test names the points, or takes all of those with a common beginning.
    let is_killed = |point: &&str| {
        let front = point.split('.').next().unwrap_or_default();
        let (name, all) = (format!("\"{point}\""), format!("starts_with(\"{front}.\")"));
        let kills = sources.iter().filter(|source| {
            source.path.starts_with("tests/it/")
                && !source.path.starts_with("tests/it/tidy/")
                && source.text.contains("WINDLASS_TEST_FAIL_POINT")
        });
        kills
            .into_iter()
            .any(|source| source.text.contains(&name) || source.text.contains(&all))
    };
    let unreached: Vec<_> = POINTS.iter().filter(|point| !is_reached(point)).collect();
    assert!(unreached.is_empty(), "never reached: {unreached:?}");
    let untested: Vec<_> = POINTS.iter().filter(|point| !is_killed(point)).collect();
    assert!(untested.is_empty(), "no test kills at: {untested:?}");
}
