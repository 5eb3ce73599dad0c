//! The table of names.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, NAMES, class_of, env_of};

#[test]
fn what_comes_from_outside_is_classed_so() {
    let matrix = BTreeMap::from([("arch".to_owned(), "x86_64".to_owned())]);
    let class = |name| class_of(name, &matrix, &["flavour"]);
    for outside in [
        "branch",
        "revision",
        "describe",
        "author",
        "reason",
        "form.flavour",
    ] {
        assert_eq!(class(outside), Some(Class::Outside), "{outside}");
    }
    assert_eq!(class("arch"), Some(Class::Config));
    assert_eq!(class("agent.cpus"), Some(Class::Agent));
    assert_eq!(class("agent.labels.os"), Some(Class::Config));
    for unknown in ["form.other", "agent.", "agent.labels.", "brunch", ""] {
        assert_eq!(class(unknown), None, "{unknown}");
    }
}

#[test]
fn no_two_names_share_an_environment_variable() {
    let variables: BTreeSet<String> = NAMES.iter().map(|entry| env_of(entry.name)).collect();
    assert_eq!(variables.len(), NAMES.len());
    assert_eq!(env_of("branch"), "WINDLASS_BRANCH");
    assert_eq!(env_of("form.my-flavour"), "WINDLASS_FORM_MY_FLAVOUR");
    assert_eq!(env_of("arch"), "WINDLASS_MATRIX_ARCH");
}
