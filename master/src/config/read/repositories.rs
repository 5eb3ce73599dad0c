//! `[repository.NAME]`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{globs, projects};
use crate::config::entries::Entry;
use crate::config::keys;
use crate::config::load::Scope;
use crate::config::reader::Value;
use crate::config::resolved::{Repository, Vcs};

/// Watched unless told otherwise: what most repositories call their main line.
const BRANCHES: [&str; 2] = ["main", "master"];
/// Asked this often unless told otherwise.
const POLL: Duration = Duration::from_secs(60);
/// Asking more often than this is a burden, and less often than a day a mistake.
const POLL_MIN: Duration = Duration::from_secs(1);
const POLL_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Reads the entries.
pub(in crate::config) fn read(scope: &Scope<'_>) -> BTreeMap<String, Repository> {
    let entries = scope.repositories.values();
    entries
        .filter_map(|entry| Some((entry.name.to_owned(), repository(scope, entry)?)))
        .collect()
}

fn repository(scope: &Scope<'_>, entry: &Entry<'_>) -> Option<Repository> {
    let title = format!("[repository.{}]", entry.name);
    let section = entry.value.section(title, keys::REPOSITORY)?;
    let vcs = match section.key("vcs") {
        Some(value) => value.one_of(&[("git", Vcs::Git)]),
        None => Some(Vcs::Git),
    };
    let url = section
        .need("url", "\"https://git.acme.example/editor.git\"")
        .and_then(|value| url(scope, &value));
    let branches = match section.key("branches") {
        Some(value) => globs::branches(&value),
        None => BRANCHES.map(str::to_owned).to_vec(),
    };
    let poll = match section.key("poll") {
        Some(value) => value.duration(POLL_MIN..=POLL_MAX),
        None => Some(POLL),
    };
    Some(Repository {
        project: projects::of(&section, entry.name, &scope.projects)?,
        vcs: vcs?,
        url: url?,
        branches,
        poll: poll?,
    })
}

/// An address for the version control program; a path becomes absolute.
fn url(scope: &Scope<'_>, value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    let wrong = |title: &str, help: &str| {
        value.wrong(title, "", help);
        None
    };
    if text.starts_with('-') || text.contains("::") {
        let help = "write a path, an https:// or ssh:// address, or host:path";
        return wrong("this address is no repository", help);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        if !["https", "http", "ssh", "git", "file"].contains(&scheme) {
            let help = "https, ssh, git, http and file are possible";
            return wrong("this kind of address is unknown", help);
        }
        let authority = rest.split('/').next().unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        if user.contains(':') {
            let help = "take it out: git's credential helpers and SSH keys are used as they are \
                        set up for the user that runs the master";
            let title = "`url` holds a password";
            value.check.wrong_secret(value.place, title, help);
            return None;
        }
        return Some(text.to_owned());
    }
    let host = text.split('/').next().unwrap_or_default();
    if host.contains(':') && !Path::new(text).is_absolute() {
        return Some(text.to_owned());
    }
    Some(scope.path(text).to_string_lossy().into_owned())
}
