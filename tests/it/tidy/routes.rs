//! Every template is named in a test.

use super::sources::{files, rust_sources};

#[test]
fn every_template_is_named_in_a_test() {
    let tests: Vec<_> = rust_sources()
        .into_iter()
        .filter(|source| source.is_test())
        .collect();
    let untested: Vec<_> = files(&["templates"], |path| {
        path.ends_with(".html") || path.ends_with(".txt")
    })
    .into_iter()
    .filter_map(|source| source.path.strip_prefix("templates/").map(str::to_owned))
    .filter(|name| !tests.iter().any(|test| test.text.contains(name.as_str())))
    .collect();
    assert!(
        untested.is_empty(),
        "templates that no test names: {untested:#?}"
    );
}
