//! Every route is asked for in a test, and every template is in use. Templates are rendered by the
//! routes, so that a route's test is its templates' test too.

use windlass::routes::TABLE;

use super::sources::{Source, files, rust_sources};

#[test]
fn every_route_is_asked_for_in_a_test() {
    let tests = rust_sources();
    let asked: Vec<String> = tests
        .iter()
        .filter(|source| source.is_test())
        .flat_map(paths)
        .collect();
    let untested: Vec<_> = TABLE
        .iter()
        .map(|route| route.path)
        // REST is asked for by tests that put the prefix before every path, and `doors` walks all.
        .filter(|route| !route.starts_with("/api/"))
        .filter(|route| !asked.iter().any(|path| fits(route, path)))
        .collect();
    assert!(
        untested.is_empty(),
        "routes that no test asks for: {untested:#?}"
    );
}

#[test]
fn a_path_fits_its_route_alone() {
    assert!(fits("/builds/{id}", "/builds/7?x=1"));
    assert!(fits("/builds/{id}", "/builds/{}"));
    assert!(fits("/", "/"));
    assert!(!fits("/builds/{id}", "/builds"));
    assert!(!fits("/builds/{id}", "/builds/7/cancel"));
    assert!(!fits("/login", "/logout"));
    assert!(fits("/zsync/{target}.zsync", "/zsync/linux.zsync"));
    assert!(!fits("/zsync/{target}.zsync", "/zsync/linux.xml"));
}

#[test]
fn every_template_is_in_use() {
    let code: Vec<Source> = rust_sources()
        .into_iter()
        .chain(files(&["templates"], |_| true))
        .collect();
    let unused: Vec<_> = files(&["templates"], |path| {
        path.ends_with(".html") || path.ends_with(".txt")
    })
    .into_iter()
    .filter_map(|source| source.path.strip_prefix("templates/").map(str::to_owned))
    .filter(|name| {
        let quoted = format!("\"{name}\"");
        !code.iter().any(|source| source.text.contains(&quoted))
    })
    .collect();
    assert!(unused.is_empty(), "templates that nobody uses: {unused:#?}");
}

/// The texts in quotes that begin with a slash.
fn paths(source: &Source) -> Vec<String> {
    let quoted = source.text.split('"').skip(1);
    quoted
        .filter(|text| text.starts_with('/') && !text.contains([' ', '\n']))
        .map(str::to_owned)
        .collect()
}

/// Whether a request for `path`, in which `{…}` stands for anything, goes to `route`.
fn fits(route: &str, path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    // `{name}`, or `{name}` with an ending that the path has too.
    let stands_for = |place: &str, part: &str| {
        place.starts_with('{')
            && place
                .split_once('}')
                .and_then(|(_, ending)| part.strip_suffix(ending))
                .is_some_and(|part| !part.is_empty())
    };
    route.len() == path.len()
        && route
            .iter()
            .zip(&path)
            .all(|(a, b)| a == b || stands_for(a, b))
}
