//! `[project.NAME]`, and which project belongs to something that does not say.

use std::collections::BTreeMap;

use super::public_keys;
use crate::config::entries::{Entry, Noun, known};
use crate::config::keys;
use crate::config::load::Scope;
use crate::config::publishing::Publish;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{Bucket, Project};
use crate::model::{Role, SignoffNeed, VersionScheme};

/// Most users of one role that must sign: more than people agree in a week.
const SIGNOFFS_MAX: i64 = 20;

/// Things to tick: what stands beside a build without scrolling.
const CHECKLIST_MAX: usize = 30;
/// Characters of one: a line of a narrow column.
const ITEM_CHARS_MAX: usize = 80;

/// Reads the entries.
/// Sites may lie in other buckets of the service of `bucket`.
pub(in crate::config) fn read(
    scope: &Scope<'_>,
    bucket: Option<&Bucket>,
) -> BTreeMap<String, Project> {
    let project = |entry: &Entry<'_>| {
        let title = format!("[project.{}]", entry.name);
        let section = entry.value.section(title, keys::PROJECT)?;
        let title = section.key("title").and_then(|value| value.line());
        let title = title.unwrap_or(entry.name).to_owned();
        let schemes = VersionScheme::ALL
            .iter()
            .map(|scheme| (scheme.as_str(), *scheme));
        let schemes: Vec<_> = schemes.collect();
        let scheme = section.key("version_scheme");
        let scheme = scheme.and_then(|value| value.one_of(&schemes));
        let keys = section.key("keys");
        let keys = keys.and_then(|value| public_keys::read(scope, &value));
        let only_released = section
            .key("releases")
            .and_then(|value| value.one_of(&[("nightly", false), ("released", true)]));
        let bad_needs_bug = section
            .key("bad_needs_bug")
            .and_then(|value| value.flag())
            .unwrap_or_default();
        let checklist = section.key("checklist");
        let checklist = checklist.map_or_else(Vec::new, |value| checklist_of(&value));
        let private = section.key("private").and_then(|value| value.flag());
        let publish = section.key("publish");
        let publish = publish.and_then(|value| published(scope, &value, bucket, private));
        let project = Project {
            title,
            publish,
            private: private.unwrap_or(false),
            version_scheme: scheme.unwrap_or_default(),
            keys: keys.unwrap_or_default(),
            only_released: only_released.unwrap_or(false),
            signoffs: signoffs(&section),
            bad_needs_bug,
            checklist,
            quota: super::retention::quota(&section),
        };
        Some((entry.name.to_owned(), project))
    };
    scope.projects.values().filter_map(project).collect()
}

/// `publish = "FOLDER"` or `publish = "s3://bucket/prefix"`.
fn published(
    scope: &Scope<'_>,
    value: &Value<'_>,
    bucket: Option<&Bucket>,
    private: Option<bool>,
) -> Option<Publish> {
    if private == Some(true) {
        let title = "a private project cannot be published";
        let note = "whoever reaches the site reads its files";
        value.wrong(title, note, "take out `publish` or `private`");
        return None;
    }
    if !value.line()?.starts_with("s3://") {
        return Some(Publish::Folder(scope.path(value.line()?)));
    }
    let (name, prefix) = super::bucket::named(value)?;
    let Some(access) = bucket else {
        let help = "add `blobs` and `s3` to [master]; see docs/storage.md";
        value.wrong("nothing says who asks for this bucket", "", help);
        return None;
    };
    Some(Publish::Bucket(Bucket {
        name,
        prefix,
        ..access.clone()
    }))
}

/// `signoffs = { qa = 1, engineer = 2 }`.
fn signoffs(section: &Section<'_>) -> Vec<SignoffNeed> {
    let needed = section
        .key("signoffs")
        .and_then(|value| value.section("signoffs", keys::SIGNOFFS));
    let Some(needed) = needed else {
        return Vec::new();
    };
    let roles = [Role::Qa, Role::Engineer, Role::Admin];
    let need = |role: &Role| {
        let count = needed.key(role.as_str())?.whole(1..=SIGNOFFS_MAX)?;
        let count = u32::try_from(count).ok()?;
        Some(SignoffNeed { role: *role, count })
    };
    roles.iter().filter_map(need).collect()
}

/// What testers tick off: short texts, each once.
fn checklist_of(value: &Value<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (entry, text) in value.texts() {
        let text = text.trim();
        if all.iter().any(|known| known == text) {
            entry.wrong(format!("`{text}` stands twice"), "", "take one out");
        } else if text.chars().count() > ITEM_CHARS_MAX {
            let title = format!("`{}` is too long", entry.name);
            entry.wrong(title, "", format!("at most {ITEM_CHARS_MAX} characters"));
        } else if all.len() == CHECKLIST_MAX {
            let title = format!("more than {CHECKLIST_MAX} things to tick");
            entry.wrong(title, "", "take some out");
            break;
        } else {
            all.push(text.to_owned());
        }
    }
    all
}

/// The project that `section` names; else the one called like it; else the only one.
pub(super) fn of(section: &Section<'_>, name: &str, projects: &Noun<'_>) -> Option<String> {
    if let Some(value) = section.key("project") {
        return known(&value, "project", projects).map(|entry| entry.name.to_owned());
    }
    let mut all = projects.keys();
    if let Some(same) = projects.get(name) {
        Some(same.name.to_owned())
    } else if let (Some(only), None) = (all.next(), all.next()) {
        Some((*only).to_owned())
    } else {
        let title = format!("{} does not say its project", section.title);
        let help = match projects.keys().next() {
            Some(first) => format!("add a line such as: project = \"{first}\""),
            None => format!("add a table [project.{name}]"),
        };
        section.check.wrong(section.place, title, "", help);
        None
    }
}
