//! Who may use a token, how often, and what comes of it.

use super::*;
use crate::db::tests::{TestDb, engines};

const NOW: Time = Time(1_000);
const END: Time = Time(2_000);

async fn made(test: &TestDb, names: &str) {
    let new = NewAgentToken {
        public_id: "t1".to_owned(),
        secret_hex: "5e".repeat(32),
        names: names.to_owned(),
        labels: BTreeMap::from([("pool".to_owned(), "lab".to_owned())]),
        slots: 3,
        created_by: "ada".to_owned(),
        expires_at: END,
    };
    let work = move |conn: &mut Conn| insert(conn, NOW, &new);
    test.db.tx("test", work).await.unwrap();
}

fn asking(name: &str, installation: &str, key: &str) -> Asking {
    Asking {
        public_id: "t1".to_owned(),
        name: name.to_owned(),
        installation: installation.to_owned(),
        key_hex: key.repeat(32),
    }
}

async fn ask(test: &TestDb, now: Time, asking: Asking) -> Result<AgentId, &'static str> {
    let work = move |conn: &mut Conn| enrol(conn, now, &asking);
    test.db.tx("test", work).await.unwrap()
}

async fn keys(test: &TestDb, name: &'static str) -> Vec<String> {
    let read = move |conn: &mut Conn| agents::keys(conn, name);
    let found = test.db.read("test", read).await.unwrap();
    found.map(|keys| keys.hex).unwrap_or_default()
}

#[tokio::test]
async fn a_token_makes_the_agent_with_its_labels_and_a_key() {
    for test in engines() {
        made(&test, "box-7").await;
        let id = ask(&test, NOW, asking("box-7", "i1", "aa")).await.unwrap();
        let read = move |conn: &mut Conn| agents::by_id(conn, id);
        let agent = test.db.read("test", read).await.unwrap();
        assert!(agent.enrolled && agent.active && agent.has_key);
        assert_eq!((agent.labels["pool"].as_str(), agent.slots), ("lab", 3));
        assert_eq!(keys(&test, "box-7").await, ["aa".repeat(32)]);
        let all = test.db.read("test", list).await.unwrap();
        assert_eq!(all[0].agent.as_deref(), Some("box-7"));
        assert_eq!(all[0].used_at, Some(NOW));
    }
}

#[tokio::test]
async fn only_the_same_installation_may_use_it_again_and_only_until_its_key_was_used() {
    for test in engines() {
        made(&test, "box-7").await;
        let id = ask(&test, NOW, asking("box-7", "i1", "aa")).await.unwrap();
        let other = ask(&test, NOW, asking("box-7", "i2", "bb")).await;
        assert_eq!(other, Err(SPENT));
        let again = ask(&test, NOW, asking("box-7", "i1", "cc")).await;
        assert_eq!(again, Ok(id));
        assert_eq!(keys(&test, "box-7").await, ["cc".repeat(32)]);
        let used = move |conn: &mut Conn| settle(conn, NOW, id, "i1");
        test.db.tx("test", used).await.unwrap();
        let late = ask(&test, NOW, asking("box-7", "i1", "dd")).await;
        assert_eq!(late, Err(SPENT));
        let read = |conn: &mut Conn| secret(conn, NOW, "t1");
        assert_eq!(test.db.read("test", read).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_token_that_is_over_or_taken_back_does_nothing() {
    for test in engines() {
        made(&test, "box-7").await;
        let late = ask(&test, END, asking("box-7", "i1", "aa")).await;
        assert_eq!(late, Err(OVER));
        let read = |conn: &mut Conn| secret(conn, END, "t1");
        assert_eq!(test.db.read("test", read).await.unwrap(), None);
        let work = |conn: &mut Conn| revoke(conn, NOW, AgentTokenId(1));
        test.db.tx("test", work).await.unwrap();
        let taken = ask(&test, NOW, asking("box-7", "i1", "aa")).await;
        assert_eq!(taken, Err(OVER));
        assert!(test.db.tx("test", work).await.is_err());
    }
}

#[tokio::test]
async fn a_token_for_many_names_never_takes_over_a_machine_that_is_there() {
    for test in engines() {
        let other = |conn: &mut Conn| {
            let agent = agents::ensure(conn, NOW, "lab-1")?;
            agents::set_key(conn, agent.id, &"ee".repeat(32), false)
        };
        test.db.tx("test", other).await.unwrap();
        made(&test, "lab-*").await;
        let wrong = ask(&test, NOW, asking("office-1", "i1", "aa")).await;
        assert_eq!(wrong, Err(OTHER_NAME));
        let bare = ask(&test, NOW, asking("lab-", "i1", "aa")).await;
        assert_eq!(bare, Err(OTHER_NAME));
        let taken = ask(&test, NOW, asking("lab-1", "i1", "aa")).await;
        assert_eq!(taken, Err(NAME_TAKEN));
        assert_eq!(keys(&test, "lab-1").await, ["ee".repeat(32)]);
        ask(&test, NOW, asking("lab-2", "i1", "aa")).await.unwrap();
        let third = ask(&test, NOW, asking("lab-3", "i1", "aa")).await;
        assert_eq!(third, Err(SPENT));
    }
}

#[tokio::test]
async fn the_machine_before_keeps_its_key_until_the_new_one_was_used() {
    for test in engines() {
        let before = |conn: &mut Conn| {
            let agent = agents::ensure(conn, NOW, "box-7")?;
            agents::set_key(conn, agent.id, &"ee".repeat(32), false)
        };
        test.db.tx("test", before).await.unwrap();
        made(&test, "box-7").await;
        let id = ask(&test, NOW, asking("box-7", "i2", "aa")).await.unwrap();
        ask(&test, NOW, asking("box-7", "i2", "bb")).await.unwrap();
        let both = ["bb".repeat(32), "ee".repeat(32)];
        assert_eq!(keys(&test, "box-7").await, both);
        // The machine before is heard of: that settles nothing.
        let other = move |conn: &mut Conn| settle(conn, NOW, id, "i1");
        test.db.tx("test", other).await.unwrap();
        assert_eq!(keys(&test, "box-7").await, both);
        let used = move |conn: &mut Conn| settle(conn, NOW, id, "i2");
        test.db.tx("test", used).await.unwrap();
        assert_eq!(keys(&test, "box-7").await, ["bb".repeat(32)]);
        let read = |conn: &mut Conn| agents::by_name(conn, "box-7");
        let agent = test.db.read("test", read).await.unwrap();
        assert!(!agent.enrolled, "it stays the configuration's");
    }
}

#[tokio::test]
async fn an_agent_that_is_removed_does_not_come_back_by_its_token() {
    for test in engines() {
        made(&test, "box-7").await;
        let id = ask(&test, NOW, asking("box-7", "i1", "aa")).await.unwrap();
        let remove = move |conn: &mut Conn| {
            agents::remove(conn, id)?;
            end_of(conn, NOW, id)
        };
        test.db.tx("test", remove).await.unwrap();
        let again = ask(&test, NOW, asking("box-7", "i1", "bb")).await;
        assert_eq!(again, Err(SPENT));
        assert!(keys(&test, "box-7").await.is_empty());
        let read = |conn: &mut Conn| secret(conn, NOW, "t1");
        assert_eq!(test.db.read("test", read).await.unwrap(), None);
    }
}
