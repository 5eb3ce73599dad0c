//! The loop over a real database and a folder of mails.

use super::*;
use crate::db::outbox::queue_build_mails;
use crate::db::outbox::tests::{finish, ground, team};
use crate::db::tests::{TestDb, engines, sqlite};
use crate::ids::OutboxId;
use crate::model::OutboxState;

struct Log(&'static [u8]);

impl Tails for Log {
    async fn tail(&self, _: LogId, _: usize) -> Option<Vec<u8>> {
        assert_ne!(self.0, b"trap", "the test wants a fault inside");
        Some(self.0.to_vec())
    }
}

fn config(mail: Option<crate::config::resolved::Mail>) -> Arc<Config> {
    Arc::new(Config {
        file: "windlass.toml".into(),
        master: crate::config::resolved::Master {
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
        },
        mail,
        projects: Default::default(),
        repositories: Default::default(),
        agent_defaults: Default::default(),
        uploads: Default::default(),
        agents: Default::default(),
        builders: Default::default(),
        schedules: Default::default(),
        notifies: team(),
        retention: Default::default(),
    })
}

fn folder(path: &std::path::Path) -> crate::config::resolved::Mail {
    crate::config::resolved::Mail {
        from: "builds@acme.example".to_owned(),
        transport: crate::config::resolved::MailTransport::Folder(path.to_owned()),
    }
}

async fn queue(test: &TestDb, clock: &Clock) {
    let now = clock.now();
    let work = move |conn: &mut _| {
        ground(conn)?;
        let (seq, build) = finish(conn, "failure")?;
        queue_build_mails(conn, now, &team(), seq, build)
    };
    assert_eq!(test.db.tx("queue", work).await.unwrap(), 2);
}

async fn states(test: &TestDb) -> Vec<OutboxState> {
    let mails = test.db.read("all", |conn| outbox::newest(conn, None)).await;
    mails.unwrap().iter().map(|mail| mail.state).collect()
}

fn notifier(
    test: &TestDb,
    clock: &Clock,
    config: Arc<Config>,
) -> (Notifier<Log>, watch::Sender<Arc<Config>>) {
    let (sender, receiver) = watch::channel(config);
    let parts = (test.db.clone(), clock.clone(), Bells::default());
    (
        Notifier::new(parts.0, parts.1, parts.2, receiver, Log(b"boom\n")),
        sender,
    )
}

#[tokio::test]
async fn every_queued_mail_is_sent_once() {
    for test in engines() {
        let mails = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Time(1_000_000_000));
        queue(&test, &clock).await;
        let (notifier, _config) = notifier(&test, &clock, config(Some(folder(mails.path()))));
        notifier.round().await.unwrap();
        notifier.round().await.unwrap();
        assert_eq!(states(&test).await, [OutboxState::Sent, OutboxState::Sent]);
        let texts: Vec<_> = std::fs::read_dir(mails.path())
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .filter(|text| text.starts_with("From:") || text.contains("\r\nSubject:"))
            .collect();
        assert_eq!(texts.len(), 2);
        assert!(
            texts
                .iter()
                .all(|text| text.contains("X-Windlass-Result: failure"))
        );
    }
}

#[tokio::test]
async fn a_mail_without_a_way_out_waits_longer_and_longer_and_is_given_up_after_days() {
    let test = sqlite();
    let clock = Clock::manual(Time(1_000_000_000));
    queue(&test, &clock).await;
    let (notifier, _config) = notifier(&test, &clock, config(None));
    assert_eq!(notifier.round().await.unwrap(), PAUSE_FIRST);
    clock.advance(PAUSE_FIRST);
    assert_eq!(notifier.round().await.unwrap(), PAUSE_FIRST * 2);
    assert_eq!(
        states(&test).await,
        [OutboxState::Waiting, OutboxState::Waiting]
    );
    clock.advance(AGE_MAX);
    notifier.round().await.unwrap();
    assert_eq!(
        states(&test).await,
        [OutboxState::Failed, OutboxState::Failed]
    );
    let mails = test.db.read("all", |conn| outbox::newest(conn, None)).await;
    let reason = mails.unwrap()[0].last_error.clone().unwrap();
    assert!(reason.contains("no [mail]"), "{reason}");
}

#[tokio::test]
async fn a_repaired_configuration_sends_what_waited() {
    let test = sqlite();
    let mails = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Time(1_000_000_000));
    queue(&test, &clock).await;
    let (notifier, sender) = notifier(&test, &clock, config(None));
    notifier.round().await.unwrap();
    sender.send_replace(config(Some(folder(mails.path()))));
    clock.advance(PAUSE_FIRST);
    notifier.round().await.unwrap();
    assert_eq!(states(&test).await, [OutboxState::Sent, OutboxState::Sent]);
}

#[test]
fn pauses_double_up_to_their_maximum() {
    let seconds: Vec<_> = [1, 2, 3, 8, 9, 1_000_000]
        .map(|n| pause(n).as_secs())
        .to_vec();
    assert_eq!(seconds, [5, 10, 20, 640, 900, 900]);
}

#[test]
fn a_final_refusal_is_not_tried_again() {
    let mail = OutboxMail {
        id: OutboxId(1),
        notify: "team".to_owned(),
        kind: "build.finished".to_owned(),
        event: 1,
        build: None,
        receiver: "x@acme.example".to_owned(),
        message_id: "<1@x>".to_owned(),
        state: OutboxState::Sending,
        attempts: 1,
        next_at: Time(0),
        last_error: None,
        created_at: Time(0),
        sent_at: None,
    };
    let never = Err(MailError::Never("550".to_owned()));
    assert_eq!(
        verdict(&mail, Time(0), never),
        Verdict::Failed("550".to_owned())
    );
}

#[tokio::test]
async fn a_mail_that_cannot_be_made_waits_and_keeps_nobody_else_back() {
    let test = sqlite();
    let mails = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Time(1_000_000_000));
    queue(&test, &clock).await;
    let with_a_log = |conn: &mut _| {
        let rows = "INSERT INTO logs
             (step_id, name, state, bytes, lines, path, compressed, created_at)
             VALUES (1, 'output', 'open', 0, 0, 'x', FALSE, 0);";
        crate::db::tests::sql(conn, rows)
    };
    test.db.tx("test", with_a_log).await.unwrap();
    let (mut notifier, _config) = notifier(&test, &clock, config(Some(folder(mails.path()))));
    notifier.tails = Log(b"trap");
    notifier.round().await.unwrap();
    assert_eq!(
        states(&test).await,
        [OutboxState::Waiting, OutboxState::Waiting]
    );
    notifier.tails = Log(b"boom\n");
    clock.advance(PAUSE_FIRST);
    notifier.round().await.unwrap();
    assert_eq!(states(&test).await, [OutboxState::Sent, OutboxState::Sent]);
}
