//! Links keep the filter and nothing hostile gets out of a parameter.

use super::{links, query};

#[test]
fn a_filter_goes_on_in_the_links_and_empty_parameters_vanish() {
    let filter = [("builder", "a&b=c"), ("state", "")];
    assert_eq!(query(&filter), "?builder=a%26b%3Dc");
    assert_eq!(
        links("/builds", &filter, false, Some(7)),
        [
            ("Newest", "/builds?builder=a%26b%3Dc".to_owned()),
            ("Older", "/builds?builder=a%26b%3Dc&before=7".to_owned()),
        ]
    );
    assert_eq!(links("/builds", &[], true, None::<i64>), []);
}
