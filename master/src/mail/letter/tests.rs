//! What the bytes of a mail look like.

use super::*;

pub(crate) fn letter() -> Letter {
    Letter {
        from: "Acme builds <builds@acme.example>".to_owned(),
        to: "mara@acme.example".to_owned(),
        subject: "✗ package #12: failure (main c0ffee1)".to_owned(),
        text: "text\n".to_owned(),
        html: "<p>html</p>\n".to_owned(),
        message_id: "<event-7.00ff@deployment.windlass>".to_owned(),
        thread: "<package@deployment.windlass>".to_owned(),
        list: "package <package.deployment.windlass>".to_owned(),
        result: "failure".to_owned(),
        date: Time(1_700_000_000_000_000),
    }
}

#[test]
fn a_mail_says_that_a_machine_wrote_it_and_where_it_belongs() {
    let bytes = String::from_utf8(letter().message().unwrap().formatted()).unwrap();
    for line in [
        "Message-ID: <event-7.00ff@deployment.windlass>",
        "In-Reply-To: <package@deployment.windlass>",
        "References: <package@deployment.windlass>",
        "Auto-Submitted: auto-generated",
        "X-Windlass-Result: failure",
        "Date: Tue, 14 Nov 2023 22:13:20 +0000",
    ] {
        assert!(
            bytes.lines().any(|found| found == line),
            "{line} is not in\n{bytes}"
        );
    }
    assert!(
        bytes.contains("text/plain") && bytes.contains("text/html"),
        "{bytes}"
    );
}

#[test]
fn a_hostile_subject_adds_no_header() {
    let mut hostile = letter();
    hostile.subject = "x\r\nBcc: all@acme.example\r\n\r\nbody".to_owned();
    hostile.result = "failure\r\nBcc: all@acme.example".to_owned();
    let bytes = String::from_utf8(hostile.message().unwrap().formatted()).unwrap();
    let (head, _) = bytes.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
}

#[test]
fn a_bad_receiver_is_never_tried_again() {
    let mut bad = letter();
    bad.to = "not an address".to_owned();
    let error = bad.message().unwrap_err();
    assert!(matches!(&error, MailError::Never(text) if text.contains("not an address")));
}
