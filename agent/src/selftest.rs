//! `selftest`: sees whether this machine has what the agent needs: randomness, hashing, files, and
//! a command from its start to its end. One line for each; also how a new version is tried before
//! it takes over. Not here: the way to a master.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{Exec, ExecResult, Program};
use windlass_protocol::sha256::{Sha256, digest};
use windlass_protocol::{CommandId, RelPath, hex};

use crate::agent::Agent;
use crate::clock;
use crate::commands::{Entry, Launch};
use crate::config::{Config, Policy, Trust, Way};
use crate::sys;

/// Enough to measure by, a tenth of a second on the slowest processors.
const HASH_BYTES: usize = 16 << 20;
/// A command that does nothing ends in milliseconds; a busy machine gets more.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);
/// SHA-256 of `abc`, from the standard.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A look at one thing: what was found, or what is wrong.
type Look = fn(&Path) -> Result<String, String>;

/// Looks at everything: a text with a line for each, and whether all is well.
pub(crate) fn run() -> (String, bool) {
    let looks: [(&str, Look); 4] = [
        ("randomness", randomness),
        ("sha-256", hashing),
        ("files", files),
        ("command", command),
    ];
    let folder = match folder() {
        Ok(folder) => folder,
        Err(why) => return (format!("FAILED  {why}\n"), false),
    };
    let mut text = String::new();
    let mut failed = 0;
    for (name, look) in looks {
        let (word, found) = match look(&folder) {
            Ok(found) => ("ok", found),
            Err(why) => {
                failed += 1;
                ("FAILED", why)
            }
        };
        // Writing to a text never fails.
        let _ = writeln!(text, "{word:<8}{name:<12}{found}");
    }
    let _ = std::fs::remove_dir_all(&folder);
    let version = env!("CARGO_PKG_VERSION");
    let machine = format!("{} {}", sys::os_name(), std::env::consts::ARCH);
    let verdict = match failed {
        0 => format!("works on this machine ({machine})"),
        _ => format!("{failed} of {} failed ({machine})", looks.len()),
    };
    (
        format!("{text}windlass-agent {version}: {verdict}\n"),
        failed == 0,
    )
}

/// A fresh folder to work in, below the first place that takes one.
fn folder() -> Result<PathBuf, String> {
    let mut random = [0; 8];
    sys::fill_random(&mut random).map_err(|error| format!("no randomness: {error}"))?;
    let name = format!("windlass-agent-{}", hex::encode(&random));
    let here = std::env::current_dir().unwrap_or_default();
    let mut why = String::new();
    for place in [std::env::temp_dir(), here] {
        match std::fs::create_dir(place.join(&name)) {
            Ok(()) => return Ok(place.join(&name)),
            Err(error) => why = format!("{}: cannot make a folder: {error}", place.display()),
        }
    }
    Err(format!("{why}; set TMPDIR to a folder to work in"))
}

fn randomness(_: &Path) -> Result<String, String> {
    let mut draws = [[0_u8; 32]; 2];
    for draw in &mut draws {
        sys::fill_random(draw).map_err(|error| error.to_string())?;
    }
    if draws[0] == draws[1] || draws.contains(&[0; 32]) {
        return Err("the system's random source repeats itself".into());
    }
    Ok("the system gives it".into())
}

fn hashing(_: &Path) -> Result<String, String> {
    if hex::encode(&digest(b"abc")) != ABC {
        return Err("gives wrong sums on this processor".into());
    }
    let bytes = vec![0x5a; HASH_BYTES];
    let began = clock::now_ms();
    let mut sha256 = Sha256::new();
    sha256.update(&bytes);
    sha256.finish();
    let took_ms = (clock::now_ms() - began).max(1);
    Ok(format!("{} MB/s", HASH_BYTES as u64 / 1000 / took_ms))
}

fn files(folder: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("{}: {error}", folder.display());
    let (part, whole) = (folder.join("a.part"), folder.join("a"));
    let content = [7; 70_000];
    let file = sys::create_private(&part).map_err(cannot)?;
    std::io::Write::write_all(&mut &file, &content).map_err(cannot)?;
    sys::set_executable(&file, true).map_err(cannot)?;
    file.sync_all().map_err(cannot)?;
    drop(file);
    std::fs::rename(&part, &whole).map_err(cannot)?;
    sys::sync_folder(folder).map_err(cannot)?;
    if std::fs::read(&whole).map_err(cannot)? != content {
        return Err(format!("{}: a file came back altered", folder.display()));
    }
    let space = sys::Folder::open(folder).and_then(|opened| sys::disk_space(&opened));
    let (free, _) = space.map_err(cannot)?;
    let place = folder.parent().unwrap_or(folder);
    Ok(format!(
        "written and read in {}, {} MiB free",
        place.display(),
        free >> 20
    ))
}

/// Runs this very program as a command of an agent that knows no master.
fn command(folder: &Path) -> Result<String, String> {
    let config = Config {
        way: Way::Stdio,
        readable: false,
        trust: Trust::default(),
        name: "selftest".into(),
        key_file: PathBuf::new(),
        root: folder.join("root"),
        state: folder.join("state"),
        reconnect_min_ms: 0,
        reconnect_max_ms: 0,
        policy: Policy::default(),
    };
    let program = std::env::current_exe().map_err(|error| format!("no path to itself: {error}"))?;
    let agent = Agent::open(&config, Launch::of_this_program(1))?;
    let mut id = [0; 16];
    sys::fill_random(&mut id).map_err(|error| error.to_string())?;
    let words = vec![
        sys::os_bytes(program.as_os_str()).to_vec(),
        b"--version".to_vec(),
    ];
    let exec = Exec::new(CommandId(id), Program::Argv(words));
    let began = clock::now_ms();
    let root = || agent.root.walk(&RelPath::parse(b"")?);
    let entry = agent
        .commands
        .start(&exec, root)
        .map_err(|failure| failure.to_string())?;
    if !agent.commands.wait_idle(COMMAND_TIMEOUT) {
        return Err("was started and does not end".into());
    }
    let took_ms = clock::now_ms() - began;
    match result_of(&entry) {
        Some(result) if result.is_success() => Ok(format!("started and ended in {took_ms} ms")),
        Some(result) => Err(format!(
            "ended badly: {} {}",
            result.reason.as_str(),
            result.text
        )),
        None => Err("left no result".into()),
    }
}

/// What the command's journal says of its end.
fn result_of(entry: &Entry) -> Option<ExecResult> {
    let mut journal = Vec::new();
    entry
        .journal
        .reader(0)
        .ok()?
        .read_to_end(&mut journal)
        .ok()?;
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&journal);
    while let Some(record) = decoder.next_record().ok()? {
        if record.kind == RecordKind::Exit {
            return record.exit().ok();
        }
    }
    None
}
