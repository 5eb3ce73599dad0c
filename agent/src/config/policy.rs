//! What the owner of the machine lets the master do, and how much of the machine it may use. This
//! wins over any request. Not here: doing it.

use windlass_protocol::{Code, Failure};

use super::Found;

/// Free space that builds must leave on the disk: logs, updates and people need some.
const RESERVE_BYTES: u64 = 256 << 20;
/// Most journal bytes of one command that the master has not stored: an hour of the loudest logs.
const SPOOL_BYTES: u64 = 1 << 30;
/// The same of all commands together.
const SPOOL_TOTAL_BYTES: u64 = 8 << 30;
/// Contents of files kept for later trees: a few versions of a large source.
const CACHE_BYTES: u64 = 2 << 30;
/// How long a new version gets to reach its master: a start takes milliseconds, a master that is
/// being restarted itself some seconds.
const UPGRADE_MS: u64 = 60_000;
/// Nothing on a disk is larger, and sums of two of these do not overflow.
const BYTES_MAX: u64 = 1 << 62;

/// A kind of requests that is allowed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Commands.
    Exec,
    /// Single files and folders.
    Files,
    /// Whole trees.
    Trees,
    /// Ending the agent.
    Shutdown,
    /// Replacing the agent's program.
    Upgrade,
}

impl Group {
    const ALL: [Group; 5] = [
        Group::Exec,
        Group::Files,
        Group::Trees,
        Group::Shutdown,
        Group::Upgrade,
    ];

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Group::Exec => "exec",
            Group::Files => "files",
            Group::Trees => "trees",
            Group::Shutdown => "shutdown",
            Group::Upgrade => "upgrade",
        }
    }

    /// The group of an operation; `None` for those that only fetch what was allowed before.
    fn of(op: &str) -> Option<Group> {
        match op {
            "attach" | "forget" | "list" | "info" => None,
            "exec" | "signal" => Some(Group::Exec),
            "tree_put" | "tree_get" => Some(Group::Trees),
            "shutdown" => Some(Group::Shutdown),
            "upgrade" => Some(Group::Upgrade),
            _ => Some(Group::Files),
        }
    }
}

/// Whether an operation works on files of the root, as the user whose they are.
pub(crate) fn is_about_files(op: &str) -> bool {
    matches!(Group::of(op), Some(Group::Files | Group::Trees))
}

/// The owner's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What the master may ask for. Without a word of the owner everything but `upgrade`.
    pub allow: Vec<Group>,
    /// The user that commands run as, when the agent runs as root.
    pub run_as: Option<String>,
    /// Less free space than this on the root's disk, and no new command is taken.
    pub reserve_bytes: u64,
    /// Most unacknowledged journal bytes of one command.
    pub spool_bytes: u64,
    /// Most unacknowledged journal bytes of all commands.
    pub spool_total_bytes: u64,
    /// Most bytes of file contents kept for later trees.
    pub cache_bytes: u64,
    /// How long a new version gets to reach READY, milliseconds.
    pub upgrade_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            allow: vec![Group::Exec, Group::Files, Group::Trees, Group::Shutdown],
            run_as: None,
            reserve_bytes: RESERVE_BYTES,
            spool_bytes: SPOOL_BYTES,
            spool_total_bytes: SPOOL_TOTAL_BYTES,
            cache_bytes: CACHE_BYTES,
            upgrade_ms: UPGRADE_MS,
        }
    }
}

impl Policy {
    /// Refuses an operation that the owner does not allow.
    pub(crate) fn check(&self, op: &str) -> Result<(), Failure> {
        match Group::of(op) {
            Some(group) if !self.allow.contains(&group) => {
                let word = group.as_str();
                let text = format!(
                    "the owner of this machine does not allow `{op}`; \
                     `{word}` must be in `allow` of the agent's configuration"
                );
                Err(Failure::new(Code::Permission, text))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn resolve(found: &Found) -> Result<Policy, String> {
        let usual = Policy::default();
        let mut allow = match found.take("allow") {
            None => usual.allow,
            Some((text, place)) => groups(text).map_err(|why| format!("{place}: allow: {why}"))?,
        };
        if found.switch("upgrade")? && !allow.contains(&Group::Upgrade) {
            allow.push(Group::Upgrade);
        }
        let bytes = |key, default| match found.take(key) {
            None => Ok(default),
            Some((text, place)) => read_bytes(text).ok_or_else(|| {
                let right = "give bytes, or a number with K, M, G or T";
                format!("{place}: {key} is `{text}`; {right}")
            }),
        };
        Ok(Policy {
            allow,
            run_as: found.take("run_as").map(|(name, _)| name.to_owned()),
            reserve_bytes: bytes("reserve_bytes", usual.reserve_bytes)?,
            spool_bytes: bytes("spool_bytes", usual.spool_bytes)?,
            spool_total_bytes: bytes("spool_total_bytes", usual.spool_total_bytes)?,
            cache_bytes: bytes("cache_bytes", usual.cache_bytes)?,
            upgrade_ms: found.milliseconds("upgrade_ms", usual.upgrade_ms)?,
        })
    }
}

/// Words between commas.
fn groups(text: &str) -> Result<Vec<Group>, String> {
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let find = |word: &str| {
        let group = Group::ALL.into_iter().find(|group| group.as_str() == word);
        group.ok_or_else(|| {
            let known = Group::ALL.map(Group::as_str).join(", ");
            format!("`{word}` is not known; give some of {known}")
        })
    };
    words.map(find).collect()
}

/// A number, perhaps with one of `K M G T` (powers of 1024) after it.
fn read_bytes(text: &str) -> Option<u64> {
    let (digits, shift) = match text.char_indices().last()? {
        (at, 'K') => (&text[..at], 10),
        (at, 'M') => (&text[..at], 20),
        (at, 'G') => (&text[..at], 30),
        (at, 'T') => (&text[..at], 40),
        _ => (text, 0),
    };
    let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let bytes = digits?.parse::<u64>().ok()?.checked_mul(1 << shift)?;
    (bytes <= BYTES_MAX).then_some(bytes)
}
