//! The agent of a demo: this same program again, as a process of its own.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

/// How long an agent may take to end its commands and say goodbye.
const END_MAX: Duration = Duration::from_secs(10);

/// How long its commands may take to end after it; killed they take milliseconds.
const COMMANDS_END_MAX: Duration = Duration::from_secs(10);

/// A running agent; killed with its commands when dropped.
pub(super) struct Agent {
    child: Child,
    state: PathBuf,
}

impl Agent {
    /// Starts it below `dir` for the master at `master`; `key` is the line that goes into its key
    /// file.
    pub(super) fn start(dir: &Path, master: SocketAddr, key: &str) -> Result<Self, String> {
        let problem = |error: std::io::Error| format!("the agent does not start: {error}");
        let home = dir.join("agent");
        fs::create_dir_all(&home).map_err(problem)?;
        let key_file = home.join("key");
        private_file(&key_file)
            .and_then(|mut file| file.write_all(format!("{key}\n").as_bytes()))
            .map_err(problem)?;
        let log = fs::File::create(home.join("log")).map_err(problem)?;
        let program = std::env::current_exe().map_err(problem)?;
        let mut command = Command::new(program);
        command
            .args([
                "agent",
                "run",
                "--master",
                &master.to_string(),
                "--name",
                "demo",
            ])
            .arg("--key-file")
            .arg(&key_file)
            .arg("--root")
            .arg(home.join("work"))
            .arg("--state")
            .arg(home.join("state"))
            .args(["--reconnect-min-ms", "200", "--reconnect-max-ms", "2000"])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        // Ctrl-C is for the master, which then ends its agent in order.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(problem)?;
        let state = home.join("state");
        Ok(Self { child, state })
    }

    /// Asks it to end, and makes it after 10 s; its commands, which go on without it, end when it
    /// is dropped here.
    pub(super) async fn end(mut self) {
        #[cfg(unix)]
        if let Some(id) = self.child.id() {
            // Without a `kill` program it is killed below.
            let _ = Command::new("kill").arg(id.to_string()).status().await;
        }
        if tokio::time::timeout(END_MAX, self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.kill().await;
        }
    }

    /// Says so when the process has ended by itself.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("the agent ended by itself: {status}"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It has ended mostly. Nobody else starts commands once it is gone.
        let _ = self.child.start_kill();
        let by = Instant::now() + COMMANDS_END_MAX;
        loop {
            // Its lock goes with its process, which may take a moment.
            let left = by.saturating_duration_since(Instant::now());
            match windlass_agent::end_commands(&self.state, left) {
                Err(_) if !left.is_zero() => std::thread::sleep(Duration::from_millis(10)),
                Err(text) => {
                    eprintln!("windlass demo: {text}");
                    return;
                }
                Ok(()) => return,
            }
        }
    }
}

/// A new file that only its owner may read, as the agent demands of its key.
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
