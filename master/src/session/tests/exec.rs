//! Commands over cut connections and over a restart of the master.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bench::{Bench, Machine, PATIENCE, benches, script};
use super::proxy::Proxy;
use crate::agents::{AgentError, Bounds, Outputs};
use crate::db;
use crate::db::commands::{Command, CommandState};
use crate::session::{CommandResult, CommandSpec, EndReason};

async fn run(
    bench: &Bench,
    machine: &Machine,
    command: &CommandSpec,
    log: &mut Outputs,
) -> Result<CommandResult, AgentError> {
    let cancel = CancellationToken::new();
    let run = bench.agents.exec(machine.id, command, log, &cancel);
    tokio::time::timeout(PATIENCE, run).await.unwrap()
}

async fn row(bench: &Bench, command: &CommandSpec) -> Command {
    let id = command.id.to_string();
    let read = move |conn: &mut db::Conn| db::commands::by_id(conn, &id);
    bench.db().read("command", read).await.unwrap()
}

/// Waits until the log of a running command holds at least so many bytes.
async fn grown(bench: &Bench, log: crate::ids::LogId, bytes: u64) {
    let mut size = bench.logs.subscribe(log).await.unwrap();
    let grows = size.wait_for(|size| *size >= bytes);
    tokio::time::timeout(PATIENCE, grows)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_and_its_output_is_exact() {
    for bench in benches().await {
        let machine = bench.machine("linux-1", bench.door).await;
        let command = script("printf 'a\\nb\\0c'; echo error >&2; exit 3");
        let mut log = bench.lease(&machine, &command).await;
        log.append(b"first line\n").await.unwrap();
        let result = run(&bench, &machine, &command, &mut log).await.unwrap();
        assert_eq!((result.reason, result.exit), (EndReason::Exited, Some(3)));
        assert_eq!(row(&bench, &command).await.state, CommandState::Forgotten);
        let id = log.id();
        log.close().await.unwrap();
        assert_eq!(bench.text(id).await, b"first line\na\nb\0cerror\n");
        let closed = bench.logs.find(id).await.unwrap();
        assert_eq!((closed.open, closed.lines), (false, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_exact_over_fifty_cuts() {
    for bench in benches().await {
        // Uneven places, some of them inside the handshake, most inside the output.
        let limit = |n: u64| match n {
            0..50 => 700 + (n * 7_919) % 90_000,
            _ => u64::MAX,
        };
        let proxy = Proxy::start(bench.door, limit).await;
        let machine = bench.machine("linux-1", proxy.address).await;
        let command = script("seq 1 400000; echo end >&2");
        let mut log = bench.lease(&machine, &command).await;
        let result = run(&bench, &machine, &command, &mut log).await.unwrap();
        assert!(result.is_success(), "{result:?}");
        let id = log.id();
        log.close().await.unwrap();
        let mut expected: String = (1..=400_000).map(|n| format!("{n}\n")).collect();
        expected.push_str("end\n");
        let text = bench.text(id).await;
        assert!(text == expected.as_bytes(), "{} bytes", text.len());
        let cuts = proxy.connections.load(Ordering::SeqCst);
        assert!(cuts > 20, "only {cuts} connections");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_at_the_start_never_starts_a_command_twice() {
    let bench = Bench::new().await;
    // Every connection up to the fortieth dies somewhere in or shortly after the request.
    let limit = |n: u64| if n < 40 { 500 + n * 40 } else { u64::MAX };
    let proxy = Proxy::start(bench.door, limit).await;
    let machine = bench.machine("linux-1", proxy.address).await;
    let command = script("echo started >> ../starts; sleep 1; echo done");
    let mut log = bench.lease(&machine, &command).await;
    let result = run(&bench, &machine, &command, &mut log).await.unwrap();
    assert!(result.is_success(), "{result:?}");
    let starts = std::fs::read_to_string(machine.root().join("../starts")).unwrap();
    assert_eq!(starts, "started\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_command_says_so() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    let command = script("echo begun; exec sleep 100");
    let mut log = bench.lease(&machine, &command).await;
    let (id, cancel) = (log.id(), CancellationToken::new());
    let run = bench.agents.exec(machine.id, &command, &mut log, &cancel);
    let cancel_when_begun = async {
        grown(&bench, id, 6).await;
        cancel.cancel();
    };
    let both = async { tokio::join!(run, cancel_when_begun) };
    let (result, ()) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    let result = result.unwrap();
    assert_eq!(result.reason, EndReason::Cancelled);
    assert!(result.wall_ms < 30_000, "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_outlives_a_restart_of_the_master() {
    for mut bench in benches().await {
        let proxy = Proxy::start(bench.door, |_| u64::MAX).await;
        let machine = bench.machine("linux-1", proxy.address).await;
        let command = script(
            "echo started >> ../starts; seq 1 50000; while [ ! -e ../go ]; do sleep 0.05; done; \
             seq 50001 100000",
        );
        let mut log = bench.lease(&machine, &command).await;
        let id = log.id();
        let cancel = CancellationToken::new();
        {
            let run = bench.agents.exec(machine.id, &command, &mut log, &cancel);
            tokio::pin!(run);
            tokio::select! {
                result = &mut run => panic!("ended too early: {result:?}"),
                () = grown(&bench, id, 200_000) => {}
            }
            bench.begin_stop();
            let stopped = tokio::time::timeout(PATIENCE, run).await.unwrap();
            assert!(matches!(stopped, Err(AgentError::Stopping)), "{stopped:?}");
        }
        drop(log);
        bench.stop().await;
        assert_eq!(row(&bench, &command).await.state, CommandState::Leased);
        bench.start().await;
        // The agent itself goes on; only the way to the master is another one.
        proxy.aim(bench.door);
        let stored = CommandSpec::from_json(&row(&bench, &command).await.lease.arguments).unwrap();
        assert_eq!(stored, command);
        let mut log = Outputs::of(bench.logs.open(id).await.unwrap());
        std::fs::write(machine.root().join("../go"), "").unwrap();
        let result = run(&bench, &machine, &stored, &mut log).await.unwrap();
        assert!(result.is_success(), "{result:?}");
        log.close().await.unwrap();
        let expected: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
        assert!(bench.text(id).await == expected.as_bytes());
        let starts = std::fs::read_to_string(machine.root().join("../starts")).unwrap();
        assert_eq!(starts, "started\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_at_the_end_of_another_journal_is_a_lost_command() {
    use diesel::RunQueryDsl as _;

    for mut bench in benches().await {
        let proxy = Proxy::start(bench.door, |_| u64::MAX).await;
        let machine = bench.machine("linux-1", proxy.address).await;
        let command = script("echo begun; while [ ! -e ../go ]; do sleep 0.05; done; echo end");
        let mut log = bench.lease(&machine, &command).await;
        let (id, cancel) = (log.id(), CancellationToken::new());
        {
            let run = bench.agents.exec(machine.id, &command, &mut log, &cancel);
            tokio::pin!(run);
            tokio::select! {
                result = &mut run => panic!("ended too early: {result:?}"),
                () = grown(&bench, id, 6) => {}
            }
            bench.begin_stop();
            let stopped = tokio::time::timeout(PATIENCE, run).await.unwrap();
            assert!(matches!(stopped, Err(AgentError::Stopping)), "{stopped:?}");
        }
        drop(log);
        bench.stop().await;
        // As if a byte of what is stored were not what the agent wrote: the first of the state.
        let stored = row(&bench, &command).await.journal_hash.unwrap();
        let changed = match stored.split_at(1) {
            ("0", rest) => format!("1{rest}"),
            (_, rest) => format!("0{rest}"),
        };
        let forge = format!("UPDATE commands SET journal_hash = '{changed}'");
        let forge =
            move |conn: &mut db::Conn| Ok(diesel::sql_query(&forge).execute(conn).map(drop)?);
        bench.db().tx("forge", forge).await.unwrap();
        bench.start().await;
        proxy.aim(bench.door);
        let mut log = Outputs::of(bench.logs.open(id).await.unwrap());
        std::fs::write(machine.root().join("../go"), "").unwrap();
        let result = run(&bench, &machine, &command, &mut log).await.unwrap();
        assert_eq!(result.reason, EndReason::AgentLost, "{result:?}");
        assert!(result.text.contains("SHA-256"), "{}", result.text);
        // The agent may let go of it all the same.
        assert_eq!(row(&bench, &command).await.state, CommandState::Forgotten);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_given_up_is_ended_when_its_agent_comes_back() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    let command = script("echo begun; exec sleep 100");
    let mut log = bench.lease(&machine, &command).await;
    let id = log.id();
    let cancel = CancellationToken::new();
    tokio::select! {
        result = bench.agents.exec(machine.id, &command, &mut log, &cancel) => {
            panic!("ended too early: {result:?}")
        }
        () = grown(&bench, id, 6) => {}
    }
    let given_up = command.id.to_string();
    let forget = move |conn: &mut db::Conn| db::commands::forget(conn, &given_up);
    bench.db().tx("give up", forget).await.unwrap();
    bench.agents.hang_up(machine.id);
    let known = machine
        .root()
        .join("../state/cmd")
        .join(command.id.to_string());
    let gone = async {
        while known.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(known.exists());
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_the_agent_refuses_is_given_up() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    let mut command = script("echo never");
    command.cwd = "missing".to_owned();
    let mut log = bench.lease(&machine, &command).await;
    let refused = run(&bench, &machine, &command, &mut log).await;
    let is_missing = matches!(&refused, Err(AgentError::Refused(r)) if r.code == "not-found");
    assert!(is_missing, "{refused:?}");
    assert_eq!(row(&bench, &command).await.state, CommandState::Forgotten);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_stays_away_ends_the_wait() {
    let bench = Bench::new().await;
    let mut machine = bench.machine("linux-1", bench.door).await;
    machine.end();
    let mut command = script("echo never");
    command.lease = Duration::from_secs(1);
    let mut log = bench.lease(&machine, &command).await;
    let agents = bench.agents.patient(Duration::from_secs(1));
    let cancel = CancellationToken::new();
    let wait = agents.exec(machine.id, &command, &mut log, &cancel);
    let away = tokio::time::timeout(PATIENCE, wait).await.unwrap();
    assert!(matches!(away, Err(AgentError::Away(1))), "{away:?}");
    assert_eq!(row(&bench, &command).await.state, CommandState::Forgotten);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_never_leased_to_this_agent_is_ended_and_forgotten() {
    use diesel::RunQueryDsl as _;

    let bench = Bench::new().await;
    let one = bench.machine("linux-1", bench.door).await;
    let two = bench.machine("linux-2", bench.door).await;
    bench.connected(&one).await;
    let command = script("echo begun; exec sleep 100");
    let mut log = bench.lease(&two, &command).await;
    let id = log.id();
    let cancel = CancellationToken::new();
    tokio::select! {
        result = bench.agents.exec(two.id, &command, &mut log, &cancel) => {
            panic!("ended too early: {result:?}")
        }
        () = grown(&bench, id, 6) => {}
    }
    // From now on it looks as if the second agent showed a command of the first.
    let text = format!(
        "UPDATE commands SET agent_id = {} WHERE id = '{}'",
        one.id.0, command.id
    );
    let forge =
        move |conn: &mut db::Conn| Ok(diesel::sql_query(text.as_str()).execute(conn).map(drop)?);
    bench.db().tx("forge", forge).await.unwrap();
    let mut log = Outputs::of(bench.logs.open(id).await.unwrap());
    let refused = bench.agents.exec(two.id, &command, &mut log, &cancel).await;
    assert!(matches!(refused, Err(AgentError::Db(_))), "{refused:?}");
    let known = two.root().join("../state/cmd").join(command.id.to_string());
    assert!(known.exists());
    bench.agents.hang_up(two.id);
    let gone = async {
        while known.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_sends_more_than_it_may_fills_no_disk() {
    let bench = Bench::new().await;
    let machine = bench.machine("linux-1", bench.door).await;
    // The command itself has no limit, as if its agent did not keep to it.
    let command = script("seq 1 100000; echo error >&2");
    let bounds = Bounds {
        output_bytes_max: 10,
        tail_bytes_max: 10,
    };
    let log = bench.lease(&machine, &command).await;
    let mut log = log.with(None, Vec::new(), bounds);
    let result = run(&bench, &machine, &command, &mut log).await.unwrap();
    assert!(result.is_success(), "{result:?}");
    let id = log.id();
    log.close().await.unwrap();
    assert_eq!(bench.text(id).await, b"1\n2\n3\n4\n5\n");
}
