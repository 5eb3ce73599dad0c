//! Who is let in: proved agents, the newest of one installation, and nobody else.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, Machine, PATIENCE, benches, script};
use super::proxy::Proxy;
use crate::ids::AgentId;
use crate::model::AuditEntry;
use crate::session;

/// Waits until the audit trail holds a refusal whose detail says `what`.
async fn refusal(bench: &Bench, what: &str) -> AuditEntry {
    let seen = async {
        loop {
            let rows = bench
                .db()
                .read("audit", |conn| crate::db::audit::newest(conn, None));
            let rows = rows.await.unwrap();
            if let Some(row) = rows.into_iter().find(|row| row.detail.contains(what)) {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.unwrap()
}

async fn works(bench: &Bench, machine: &Machine) {
    let command = script("echo ok");
    let mut log = bench.lease(machine, &command).await;
    let cancel = CancellationToken::new();
    let run = bench.agents.exec(machine.id, &command, &mut log, &cancel);
    let result = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    assert!(result.is_success(), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_agent_is_told_with_its_facts() {
    for bench in benches().await {
        let mut machine = bench.machine("linux-1", bench.door).await;
        bench.connected(&machine).await;
        let state = bench.agents.states().pop().unwrap();
        assert_eq!((state.name.as_str(), state.connected), ("linux-1", true));
        let facts: serde_json::Value = serde_json::from_str(&state.facts).unwrap();
        assert!(facts["cpus"].as_u64().unwrap() > 0, "{facts}");
        assert!(facts["memory"].as_u64().unwrap() > 1_000_000, "{facts}");
        let id = machine.id;
        let row = move |conn: &mut crate::db::Conn| crate::db::agents::by_id(conn, id);
        let stored = bench.db().read("agent", row).await.unwrap();
        assert_eq!(stored.facts, state.facts);
        assert!(stored.connected_at.is_some());
        machine.end();
        let away = async {
            while bench.agents.is_connected(id)
                || bench
                    .db()
                    .read("agent", row)
                    .await
                    .unwrap()
                    .connected_at
                    .is_some()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, away).await.unwrap();
        let events = bench
            .db()
            .read("events", |conn| crate::db::events::after(conn, 0));
        let kinds: Vec<_> = events
            .await
            .unwrap()
            .into_iter()
            .map(|event| event.kind)
            .collect();
        assert!(kinds.contains(&"agent.connected".to_owned()), "{kinds:?}");
        assert!(
            kinds.contains(&"agent.disconnected".to_owned()),
            "{kinds:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_and_an_unknown_name_are_refused_and_audited() {
    let bench = Bench::new().await;
    let good = bench.machine("linux-1", bench.door).await;
    let (wrong, _) = session::new_key().unwrap();
    let _thief = Machine::start("linux-1", AgentId(1), &wrong, bench.door);
    let row = refusal(&bench, "unknown agent or wrong key").await;
    assert_eq!(
        (row.action.as_str(), row.object_id.as_str()),
        ("agent.connect", "linux-1")
    );
    assert!(!row.detail.contains("wlk1_"));
    let _stranger = Machine::start("nobody", AgentId(1), &wrong, bench.door);
    let seen = async {
        while refusal(&bench, "unknown agent or wrong key")
            .await
            .object_id
            != "nobody"
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.unwrap();
    works(&bench, &good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_oversized_frames_end_one_connection_only() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    let huge = [
        &b"WNDLS/1\n"[..],
        &[0x7f, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0],
    ]
    .concat();
    let inputs: [&[u8]; 3] = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &huge, &[0; 5_000]];
    for input in inputs {
        let mut stream = TcpStream::connect(bench.door).await.unwrap();
        // The master may hang up in the middle.
        let _ = stream.write_all(input).await;
        let mut rest = Vec::new();
        let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest));
        let _ = end.await.expect("the master hangs up");
        assert!(rest.len() < 1_000);
    }
    refusal(&bench, "does not speak").await;
    refusal(&bench, "above the limit").await;
    works(&bench, &machine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_connection_of_an_installation_wins_at_once() {
    let bench = Bench::new().await;
    let proxy = Proxy::start(bench.door, |_| u64::MAX).await;
    let machine = bench.machine("linux-1", proxy.address).await;
    bench.connected(&machine).await;
    let before = bench.agents.states().pop().unwrap().peer;
    proxy.strand();
    let replaced = async {
        while bench.agents.states().pop().unwrap().peer == before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Far below the minute after which silence would have ended the old connection.
    let soon = Duration::from_secs(20);
    tokio::time::timeout(soon, replaced).await.unwrap();
    works(&bench, &machine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_of_a_connected_name_is_refused() {
    let bench = Bench::new().await;
    let proxy = Proxy::start(bench.door, |_| u64::MAX).await;
    let (key, hex) = session::new_key().unwrap();
    let store =
        move |conn: &mut crate::db::Conn| crate::db::agents::set_key(conn, AgentId(1), &hex, false);
    bench.db().tx("key", store).await.unwrap();
    let machine = Machine::start("linux-1", AgentId(1), &key, proxy.address);
    bench.connected(&machine).await;
    let before = bench.agents.states().pop().unwrap().peer;
    let _copy = Machine::start("linux-1", AgentId(1), &key, bench.door);
    let row = refusal(&bench, "another machine is connected by this name").await;
    assert_eq!(row.object_id, "linux-1");
    assert_eq!(bench.agents.states().pop().unwrap().peer, before);
    works(&bench, &machine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_work_at_once() {
    let bench = Bench::new().await;
    let one = bench.machine("linux-1", bench.door).await;
    let two = bench.machine("linux-2", bench.door).await;
    bench.connected(&one).await;
    bench.connected(&two).await;
    // Each waits for a file that only the other makes.
    let meet = |own: &Machine, other: &Machine| {
        let (own, other) = (own.root().join("here"), other.root().join("here"));
        script(&format!(
            "touch {}; while [ ! -e {} ]; do sleep 0.02; done",
            own.display(),
            other.display()
        ))
    };
    let (first, second) = (meet(&one, &two), meet(&two, &one));
    let mut first_log = bench.lease(&one, &first).await;
    let mut second_log = bench.lease(&two, &second).await;
    let cancel = CancellationToken::new();
    let both = async {
        tokio::join!(
            bench.agents.exec(one.id, &first, &mut first_log, &cancel),
            bench.agents.exec(two.id, &second, &mut second_log, &cancel),
        )
    };
    let (first, second) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert!(first.unwrap().is_success() && second.unwrap().is_success());
}
