//! Secrets and followed files through the real agent: hidden and exact over every cut.

use tokio_util::sync::CancellationToken;

use super::bench::{Bench, PATIENCE, script};
use super::proxy::Proxy;
use crate::config::resolved::SecretRef;
use crate::session::CommandSpec;

const TOKEN: &str = "kLm3-kLm3-kLm4-end";

fn with_secret(bench: &Bench, mut command: CommandSpec) -> CommandSpec {
    let path = bench.data.path().join("token");
    std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
    let place = SecretRef::File(path);
    command.manner.secrets = [("TOKEN".to_owned(), place)].into();
    command.reveal().unwrap();
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_hidden_and_nothing_else_changes_over_thirty_cuts() {
    let bench = Bench::new().await;
    let limit = |n: u64| match n {
        0..30 => 900 + (n * 7_919) % 60_000,
        _ => u64::MAX,
    };
    let proxy = Proxy::start(bench.door, limit).await;
    let machine = bench.machine("linux-1", proxy.address).await;
    let text = "seq 1 30000 | while read n; do echo \"$n kLm3-$TOKEN kLm3-kLm3-kLm5\"; done; \
                printf '%s' \"${TOKEN%?}\"";
    let command = with_secret(&bench, script(text));
    assert!(!command.to_json().unwrap().contains(TOKEN));
    assert!(!format!("{command:?}").contains(TOKEN));
    let mut log = bench.lease(&machine, &command).await;
    log.hide(&command.secrets());
    let cancel = CancellationToken::new();
    let run = bench.agents.exec(machine.id, &command, &mut log, &cancel);
    let result = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    assert!(result.is_success(), "{result:?}");
    let id = log.id();
    log.close().await.unwrap();
    let hidden = "*".repeat(TOKEN.len());
    let lines = (1..=30_000).map(|n| format!("{n} kLm3-{hidden} kLm3-kLm3-kLm5\n"));
    let mut expected: String = lines.collect();
    // What only begins like a secret is none.
    expected.push_str(&TOKEN[..TOKEN.len() - 1]);
    let seen = bench.text(id).await;
    assert!(seen == expected.as_bytes(), "{} bytes", seen.len());
}

#[test]
fn a_secret_that_cannot_be_read_or_hidden_is_named_without_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short");
    std::fs::write(&path, "abc123\n").unwrap();
    for (place, says) in [
        (SecretRef::File(path), "too short"),
        (SecretRef::File(folder.path().join("none")), "cannot read"),
        (SecretRef::Env("NO_SUCH_VARIABLE_HERE".into()), "is not set"),
    ] {
        let mut command = script("true");
        command.manner.secrets = [("TOKEN".to_owned(), place)].into();
        let error = command.reveal().unwrap_err().to_string();
        assert!(error.contains("TOKEN") && error.contains(says), "{error}");
        assert!(!error.contains("abc123"));
        assert!(command.digest().is_err(), "never sent without its secrets");
    }
}
