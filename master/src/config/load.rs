//! From a path to a checked configuration: reads the files, then every section, then cross-checks.
//! All mistakes of a run are told at once.

use std::path::{Path, PathBuf};

use super::entries::{Entries, Entry, Noun};
use super::keys::Keys;
use super::mistakes::{Check, ConfigErrors, File};
use super::read;
use super::reader::Section;
use super::resolved::Config;
use super::{files, keys};

/// What the sections are read with.
pub(super) struct Scope<'a> {
    /// Folder of the main file: paths are relative to it.
    pub(super) folder: PathBuf,
    pub(super) projects: Noun<'a>,
    pub(super) repositories: Noun<'a>,
}

impl Scope<'_> {
    /// A path of the configuration, made absolute.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }
}

/// Reads and checks the configuration at `path`. Touches nothing and reads no secret.
pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
    let alone = |text: String, help: &str| {
        let check = Check::new(&[]);
        check.wrong_anywhere(text, help);
        check.finish()
    };
    let help = if path.exists() {
        ""
    } else {
        "`windlass init DIR` makes a folder with a first configuration"
    };
    let main = files::read(path).map_err(|text| alone(text, help))?;
    let absolute = std::path::absolute(path)
        .map_err(|error| alone(format!("cannot find {}: {error}", path.display()), ""))?;
    let folder = absolute.parent().unwrap_or(Path::new("/")).to_path_buf();

    let main = [main];
    let reading = Check::new(&main);
    let paths = files::includes(&reading, &main[0], &folder);
    let mut sources: Vec<File> = main.to_vec();
    for path in paths.iter().filter(|included| **included != absolute) {
        match files::read(path) {
            Ok(file) => sources.push(file),
            Err(text) => reading.wrong_anywhere(text, "it is named by `include`"),
        }
    }
    let check = Check::new(&sources);
    check.adopt(reading);
    let config = read_all(&check, &sources, absolute, folder);
    match config {
        Some(config) if check.is_clean() => Ok(config),
        _ => Err(check.finish()),
    }
}

fn read_all(check: &Check<'_>, sources: &[File], file: PathBuf, folder: PathBuf) -> Option<Config> {
    let parsed = sources.iter().enumerate();
    let tables: Vec<_> = parsed
        .map(|(number, source)| files::parse(check, number, source))
        .collect();
    let mut entries = Entries::default();
    for (number, table) in tables.iter().enumerate() {
        entries.add(check, number, table);
    }
    let scope = Scope {
        folder,
        projects: entries.noun("project"),
        repositories: entries.noun("repository"),
    };
    let master = read::master::read(&scope, section(entries.master.as_ref(), keys::MASTER));
    let bucket = master.as_ref().and_then(|master| master.bucket.clone());
    let mail = section(entries.mail.as_ref(), keys::MAIL);
    let mail = mail.and_then(|section| read::mail::read(&scope, &section));
    let defaults = section(entries.agents.as_ref(), keys::AGENTS);
    let agent_defaults = read::agents::defaults(defaults.as_ref());
    let uploads = section(entries.uploads.as_ref(), keys::UPLOADS);
    let plans = read::matrix::unfold(&entries.noun("builder"));
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    let schedules = read::schedules::read(&scope, &entries.noun("schedule"), &names);
    Some(Config {
        file,
        master: master?,
        mail,
        projects: read::projects::read(&scope, bucket.as_ref()),
        repositories: read::repositories::read(&scope),
        agents: read::agents::read(&entries.noun("agent"), &agent_defaults),
        agent_defaults,
        notifies: read::notifies::read(&entries.noun("notify"), &names),
        retention: read::retention::read(&entries.noun("retention"), &scope.projects),
        builders: read::builders::read(&scope, &plans, &schedules),
        schedules,
        uploads: read::uploads::read(uploads.as_ref()),
    })
}

/// The section of a table that is there at most once.
fn section<'a>(entry: Option<&Entry<'a>>, keys: Keys) -> Option<Section<'a>> {
    let entry = entry?;
    entry.value.section(format!("[{}]", entry.name), keys)
}
