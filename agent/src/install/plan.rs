//! What installing means on each kind of system: the file to write and the commands to run, made
//! without touching anything. A service that stops must leave the commands it supervises alone:
//! they belong to the next agent.

use std::path::{Path, PathBuf};

use crate::places;
use crate::sys;

/// A command to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) words: Vec<String>,
    /// The rest is worth doing without it.
    pub(super) may_fail: bool,
}

/// Everything about one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) name: String,
    /// The file that describes the service, where there is one.
    pub(super) file: Option<(PathBuf, String)>,
    pub(super) install: Vec<Step>,
    /// Before the file is removed.
    pub(super) uninstall: Vec<Step>,
    /// After it was.
    pub(super) afterwards: Vec<Step>,
    /// A command whose first line tells how the service is.
    pub(super) state: Vec<String>,
    /// Whether the manager runs on this machine.
    usable: bool,
}

/// What a plan is made of.
struct Facts<'a> {
    name: &'a str,
    program: &'a Path,
    config: &'a Path,
    state: &'a Path,
    /// For the whole machine, not for one user.
    system: bool,
}

impl Plan {
    /// The plan for this machine and this user.
    pub(super) fn here(name: &str, program: &Path, config: &Path, state: &Path) -> Plan {
        let facts = Facts {
            name,
            program,
            config,
            state,
            system: sys::is_superuser(),
        };
        if cfg!(windows) {
            windows(&facts)
        } else if cfg!(target_os = "macos") {
            launchd(&facts)
        } else {
            systemd(&facts)
        }
    }

    /// Whether it can be carried out here.
    pub(super) fn is_usable(&self) -> bool {
        self.usable
    }

    /// For `--print`.
    pub(super) fn show(&self) -> String {
        let mut text = String::new();
        if let Some((path, content)) = &self.file {
            text.push_str(&format!("# {}\n{content}\n", path.display()));
        }
        text + &show_steps(&self.install)
    }

    /// For `uninstall --print`.
    pub(super) fn show_removal(&self) -> String {
        let mut text = show_steps(&self.uninstall);
        if let Some((path, _)) = &self.file {
            text.push_str(&format!("# then {} is removed\n", path.display()));
        }
        text + &show_steps(&self.afterwards)
    }
}

fn show_steps(steps: &[Step]) -> String {
    let lines = steps
        .iter()
        .map(|step| format!("{}\n", step.words.join(" ")));
    lines.collect()
}

fn step(words: &[&str]) -> Step {
    Step {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        may_fail: false,
    }
}

fn optional(words: &[&str]) -> Step {
    Step {
        may_fail: true,
        ..step(words)
    }
}

fn systemd(facts: &Facts) -> Plan {
    let unit = format!("{}.service", facts.name);
    let folder = match facts.system {
        true => PathBuf::from("/etc/systemd/system"),
        false => {
            let home = places::absolute("HOME").unwrap_or_default().join(".config");
            let base = places::absolute("XDG_CONFIG_HOME").unwrap_or(home);
            base.join("systemd/user")
        }
    };
    let target = match facts.system {
        true => "multi-user.target",
        false => "default.target",
    };
    // KillMode: a stop ends the agent alone, its commands go on in their supervisors. Delegate: the
    // unit's processes are ours to arrange. OOMPolicy: a build that eats the memory dies alone.
    // Restart: a `shutdown` of the master ends with 0 and stays.
    let text = format!(
        "[Unit]\n\
         Description=Windlass agent: runs builds for its master\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         ExecStart={} run --config {}\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         KillMode=process\n\
         TimeoutStopSec=30\n\
         Delegate=yes\n\
         OOMPolicy=continue\n\
         TasksMax=infinity\n\
         \n\
         [Install]\n\
         WantedBy={target}\n",
        systemd_word(facts.program),
        // Variables are put in everywhere but in the name of the program.
        systemd_word(facts.config).replace('$', "$$"),
    );
    let manager = |words: &[&str]| {
        let mut all = vec!["systemctl"];
        if !facts.system {
            all.push("--user");
        }
        all.extend(words);
        step(&all)
    };
    let mut install = vec![
        manager(&["daemon-reload"]),
        manager(&["enable", &unit]),
        manager(&["restart", &unit]),
    ];
    if !facts.system {
        // Else the user's services end when the user logs out.
        install.push(optional(&["loginctl", "enable-linger"]));
    }
    Plan {
        name: unit.clone(),
        file: Some((folder.join(&unit), text)),
        install,
        uninstall: vec![Step {
            may_fail: true,
            ..manager(&["disable", "--now", &unit])
        }],
        afterwards: vec![Step {
            may_fail: true,
            ..manager(&["daemon-reload"])
        }],
        state: manager(&["is-active", &unit]).words,
        usable: Path::new("/run/systemd/system").is_dir(),
    }
}

/// A word of `ExecStart` in quotes.
fn systemd_word(path: &Path) -> String {
    let text = path.display().to_string();
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!("\"{escaped}\"")
}

fn launchd(facts: &Facts) -> Plan {
    let label = format!("org.windlass.{}", facts.name);
    let folder = match facts.system {
        true => PathBuf::from("/Library/LaunchDaemons"),
        false => {
            let home = places::absolute("HOME").unwrap_or_default();
            home.join("Library/LaunchAgents")
        }
    };
    let path = folder.join(format!("{label}.plist"));
    let string = |path: &Path| {
        let text = path.display().to_string();
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!("<string>{}</string>", text.replace('>', "&gt;"))
    };
    // AbandonProcessGroup: a stop leaves the supervisors of commands alone. KeepAlive: an agent
    // that ended with 0 was asked to.
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \t<key>Label</key>\n\t<string>{label}</string>\n\
         \t<key>ProgramArguments</key>\n\t<array>\n\t\t{}\n\t\t<string>run</string>\n\
         \t\t<string>--config</string>\n\t\t{}\n\t</array>\n\
         \t<key>RunAtLoad</key>\n\t<true/>\n\
         \t<key>KeepAlive</key>\n\t<dict>\n\t\t<key>SuccessfulExit</key>\n\t\t<false/>\n\t</dict>\n\
         \t<key>AbandonProcessGroup</key>\n\t<true/>\n\
         \t<key>StandardErrorPath</key>\n\t{}\n\
         </dict>\n</plist>\n",
        string(facts.program),
        string(facts.config),
        string(&facts.state.join("log")),
    );
    let domain = match facts.system {
        true => "system".to_owned(),
        false => format!("gui/{}", sys::user_number()),
    };
    let target = format!("{domain}/{label}");
    let shown = path.display().to_string();
    Plan {
        name: label,
        file: Some((path, text)),
        install: vec![
            optional(&["launchctl", "bootout", &target]),
            step(&["launchctl", "bootstrap", &domain, &shown]),
        ],
        uninstall: vec![optional(&["launchctl", "bootout", &target])],
        afterwards: Vec::new(),
        state: step(&["launchctl", "print", &target]).words,
        usable: true,
    }
}

fn windows(facts: &Facts) -> Plan {
    let name = facts.name;
    let line = format!(
        "\"{}\" service --config \"{}\"",
        facts.program.display(),
        facts.config.display()
    );
    // The service is started again five seconds after it failed; the count falls back after a day.
    Plan {
        name: name.to_owned(),
        file: None,
        install: vec![
            step(&[
                "sc.exe", "create", name, "binPath=", &line, "start=", "auto",
            ]),
            optional(&[
                "sc.exe",
                "description",
                name,
                "Windlass agent: runs builds for its master",
            ]),
            step(&[
                "sc.exe",
                "failure",
                name,
                "reset=",
                "86400",
                "actions=",
                "restart/5000",
            ]),
            optional(&["sc.exe", "failureflag", name, "1"]),
            step(&["sc.exe", "start", name]),
        ],
        uninstall: vec![
            optional(&["sc.exe", "stop", name]),
            step(&["sc.exe", "delete", name]),
        ],
        afterwards: Vec::new(),
        state: step(&["sc.exe", "query", name]).words,
        usable: true,
    }
}

#[cfg(test)]
mod tests;
