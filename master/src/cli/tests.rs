//! The commands as a person runs them: what they make, print and end with.

use std::ffi::OsString;
use std::path::Path;

use super::*;
use crate::auth::Permission;
use crate::config;
use crate::ops;

/// Runs `windlass` with `arguments` and the configuration in `folder`; the exit status as text.
fn windlass(folder: &Path, arguments: &[&str]) -> String {
    let mut all: Vec<OsString> = vec!["windlass".into()];
    all.extend(arguments.iter().map(OsString::from));
    if !arguments.contains(&"init") {
        all.push("--config".into());
        all.push(folder.join("windlass.toml").into());
    }
    format!("{:?}", run(all))
}

fn exit(status: u8) -> String {
    format!("{:?}", ExitCode::from(status))
}

/// A folder that `windlass init` made.
fn made() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert_eq!(windlass(folder.path(), &["init", path]), exit(0));
    folder
}

#[test]
fn what_init_makes_passes_check_and_is_private() {
    let folder = made();
    assert_eq!(windlass(folder.path(), &["check"]), exit(0));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let data = folder.path().join("data").metadata().unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o700);
    }
    let path = folder.path().to_str().unwrap();
    assert_eq!(windlass(folder.path(), &["init", path]), exit(1), "twice");
}

#[test]
fn the_comments_of_the_made_configuration_are_good_too() {
    let folder = made();
    let file = folder.path().join("windlass.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let told = text.lines().map(|line| match line.strip_prefix('#') {
        Some(code) if !code.starts_with(' ') || code.starts_with("  {") => code,
        _ => line,
    });
    let all: Vec<&str> = told.collect();
    std::fs::write(&file, all.join("\n")).unwrap();
    let config = config::load(&file).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.schedules.len(), 2);
    assert!(config.mail.is_some() && config.builders.contains_key("editor"));
}

#[test]
fn users_and_tokens_are_made_and_wrong_arguments_end_with_2() {
    let folder = made();
    let windlass = |arguments: &[&str]| windlass(folder.path(), arguments);
    assert_eq!(windlass(&["user", "add", "qa", "--role", "qa"]), exit(0));
    assert_eq!(windlass(&["user", "add", "qa", "--role", "qa"]), exit(2));
    assert_eq!(windlass(&["user", "add", "x", "--role", "boss"]), exit(2));
    assert_eq!(windlass(&["user", "role", "qa", "engineer"]), exit(0));
    assert_eq!(windlass(&["user", "role", "bob", "engineer"]), exit(1));
    assert_eq!(windlass(&["user", "list"]), exit(0));
    let create = ["token", "create", "--user", "qa", "--name", "ci"];
    assert_eq!(windlass(&create), exit(0));
    let higher = [&create[..], &["--role", "admin"]].concat();
    assert_eq!(windlass(&higher), exit(2));
    let soon = [&create[..], &["--expires", "soon"]].concat();
    assert_eq!(windlass(&soon), exit(2));
    assert_eq!(windlass(&["token", "revoke", "1"]), exit(0));
    assert_eq!(windlass(&["token", "revoke", "1"]), exit(1));
    assert_eq!(windlass(&["agent", "add", "linux-1"]), exit(0));
    assert_eq!(windlass(&["agent", "pause", "linux-1"]), exit(0));
    assert_eq!(windlass(&["agent", "pause", "linux-2"]), exit(1));
    assert_eq!(windlass(&["agent", "list"]), exit(0));
    assert_eq!(windlass(&["nonsense"]), exit(2));
}

#[test]
fn what_the_command_line_does_is_in_the_audit_trail() {
    let folder = made();
    windlass(folder.path(), &["user", "add", "qa", "--role", "qa"]);
    let file = folder.path().join("windlass.toml");
    let read = async {
        let app = handles::beside(&file).await?;
        assert!(user::CLI.require(Permission::Administer).is_ok());
        let rows = ops::audit::list(&app, &user::CLI, None).await?;
        let told = rows
            .items
            .iter()
            .map(|row| format!("{} {}", row.action, row.object_id));
        assert_eq!(told.collect::<Vec<_>>(), ["user.add qa", "user.add admin"]);
        Ok(())
    };
    listen::block_on(read).unwrap();
}

#[test]
fn a_broken_configuration_ends_every_command_with_1() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("windlass.toml"), "x = 1\n").unwrap();
    for arguments in [
        &["check"][..],
        &["serve"],
        &["user", "list"],
        &["agent", "list"],
        &["token", "list"],
    ] {
        assert_eq!(windlass(folder.path(), arguments), exit(1), "{arguments:?}");
    }
}
