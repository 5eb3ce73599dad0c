//! The agent alone in an empty world: a folder that holds the program, `/proc`, `/dev/null` and
//! `/dev/urandom`, and nothing else; no libraries, no shell, no name service.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use windlass_protocol::CommandId;
use windlass_protocol::ops::{Exec, Get, Program, Put, Request};
use windlass_protocol::sha256::digest;
use windlass_protocol::{Event, RelPath};

use crate::harness::{Bench, random};

/// Builds the program without any library it would have to find.
fn static_program() -> PathBuf {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package=windlass-agent"])
        .args(["--target", &triple, "--target-dir"])
        .arg(&folder)
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success());
    folder.join(triple).join("debug/windlass-agent")
}

/// The empty world, and a command that runs the program in it. What is mounted goes with the
/// command.
fn world(bench: &Bench, program: &Path) -> PathBuf {
    let world = bench.folder.join("world");
    for folder in ["dev", "proc"] {
        std::fs::create_dir_all(world.join(folder)).unwrap();
    }
    for file in ["dev/null", "dev/urandom"] {
        std::fs::write(world.join(file), "").unwrap();
    }
    std::fs::copy(program, world.join("windlass-agent")).unwrap();
    world
}

fn enter(world: &Path, words: &[&str]) -> Command {
    let script = "for name in proc dev/null dev/urandom; do \
                  mount --rbind /$name \"$0/$name\" || exit 99; done; \
                  exec chroot \"$0\" /windlass-agent \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(world)
        .args(words)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null());
    command
}

#[test]
fn it_enrols_by_a_pasted_key_runs_commands_and_moves_files() {
    let mut bench = Bench::new();
    let world = world(&bench, &static_program());
    let selftest = enter(&world, &["selftest"]).output().unwrap();
    let said = String::from_utf8_lossy(&selftest.stdout).into_owned();
    assert!(selftest.status.success(), "{said}{selftest:?}");
    let master = format!("--master=127.0.0.1:{}", bench.port);
    let key = format!("--key={}", bench.key.to_text());
    let words = ["enroll", "--name=builder-7", &master, &key];
    let enrolled = enter(&world, &words).output().unwrap();
    assert!(enrolled.status.success(), "{enrolled:?}");

    bench.spawn(enter(&world, &["run"]));
    let mut peer = bench.accept();
    let content = vec![0xa5; 300_000];
    let put = Put {
        path: RelPath::parse(b"folder/file").unwrap(),
        size: content.len() as u64,
        sha256: digest(&content),
        executable: false,
        replace: false,
        parents: true,
    };
    let channel = peer.open(&Request::Put(put.clone()), 0);
    peer.send_stream(channel, &content);
    peer.response(channel).unwrap();
    let get = Get {
        path: put.path,
        max_bytes: 0,
        expect: None,
        unhashed: false,
    };
    let channel = peer.open(&Request::Get(get), 0);
    let mut back = Vec::new();
    peer.read_stream(channel, &mut back).unwrap().unwrap();
    assert!(back == content);
    let words = [&b"/windlass-agent"[..], b"--version"].map(<[u8]>::to_vec);
    let ran = peer.exec(&Exec::new(CommandId(random()), Program::Argv(words.into())));
    assert!(ran.result.is_success(), "{:?}", ran.result);
    assert!(ran.output.starts_with(b"windlass-agent "));
    peer.connection.bye();
    while !matches!(peer.next(), Ok(Event::Closed(_)) | Err(_)) {}
}
