//! Mail to a real server that wants STARTTLS and AUTH.

use std::path::Path;

use windlass::clock::Time;
use windlass::config::resolved::{Mail, MailSecurity, MailTransport, SecretRef};
use windlass::mail::{Letter, MailError, Sender};
use windlass_tests::mailbox::{Mailbox, PASSWORD, USER};
use windlass_tests::programs::tools;

fn mail(mailbox: &Mailbox, folder: &Path, password: &str, trusted: bool) -> Mail {
    let secret = folder.join("password");
    std::fs::write(&secret, format!("{password}\n")).expect("the folder is writable");
    Mail {
        from: "Acme builds <builds@acme.example>".to_owned(),
        transport: MailTransport::Smtp {
            host: "localhost".to_owned(),
            port: mailbox.port(),
            security: MailSecurity::StartTls,
            user: Some(USER.to_owned()),
            password: Some(SecretRef::File(secret)),
            ca_file: trusted.then(|| mailbox.certificate()),
        },
    }
}

fn letter() -> Letter {
    Letter {
        from: "Acme builds <builds@acme.example>".to_owned(),
        to: "mara@acme.example".to_owned(),
        subject: "✓ package #1: success (main c0ffee1)".to_owned(),
        text: "Build time  1 min 2 s\n.\n.hidden line\n".to_owned(),
        html: "<p>Build time 1 min 2 s</p>\n".to_owned(),
        message_id: "<event-1.00ff@d.windlass>".to_owned(),
        thread: "<builder.package@d.windlass>".to_owned(),
        list: "<package.editor.d.windlass>".to_owned(),
        result: "success".to_owned(),
        date: Time::from_unix_seconds(1_700_000_000),
    }
}

#[tokio::test]
async fn a_mail_arrives_over_starttls_and_a_wrong_password_or_certificate_keeps_it() {
    let Some(tools) = tools("the mail server test") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut mailbox = Mailbox::new(&tools, folder.path());
    mailbox.start(0.0);

    for (password, trusted) in [("wrong", true), (PASSWORD, false)] {
        let sender = Sender::new(&mail(&mailbox, folder.path(), password, trusted));
        let refused = sender.expect("a sender").send(&letter()).await;
        assert!(matches!(&refused, Err(MailError::Later(_))), "{refused:?}");
        let told = format!("{refused:?}");
        assert!(!told.contains(PASSWORD), "the password is told: {told}");
    }
    assert!(mailbox.mails().is_empty());

    let sender = Sender::new(&mail(&mailbox, folder.path(), PASSWORD, true)).expect("a sender");
    sender.send(&letter()).await.expect("the server takes it");
    let mails = mailbox.mails();
    let parsed = mail_parser::MessageParser::new()
        .parse(&mails[0])
        .expect("it is a mail");
    assert_eq!(
        parsed.subject(),
        Some("✓ package #1: success (main c0ffee1)")
    );
    assert_eq!(parsed.message_id(), Some("event-1.00ff@d.windlass"));
    let text = parsed.body_text(0).expect("a text part");
    assert!(
        text.contains("1 min 2 s") && text.contains("\n.hidden line"),
        "{text}"
    );
    assert!(parsed.body_html(0).is_some_and(|html| html.contains("<p>")));
}
