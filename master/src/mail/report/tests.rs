//! Golden parts of mail/subject.txt, mail/body.txt and mail/body.html.

use super::*;

fn report() -> Report {
    Report {
        site: "Acme builds".to_owned(),
        project: "Acme Editor".to_owned(),
        builder: "package".to_owned(),
        number: 12,
        result: "failure".to_owned(),
        state_text: "make check failed".to_owned(),
        reason: "2 changes on main".to_owned(),
        agent: "linux-1".to_owned(),
        finished_at: "2026-11-20 10:39:21 UTC".to_owned(),
        duration: "1 min 2 s".to_owned(),
        url: "https://builds.acme.example/builders/package/builds/12".to_owned(),
        stamps: vec![Stamp {
            repository: "editor".to_owned(),
            branch: "<b>$(touch x);-rf</b>".to_owned(),
            revision: "c0ffee1".to_owned(),
        }],
        changes: vec![Change {
            revision: "c0ffee1".to_owned(),
            author: "Mara <script>alert(1)</script>".to_owned(),
            subject: "Draw faster".to_owned(),
        }],
        changes_more: 3,
        steps: vec![Step {
            name: "make check".to_owned(),
            result: "failure".to_owned(),
            state_text: "exit status 2".to_owned(),
            duration: "58 s".to_owned(),
        }],
        excerpt: Some(Excerpt {
            heading: "The end of make check".to_owned(),
            lines: vec!["error: <no>".to_owned(), "  at line 3".to_owned()],
        }),
        products: vec![Product {
            version: "1.2.0".to_owned(),
            target: "x86_64-linux".to_owned(),
            url: "https://builds.acme.example/products/9".to_owned(),
            files: vec!["editor-1.2.0.tar.gz (1.2 MB)".to_owned()],
        }],
    }
}

#[test]
fn the_subject_tells_builder_number_result_and_place() {
    let subject = report().subject().unwrap();
    assert_eq!(
        subject,
        "✗ package #12: failure (<b>$(touch x);-rf</b> c0ffee1)"
    );
}

#[test]
fn the_text_reads_well() {
    let text = report().text().unwrap();
    let expected = "\
✗ package #12: failure - make check failed

Project     Acme Editor
Build       https://builds.acme.example/builders/package/builds/12
Build time  1 min 2 s, finished 2026-11-20 10:39:21 UTC
Agent       linux-1
Reason      2 changes on main
Source      editor, branch <b>$(touch x);-rf</b>, revision c0ffee1

Products
  1.2.0 for x86_64-linux: https://builds.acme.example/products/9
    editor-1.2.0.tar.gz (1.2 MB)

Changes
  c0ffee1 Mara <script>alert(1)</script>: Draw faster
  and 3 more

Steps
  failure  make check (58 s): exit status 2

The end of make check
  | error: <no>
  |   at line 3

--\u{20}
Acme builds: https://builds.acme.example/builders/package/builds/12";
    assert_eq!(text.trim_end(), expected);
}

#[test]
fn the_html_lets_no_outside_text_be_markup() {
    let html = report().html().unwrap();
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("<b>"), "{html}");
    assert!(!html.contains("<no>"), "{html}");
    assert!(html.contains("href=\"https://builds.acme.example/builders/package/builds/12\""));
    assert!(html.contains("alert(1)"), "the author is shown as text");
}

#[test]
fn a_bare_report_has_no_empty_headings() {
    let bare = Report {
        result: "success".to_owned(),
        ..Report::default()
    };
    let text = bare.text().unwrap();
    assert!(
        !text.contains("Products") && !text.contains("Changes"),
        "{text}"
    );
}
