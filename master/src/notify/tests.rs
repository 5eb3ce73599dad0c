//! The table of occasions, and who is told.

use super::*;
use crate::model::BuildResult::{Cancelled, Error, Failure, Success, Warnings};

fn notify(when: &[Occasion], to: &[Receiver]) -> BTreeMap<String, Notify> {
    let notify = Notify {
        builders: vec!["package".to_owned()],
        when: when.to_vec(),
        to: to.to_vec(),
    };
    BTreeMap::from([("team".to_owned(), notify)])
}

fn finished(previous: Option<BuildResult>, result: BuildResult) -> Finished<'static> {
    Finished {
        builder: "package",
        result,
        previous,
        authors: &[],
    }
}

fn told(when: Occasion, previous: Option<BuildResult>, result: BuildResult) -> bool {
    let to = [Receiver::Address("qa@acme.example".to_owned())];
    !decide(&notify(&[when], &to), &finished(previous, result)).is_empty()
}

#[test]
fn every_occasion_means_what_the_configuration_says() {
    use Occasion::{Always, Change, Failing, Recovered};
    let table = [
        (Change, None, Success, true),
        (Change, None, Failure, true),
        (Change, Some(Success), Success, false),
        (Change, Some(Success), Failure, true),
        (Change, Some(Failure), Success, true),
        (Change, Some(Failure), Error, true),
        (Change, Some(Success), Warnings, true),
        (Change, Some(Success), Cancelled, false),
        (Failing, None, Failure, true),
        (Failing, Some(Success), Failure, true),
        (Failing, Some(Warnings), Error, true),
        (Failing, Some(Error), Failure, false),
        (Failing, Some(Failure), Success, false),
        (Recovered, None, Success, false),
        (Recovered, Some(Error), Warnings, true),
        (Recovered, Some(Success), Success, false),
        (Occasion::Failure, Some(Failure), Failure, true),
        (Occasion::Failure, Some(Failure), Success, false),
        (Occasion::Success, Some(Success), Success, true),
        (Occasion::Success, Some(Success), Cancelled, false),
        (Always, Some(Success), Cancelled, true),
    ];
    for (when, previous, result, expected) in table {
        let shown = format!("{when:?}: {previous:?} -> {result:?}");
        assert_eq!(told(when, previous, result), expected, "{shown}");
    }
}

#[test]
fn another_builder_is_not_told_of() {
    let to = [Receiver::Address("qa@acme.example".to_owned())];
    let mut build = finished(None, Success);
    build.builder = "docs";
    assert!(decide(&notify(&[Occasion::Always], &to), &build).is_empty());
}

#[test]
fn a_receiver_gets_one_mail_and_a_hostile_author_none() {
    let authors: Vec<String> = [
        "mara@acme.example",
        "QA@acme.example",
        "x@acme.example\r\nBcc: all@acme.example",
        "<script>@acme.example",
        "a b@acme.example",
        "two@at@acme.example",
        "-option",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    let to = [
        Receiver::Address("qa@acme.example".to_owned()),
        Receiver::Authors,
    ];
    let build = Finished {
        authors: &authors,
        ..finished(None, Failure)
    };
    let notices = decide(&notify(&[Occasion::Failing, Occasion::Always], &to), &build);
    let receivers: Vec<_> = notices
        .iter()
        .map(|notice| notice.receiver.as_str())
        .collect();
    assert_eq!(receivers, ["qa@acme.example", "mara@acme.example"]);
}

#[test]
fn a_thousand_authors_are_not_a_thousand_mails() {
    let authors: Vec<String> = (0..1000).map(|n| format!("a{n}@acme.example")).collect();
    let build = Finished {
        authors: &authors,
        ..finished(None, Failure)
    };
    let notices = decide(&notify(&[Occasion::Always], &[Receiver::Authors]), &build);
    assert_eq!(notices.len(), MAILS_PER_BUILD_MAX);
}
