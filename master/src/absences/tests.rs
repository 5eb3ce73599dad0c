//! Who is told of an absence, and how often.

use super::*;
use crate::clock::Time;
use crate::config::resolved::{Mail, MailTransport};
use crate::db::agents::Presence;
use crate::db::outbox::{self, OutboxMail};
use crate::db::tests::{TestDb, engines};

async fn connect(test: &TestDb, name: &'static str, is_connected: bool) {
    let work = move |conn: &mut Conn| {
        let id = agents::ensure(conn, Time(1), name)?.id;
        let presence = Presence {
            installation: "i".to_owned(),
            version: "1".to_owned(),
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            facts: "{}".to_owned(),
        };
        match is_connected {
            true => agents::connected(conn, Time(3), id, &presence),
            false => agents::disconnected(conn, Time(5), id),
        }
    };
    test.db.tx("test", work).await.unwrap();
}

async fn mails(test: &TestDb) -> Vec<OutboxMail> {
    let all = test.db.read("test", |conn| outbox::newest(conn, None));
    all.await.unwrap()
}

fn watcher(test: &TestDb) -> (Absences, watch::Sender<Arc<Config>>) {
    let mut config = crate::config::sample::config();
    config.mail = Some(Mail {
        from: "builds@acme.example".to_owned(),
        transport: MailTransport::Folder("/nonexistent".into()),
    });
    for name in ["linux-1", "linux-2"] {
        let entry = Entry {
            owner: Some("ada@acme.example".to_owned()),
            contact: Some("room 3.14".to_owned()),
            missing_after: Duration::ZERO,
            ..Entry::default()
        };
        config.agents.insert(name.to_owned(), entry);
    }
    let (sender, config) = watch::channel(Arc::new(config));
    let clock = Clock::manual(Time(10));
    let registry = crate::app::tests::app(test.db.clone()).agents;
    let absences = Absences::new(&test.db, clock, Bells::default(), config, registry);
    (absences, sender)
}

#[tokio::test]
async fn the_owner_is_told_once_of_an_absence_and_once_of_its_end() {
    for test in engines() {
        let (mut absences, _config) = watcher(&test);
        connect(&test, "linux-1", true).await;
        connect(&test, "linux-2", true).await;
        absences.round().await.unwrap();
        assert_eq!(mails(&test).await, vec![]);
        connect(&test, "linux-1", false).await;
        connect(&test, "linux-2", false).await;
        absences.round().await.unwrap();
        absences.round().await.unwrap();
        let told = mails(&test).await;
        assert_eq!(told.len(), 1, "one mail for both: {told:?}");
        assert_eq!(
            (told[0].kind.as_str(), told[0].receiver.as_str()),
            ("agent.missing", "ada@acme.example")
        );
        let seq = told[0].event;
        let read = move |conn: &mut Conn| outbox::absences(conn, seq);
        let content = test.db.read("test", read).await.unwrap();
        let names: Vec<&str> = content.agents.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["linux-1", "linux-2"]);
        assert_eq!(content.agents[0].since, Some(Time(5)));
        connect(&test, "linux-2", true).await;
        absences.round().await.unwrap();
        absences.round().await.unwrap();
        let told = mails(&test).await;
        assert_eq!((told.len(), told[0].kind.as_str()), (2, "agent.recovered"));
        connect(&test, "linux-2", false).await;
        absences.round().await.unwrap();
        assert_eq!(mails(&test).await.len(), 3, "another absence is told anew");
    }
}

#[tokio::test]
async fn who_never_came_or_is_away_for_a_moment_is_not_missing() {
    let test = crate::db::tests::sqlite();
    let (mut absences, config) = watcher(&test);
    let make = |conn: &mut Conn| agents::ensure(conn, Time(1), "linux-1").map(drop);
    test.db.tx("test", make).await.unwrap();
    absences.round().await.unwrap();
    assert_eq!(mails(&test).await, vec![]);
    config.send_modify(|config| {
        let mut patient = Config::clone(config);
        let entry = patient.agents.get_mut("linux-1").unwrap();
        entry.missing_after = Duration::from_secs(600);
        *config = Arc::new(patient);
    });
    connect(&test, "linux-1", true).await;
    connect(&test, "linux-1", false).await;
    absences.round().await.unwrap();
    assert_eq!(mails(&test).await, vec![]);
}
