//! A mail server that is killed while a mail is under way: nothing is lost.

use windlass_tests::git::Repository;
use windlass_tests::mailbox::{Mailbox, PASSWORD, USER};
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::tools;
use windlass_tests::wait;

const STEPS: &str = "  { source = \"editor\" },\n  { run = \"echo built; exit 3\" },";

#[test]
fn a_mail_server_killed_while_sending_loses_no_mail() {
    let Some(tools) = tools("the test of a killed mail server") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut mailbox = Mailbox::new(&tools, &folder.path().join("mail"));
    std::fs::write(folder.path().join("password"), PASSWORD).expect("writable");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit_as(
        "Mara <script>alert(1)</script>\u{1b}[31m <mara@acme.example>",
        "Begin",
    );
    let more = format!(
        "[mail]\nfrom = \"builds@acme.example\"\n\
         smtp = \"smtp+starttls://{USER}@localhost:{}\"\n\
         password = {{ file = \"{}\" }}\nca_file = \"{}\"\n\n\
         [notify.team]\nto = [\"qa@acme.example\", \"authors\"]\n",
        mailbox.port(),
        folder.path().join("password").display(),
        mailbox.certificate().display(),
    );
    let mut master = Master::new(&small_configuration(&repository, STEPS, &more));
    // Holds every mail for a minute, so that it is surely killed with one under way.
    mailbox.start(60.0);
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "failure", "{build}");
    wait::until("a mail is under way", || {
        mailbox.is_mail_under_way().then_some(())
    });
    mailbox.kill();
    assert!(mailbox.mails().is_empty());

    mailbox.start(0.0);
    let mails = wait::until("both mails have come", || {
        let mails = mailbox.mails();
        (mails.len() >= 2).then_some(mails)
    });
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        let parsed = mail_parser::MessageParser::new()
            .parse(mail)
            .expect("it is a mail");
        let text = parsed.body_text(0).expect("a text part").into_owned();
        for part in ["failure", "Build time", "built", "Begin"] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        let html = parsed.body_html(0).expect("an HTML part");
        assert!(!html.contains("<script"), "{html}");
    }
}
