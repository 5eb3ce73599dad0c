//! Times and sizes as people read them, and hostile text on its way into a mail.

use super::*;
use crate::db::outbox::{MailChange, MailStamp};

fn told() -> MailBuild {
    MailBuild {
        id: 41,
        builder: "package".to_owned(),
        number: 3,
        result: "failure".to_owned(),
        started_at: Time(0),
        finished_at: Some(Time(62_000_000)),
        stamps: vec![MailStamp {
            repository: "editor".to_owned(),
            branch: "$(touch x);-rf\u{1b}[31m".to_owned(),
            revision: "c0ffee1234567890".to_owned(),
        }],
        changes: vec![MailChange {
            revision: "c0ffee1234567890".to_owned(),
            author: "Mara\r\nBcc: all@acme.example".to_owned(),
            subject: "Draw faster".to_owned(),
        }],
        changes_total: 4,
        steps: vec![
            named("build", "run", "failure", Some(7)),
            named("check", "run", "skipped", None),
        ],
        ..MailBuild::default()
    }
}

fn named(name: &str, kind: &str, result: &str, log: Option<i64>) -> MailStep {
    MailStep {
        name: name.to_owned(),
        kind: kind.to_owned(),
        result: result.to_owned(),
        state_text: String::new(),
        started_at: None,
        finished_at: None,
        log: log.map(LogId),
    }
}

fn master() -> Master {
    Master {
        title: "Acme builds".to_owned(),
        url: "https://builds.acme.example".to_owned(),
        data: "data".into(),
        agent_listen: ([127, 0, 0, 1], 0).into(),
        agent_address: None,
        agent_tls: None,
        agent_plain: true,
        web_listen: ([127, 0, 0, 1], 0).into(),
        database: None,
        anonymous_read: true,
        bucket: None,
        collecting: Default::default(),
    }
}

#[test]
fn spans_and_sizes_are_written_as_people_say_them() {
    let spans = [
        (850, "850 ms"),
        (12_340, "12.3 s"),
        (245_000, "4 min 5 s"),
        (7_620_000, "2 h 7 min"),
    ];
    for (millis, text) in spans {
        assert_eq!(span(Duration::from_millis(millis)), text);
    }
    let sizes = [
        (512, "512 B"),
        (1_500, "1.5 kB"),
        (12_000_000, "12.0 MB"),
        (999_999, "999.9 kB"),
    ];
    for (bytes, text) in sizes {
        assert_eq!(size(bytes), text);
    }
}

#[test]
fn the_first_failed_step_is_quoted_and_else_the_last_command() {
    let mut build = told();
    assert_eq!(telling_log(&build), Some((LogId(7), LINES_FAILED)));
    build.steps = vec![
        named("make", "run", "success", Some(1)),
        named("test", "run", "success", Some(2)),
        named("product", "product", "success", Some(3)),
    ];
    assert_eq!(telling_log(&build), Some((LogId(2), LINES_WELL)));
    build.steps.clear();
    assert_eq!(telling_log(&build), None);
}

#[test]
fn hostile_text_reaches_the_report_as_plain_lines() {
    let report = report(&master(), &told(), Some(b"\x1b[31merror\x1b[0m: no\r\n"));
    assert_eq!(report.duration, "1 min 2 s");
    assert_eq!(report.changes[0].author, "Mara  Bcc: all@acme.example");
    assert_eq!(report.stamps[0].branch, "$(touch x);-rf [31m");
    assert_eq!(report.stamps[0].revision, "c0ffee1234");
    assert_eq!(report.changes_more, 3);
    assert_eq!(report.url, "https://builds.acme.example/builds/41");
    let excerpt = report.excerpt.unwrap();
    assert_eq!(excerpt.heading, "First problem: the end of build");
    assert_eq!(excerpt.lines, ["error: no"]);
}
