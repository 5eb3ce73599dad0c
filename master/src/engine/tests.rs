//! The engine's decisions as tables.

use std::collections::BTreeMap;

use super::environment::{Surroundings, environment, traceparent};
use super::files::matching;
use super::form;
use super::progress::{Next, StepOutcome, next};
use super::properties::{AgentFacts, Facts, SourceFacts, properties};
use super::scope::{NoValue, Scope, interpolate, interpolate_glob};
use crate::config::names::{Class, NAMES, class_of};
use crate::config::resolved::Trigger;
use crate::config::template::Template;
use crate::model::BuildResult::{self, Cancelled, Error, Failure, Skipped, Success, Warnings};

fn step(result: Option<BuildResult>) -> StepOutcome {
    StepOutcome {
        result,
        begun: false,
        always: false,
        may_fail: false,
    }
}

#[test]
fn steps_follow_each_other_until_one_fails() {
    let always = |result| StepOutcome {
        always: true,
        ..step(result)
    };
    let may_fail = |result| StepOutcome {
        may_fail: true,
        ..step(result)
    };
    let begun = StepOutcome {
        begun: true,
        ..step(None)
    };
    let (ok, bad) = (Some(Success), Some(Failure));
    let table = [
        (vec![step(None), step(None)], false, Next::Do(0)),
        (vec![step(ok), step(None)], false, Next::Do(1)),
        (vec![step(ok), step(ok)], false, Next::Finish(Success)),
        (vec![step(bad), step(None)], false, Next::Skip(1)),
        (vec![step(bad), always(None)], false, Next::Do(1)),
        (
            vec![step(bad), step(Some(Skipped))],
            false,
            Next::Finish(Failure),
        ),
        (vec![may_fail(bad), step(None)], false, Next::Do(1)),
        (vec![may_fail(bad), step(ok)], false, Next::Finish(Warnings)),
        (
            vec![step(Some(Warnings)), step(ok)],
            false,
            Next::Finish(Warnings),
        ),
        (
            vec![step(Some(Error)), always(bad)],
            false,
            Next::Finish(Error),
        ),
        (vec![step(ok), always(None)], true, Next::Skip(1)),
        (vec![step(ok), begun, step(None)], true, Next::Do(1)),
        (vec![step(bad), begun], false, Next::Do(1)),
        (
            vec![step(ok), step(Some(Cancelled))],
            true,
            Next::Finish(Cancelled),
        ),
        (vec![], false, Next::Finish(Success)),
    ];
    for (steps, cancelled, expected) in table {
        assert_eq!(next(&steps, cancelled), expected, "{steps:?} {cancelled}");
    }
}

fn facts() -> Facts {
    Facts {
        builder: "package-x86_64".to_owned(),
        project: "editor".to_owned(),
        build: 812,
        number: 7,
        schedule: Some("push".to_owned()),
        reason: "one change".to_owned(),
        matrix: BTreeMap::from([("arch".to_owned(), "x86_64".to_owned())]),
        requested: r#"{"form.flavour":"debug","form.jobs":3,"form.clean":true}"#.to_owned(),
        source: Some(SourceFacts {
            repository: "editor".to_owned(),
            branch: "$(touch x);-rf*".to_owned(),
            revision: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            position: 41,
            describe: "v1.2-3-gabc".to_owned(),
            author: "Ann \0<b>".to_owned(),
        }),
        update_urls: crate::updates::update_urls("https://b.example", "editor", Some("main-0")),
        agent: AgentFacts {
            name: "linux-1".to_owned(),
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            version: "0.1.0".to_owned(),
            facts: r#"{"cpus":8,"memory":17179869184}"#.to_owned(),
            labels: BTreeMap::from([("pool".to_owned(), "main".to_owned())]),
        },
    }
}

#[test]
fn every_name_of_the_table_has_a_value_and_every_property_a_class() {
    let facts = facts();
    let properties = properties(&facts);
    let scope = Scope::new(&properties);
    for entry in NAMES {
        assert!(scope.value(entry.name).is_some(), "{}", entry.name);
    }
    for property in &properties {
        let parameters = ["flavour", "jobs", "clean"];
        let class = class_of(&property.name, &facts.matrix, &parameters);
        assert!(class.is_some(), "{}", property.name);
        let outside = matches!(property.source.as_str(), "form");
        assert!(
            !outside || class == Some(Class::Outside),
            "{}",
            property.name
        );
    }
}

#[test]
fn templates_are_filled_and_outside_values_are_no_globs() {
    let scope = Scope::new(&properties(&facts()));
    let fill = |text: &str| interpolate(&Template::parse(text).unwrap(), &scope);
    let table = [
        ("make -j{agent.cpus} ${HOME} {{x}}", "make -j8 ${HOME} {x}"),
        ("{arch}-{agent.labels.pool}", "x86_64-main"),
        (
            "{form.flavour} {form.jobs} {form.clean}|{form.unknown}|",
            "debug 3 true||",
        ),
        (
            "{short_revision} {seq} {buildnumber} {build}",
            "0123456789ab 41 7 812",
        ),
        ("{agent.memory_mb}", "16384"),
    ];
    for (text, expected) in table {
        assert_eq!(fill(text), Ok(expected.to_owned()));
    }
    assert_eq!(fill("{nothing}"), Err(NoValue("nothing".to_owned())));
    let glob = Template::parse("dist/*-{branch}").unwrap();
    let glob = interpolate_glob(&glob, &scope).unwrap();
    let paths = ["dist/a-$(touch x);-rf*", "dist/a-$(touch x);-rfx"];
    assert_eq!(matching(&glob, &paths), Ok(vec![paths[0]]));
}

#[test]
fn outside_values_reach_a_command_as_variables() {
    let scope = Scope::new(&properties(&facts()));
    let around = Surroundings {
        build_url: "https://b.example/builds/812".to_owned(),
        committed_at_s: Some(1_700_000_000),
        workspace: Some("/srv/agent/package/own-0".to_owned()),
        traceparent: traceparent("https://b.example/builds/812 5", 9),
    };
    let environment = environment(&scope, &around);
    for (name, value) in [
        ("CI", "true"),
        ("CI_NAME", "windlass"),
        ("BUILD_NUMBER", "7"),
        ("BUILD_URL", "https://b.example/builds/812"),
        ("CI_COMMIT_BRANCH", "$(touch x);-rf*"),
        ("WINDLASS_BRANCH", "$(touch x);-rf*"),
        ("WINDLASS_AUTHOR", "Ann \u{fffd}<b>"),
        ("WINDLASS_FORM_FLAVOUR", "debug"),
        ("WINDLASS_MATRIX_ARCH", "x86_64"),
        ("SOURCE_DATE_EPOCH", "1700000000"),
        ("WORKSPACE", "/srv/agent/package/own-0"),
    ] {
        assert_eq!(
            environment.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
    let manual = include_str!("../../../docs/environment.md");
    let of_a_key = |name: &str| {
        let keys = ["MATRIX", "FORM", "AGENT_LABELS"];
        keys.iter()
            .any(|key| name.starts_with(&format!("WINDLASS_{key}_")))
    };
    for name in environment.keys().filter(|name| !of_a_key(name)) {
        assert!(
            manual.contains(&format!("`{name}`")),
            "docs/environment.md lacks {name}"
        );
    }
    for vendor in [
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "BUILDKITE",
        "JENKINS_URL",
        "DRONE",
    ] {
        assert!(!environment.contains_key(vendor), "{vendor}");
    }
}

#[test]
fn each_build_is_a_trace_and_each_step_a_span() {
    let all = ["x 1", "x 2"].map(|build| [3, 4].map(|step| traceparent(build, step)));
    for parent in all.iter().flatten() {
        let parts: Vec<&str> = parent.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(
            (parts[0], parts[3], lengths),
            ("00", "01", vec![2, 32, 16, 2])
        );
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(parts.iter().all(|part| part.chars().all(hex)), "{parent}");
    }
    let trace = |parent: &str| parent[3..35].to_owned();
    assert_eq!(trace(&all[0][0]), trace(&all[0][1]));
    assert_ne!(trace(&all[0][0]), trace(&all[1][0]));
    assert_ne!(all[0][0], all[0][1]);
    assert_eq!(all[0][0], traceparent("x 1", 3), "the same after a restart");
}

#[test]
fn a_glob_stays_in_its_folder_and_says_what_is_near() {
    let paths = [
        "dist/editor-1.2.tar.gz",
        "dist/editor.zip",
        "README",
        "src/main.c",
    ];
    let found = matching("./dist/editor-*.tar.gz", &paths);
    assert_eq!(found, Ok(vec!["dist/editor-1.2.tar.gz"]));
    assert_eq!(matching("**/*.c", &paths), Ok(vec!["src/main.c"]));
    assert!(matching("*.c", &paths).is_err(), "`*` stays in one folder");
    let error = matching("dist/editor-*.tar.xz", &paths).unwrap_err();
    assert!(
        error.starts_with(
            "no file matches `dist/editor-*.tar.xz`; nearest: `dist/editor-1.2.tar.gz`"
        ),
        "{error}"
    );
    for escape in ["../x", "/etc/*", "a/../../x", "a\\..\\x"] {
        let error = matching(escape, &paths).unwrap_err();
        assert!(error.contains("leaves the build's folder"), "{error}");
    }
    let error = matching("[", &paths).unwrap_err();
    assert!(error.contains("is no glob"), "{error}");
    let error = matching("x", &[]).unwrap_err();
    assert!(error.contains("folder is empty"), "{error}");
}

#[test]
fn a_form_is_typed_and_names_the_field_at_fault() {
    let config = crate::config::sample::config();
    let Trigger::Force { parameters } = &config.schedules["by-hand"].trigger else {
        panic!("by-hand is a force schedule");
    };
    let check = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        let values = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        form::check(parameters, &values.collect())
            .map(|map| serde_json::Value::Object(map).to_string())
            .map_err(|bad| format!("{}: {}", bad.name, bad.text))
    };
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(check(&[]), ok(r#"{"form.flavour":"debug"}"#));
    let all = check(&[("flavour", "release"), ("jobs", "4")]);
    assert_eq!(all, ok(r#"{"form.flavour":"release","form.jobs":4}"#));
    let bad = |text: &str| Err(text.to_owned());
    let choice = check(&[("flavour", "other")]);
    assert_eq!(choice, bad("flavour: one of debug, release is expected"));
    assert_eq!(
        check(&[("jobs", "x")]),
        bad("jobs: a whole number is expected")
    );
    let unknown = check(&[("job", "1")]);
    assert_eq!(
        unknown,
        bad("job: there is no such field: the form has flavour, jobs")
    );
}
