//! What is written for each service manager, checked by the manager's own tool where it is here.

use super::*;
use crate::scratch::Scratch;
use std::process::Command;

fn facts<'a>(program: &'a Path, system: bool) -> Facts<'a> {
    Facts {
        name: "windlass-agent",
        program,
        config: Path::new("/etc/windlass agent/50%$.conf"),
        state: Path::new("/var/lib/a&b"),
        system,
    }
}

#[test]
fn a_systemd_unit_leaves_commands_alone_when_it_stops() {
    for system in [true, false] {
        let plan = systemd(&facts(Path::new("/bin/sh"), system));
        let (path, text) = plan.file.clone().unwrap();
        for line in [
            "KillMode=process",
            "Delegate=yes",
            "OOMPolicy=continue",
            "Restart=on-failure",
            "ExecStart=\"/bin/sh\" run --config \"/etc/windlass agent/50%%$$.conf\"",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert_eq!(system, path.starts_with("/etc/systemd/system"));
        let user = plan.install[0].words.contains(&"--user".to_owned());
        assert_eq!(user, !system);
        assert!(plan.show().contains("systemctl"));
        assert!(
            plan.show_removal()
                .contains("disable --now windlass-agent.service")
        );
    }
}

#[test]
fn systemd_itself_finds_nothing_wrong_with_the_unit() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("systemd-analyze is not here; nothing verified");
        return;
    }
    let scratch = Scratch::new();
    let program = scratch.path().join("100% strange, $HOME");
    std::fs::copy("/bin/sh", &program).unwrap();
    let (_, text) = systemd(&facts(&program, true)).file.unwrap();
    let unit = scratch.path().join("windlass-agent.service");
    std::fs::write(&unit, text).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(&unit)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("windlass-agent"))
        .collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn a_launchd_job_leaves_commands_alone_and_is_proper_xml() {
    let plan = launchd(&facts(Path::new("/opt/a<b>"), true));
    let (path, text) = plan.file.unwrap();
    assert!(path.ends_with("LaunchDaemons/org.windlass.windlass-agent.plist"));
    assert!(text.contains("<key>AbandonProcessGroup</key>\n\t<true/>"));
    assert!(text.contains("/opt/a&lt;b&gt;") && text.contains("a&amp;b/log"));
    assert_eq!(
        text.matches("<dict>").count(),
        text.matches("</dict>").count()
    );
}

#[test]
fn a_windows_service_starts_again_after_a_failure() {
    let plan = windows(&facts(Path::new("C:/agent.exe"), true));
    let lines: Vec<String> = plan
        .install
        .iter()
        .map(|step| step.words.join(" "))
        .collect();
    assert!(lines[0].contains("binPath= \"C:/agent.exe\" service --config"));
    assert!(lines.iter().any(|line| line.contains("restart/5000")));
}
