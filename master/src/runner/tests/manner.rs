//! How a `run` step is run, from the configuration to its logs.

use crate::config::manner::{Manner, Pty};
use crate::config::resolved::{Run, SecretRef, Step, StepKind};
use crate::model::BuildResult::{Error, Failure, Success};

use super::works::{Works, run, source, template};

/// A `run` step, changed.
fn run_as(name: &str, script: &str, change: impl FnOnce(&mut Run)) -> Step {
    let mut step = run(name, script);
    if let StepKind::Run(run) = &mut step.kind {
        change(run);
    }
    step
}

fn secret(place: SecretRef) -> Manner {
    Manner {
        secrets: [("TOKEN".to_owned(), place)].into(),
        ..Manner::default()
    }
}

#[tokio::test]
async fn a_step_has_its_environment_input_and_further_logs() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hush-hush-42\n").unwrap();
    let script = r#"read line; echo "read $line"; echo bad >&2; umask; echo "${PATH%%:*}"
        echo "${HOME-none}"; mkdir -p build; for part in 1 2 3; do
            echo "$part $TOKEN" >> build/test.log; sleep 0.3; done
        echo "$TOKEN" | cut -c1-6; echo "$TOKEN"; echo "$TOKEN" >&2"#;
    let step = run_as("test", script, |run| {
        run.stdin = Some(template("of {branch}\n"));
        run.manner = Manner {
            unset: vec!["HOME".to_owned()],
            prepend: [("PATH".to_owned(), "/opt/tools/bin".to_owned())].into(),
            umask: Some(0o027),
            split: true,
            logs: [
                ("never.log".to_owned(), "build/never.log".to_owned()),
                ("test.log".to_owned(), "build/test.log".to_owned()),
            ]
            .into(),
            ..secret(SecretRef::File(token))
        };
    });
    let works = Works::new(vec![source(), step]).await;
    works.repository.commit("first", &[("note", "one\n")]);
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Success), "{}", works.story(&build).await);
    let hidden = "************";
    let expected = [
        (
            "output",
            format!("read of main\n0027\n/opt/tools/bin\nnone\nhush-h\n{hidden}\n"),
        ),
        ("errors", format!("bad\n{hidden}\n")),
        ("never.log", String::new()),
        ("test.log", format!("1 {hidden}\n2 {hidden}\n3 {hidden}\n")),
    ];
    let logs = works.logs(&build, 1).await;
    assert_eq!(logs, expected.map(|(name, text)| (name.to_owned(), text)));
    works.stop().await;
}

#[tokio::test]
async fn a_restart_of_the_master_loses_no_further_log_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hush-hush-42\n").unwrap();
    // The master stops while the first half of the secret is all that came of it.
    let script = r#"echo run >> ../../runs; echo "one $TOKEN" >> test.log; echo bad >&2; echo begun
        until test -e ../../next; do sleep 0.05; done; printf hush-hu; touch ../../half
        until test -e ../../go; do sleep 0.05; done; printf 'sh-42\n'
        echo "two $TOKEN" >> test.log; echo "$TOKEN" >&2"#;
    let step = run_as("test", script, |run| {
        run.manner = Manner {
            split: true,
            logs: [("test.log".to_owned(), "test.log".to_owned())].into(),
            ..secret(SecretRef::File(token))
        };
    });
    let mut works = Works::new(vec![source(), step]).await;
    works.repository.commit("first", &[("note", "one\n")]);
    let root = works.machine.root();
    for text in ["one *", "bad", "begun"] {
        works.said(text).await;
    }
    std::fs::write(root.join("next"), "").unwrap();
    let half = async {
        while !root.join("half").exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::works::PATIENCE, half)
        .await
        .unwrap();
    works.stop_master().await;
    std::fs::write(root.join("go"), "").unwrap();
    works.start_master().await;
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Success), "{}", works.story(&build).await);
    let hidden = "************";
    let expected = [
        ("output", format!("begun\n{hidden}\n")),
        ("errors", format!("bad\n{hidden}\n")),
        ("test.log", format!("one {hidden}\ntwo {hidden}\n")),
    ];
    let logs = works.logs(&build, 1).await;
    assert_eq!(logs, expected.map(|(name, text)| (name.to_owned(), text)));
    let runs = std::fs::read_to_string(root.join("runs")).unwrap();
    assert_eq!(runs, "run\n");
    works.stop().await;
}

#[tokio::test]
async fn a_terminal_is_what_the_step_asked_for() {
    let step = run_as("test", "test -t 1 && stty size && echo $TERM", |run| {
        run.manner.pty = Some(Pty {
            rows: 50,
            columns: 132,
        });
    });
    let works = Works::new(vec![source(), step]).await;
    works.repository.commit("first", &[("note", "one\n")]);
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Success), "{}", works.story(&build).await);
    assert_eq!(works.log(&build, 1).await, "50 132\r\nxterm\r\n");
    works.stop().await;
}

#[tokio::test]
async fn too_many_lines_fail_a_step_and_say_so() {
    let step = run_as("test", "yes", |run| run.manner.lines_max = 7);
    let works = Works::new(vec![source(), step]).await;
    works.repository.commit("first", &[("note", "one\n")]);
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Failure));
    assert_eq!(works.log(&build, 1).await, "y\n".repeat(7));
    works.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_not_there_fails_the_step_before_it_starts() {
    let step = run_as("test", "touch ../started", |run| {
        run.manner = secret(SecretRef::Env("NO_SUCH_VARIABLE_HERE".to_owned()));
    });
    let works = Works::new(vec![source(), step]).await;
    works.repository.commit("first", &[("note", "one\n")]);
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Failure), "{}", works.story(&build).await);
    let text = works.step_text(&build, 1).await;
    assert!(text.contains("NO_SUCH_VARIABLE_HERE is not set"), "{text}");
    works.stop().await;
}

#[tokio::test]
async fn secrets_are_not_sent_over_a_connection_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hush-hush-42\n").unwrap();
    let step = run_as("test", "touch ../started", |run| {
        run.manner = secret(SecretRef::File(token));
    });
    let mut works = Works::new(vec![source(), step]).await;
    works.machine.flags.push("--readable".to_owned());
    works.machine.end();
    works.start_machine();
    works.repository.commit("first", &[("note", "one\n")]);
    let build = works.finished(1).await;
    assert_eq!(build.result, Some(Error), "{}", works.story(&build).await);
    let text = works.step_text(&build, 1).await;
    assert!(
        text.contains("TLS") && text.contains("read on the way"),
        "{text}"
    );
    works.stop().await;
}
