//! `product` steps.

use std::collections::BTreeMap;

use super::paths;
use super::templates::{self, Allowed, Names};
use crate::config::keys;
use crate::config::reader::{Section, Value};
use crate::config::resolved::{ProductGlob, ProductStep};
use crate::config::template::Template;
use crate::model::{Name, check_os_range, check_os_version};

/// Role of files that no role is written for: what a user installs.
const ROLE: &str = "installer";
/// Role of files that make a product out of an older one.
const DELTA: &str = "delta";

/// Reads a product step.
pub(super) fn read(
    section: &Section<'_>,
    value: &Value<'_>,
    names: &Names<'_>,
) -> Option<ProductStep> {
    let template = |value: Value<'_>| templates::read(&value, names, Allowed::Anything);
    let optional = |key: &str| match section.key(key) {
        Some(value) => template(value).map(Some),
        None => Some(None),
    };
    let delta_from = optional("delta_from");
    let files = files(value, names, delta_from.clone().flatten());
    let version = section.need("version", "\"{describe}\"").and_then(template);
    let target = section
        .need("target", "\"x86_64-linux\"")
        .and_then(template);
    let (feed_version, runtime) = (optional("feed_version"), optional("runtime"));
    let (min_os, max_os, notes) = (optional("min_os"), optional("max_os"), optional("notes"));
    for (key, bound) in [("min_os", &min_os), ("max_os", &max_os)] {
        check_bound(section, key, bound.as_ref().and_then(Option::as_ref));
    }
    let bound = |bound: &Option<Option<Template>>| bound.clone().flatten();
    check_range(section, bound(&min_os).as_ref(), bound(&max_os).as_ref());
    let properties = section.key("properties");
    let properties = properties.map(|value| properties_of(&value, names));
    delta_from?;
    Some(ProductStep {
        files: files?,
        version: version?,
        feed_version: feed_version?,
        target: target?,
        runtime: runtime?,
        min_os: min_os?,
        max_os: max_os?,
        notes: notes?,
        properties: properties.unwrap_or_default(),
    })
}

/// A bound without names in it is checked here already: a wrong one would lock applications out.
fn check_bound(section: &Section<'_>, key: &str, bound: Option<&Template>) {
    let (Some(value), Some(bound)) = (section.key(key), bound) else {
        return;
    };
    if bound.names().next().is_none()
        && let Err(help) = check_os_version(&bound.to_string())
    {
        value.wrong(format!("`{key}` cannot be this"), "", help);
    }
}

/// Both bounds without names in them: nobody would be offered a product between them.
fn check_range(section: &Section<'_>, min: Option<&Template>, max: Option<&Template>) {
    let fixed = |bound: Option<&Template>| {
        let bound = bound.filter(|bound| bound.names().next().is_none())?;
        Some(bound.to_string())
    };
    let (min, max) = (fixed(min), fixed(max));
    let are_right = |bound: &Option<String>| {
        let bound = bound.as_deref();
        bound.is_none_or(|bound| check_os_version(bound).is_ok())
    };
    if !are_right(&min) || !are_right(&max) {
        return;
    }
    if let Err(help) = check_os_range(min.as_deref(), max.as_deref())
        && let Some(value) = section.key("max_os")
    {
        value.wrong("`max_os` cannot be this", "", help);
    }
}

/// What is written for one role: a glob, or a table with a glob in it.
struct Wanted<'a> {
    role: String,
    glob: Value<'a>,
    from: Option<Value<'a>>,
    optional: bool,
}

/// One glob, a list of globs, or globs by role.
fn files(
    value: &Value<'_>,
    names: &Names<'_>,
    delta_from: Option<Template>,
) -> Option<Vec<ProductGlob>> {
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    if value.node.is_table() {
        for (glob, role, place) in value.entries() {
            if role.parse::<Name>().is_err() {
                let help = "choose a word such as installer, symbols or signature";
                value
                    .check
                    .wrong(place, format!("`{role}` is no role"), "", help);
            }
            let globs = match glob.node.as_array() {
                Some(_) => glob.array().unwrap_or_default(),
                None => vec![glob],
            };
            for glob in globs {
                wanted.push(one(role, glob)?);
            }
        }
    } else {
        let globs = match value.node.as_array() {
            Some(_) => value.array()?,
            None => vec![value.clone()],
        };
        for glob in globs {
            wanted.push(one(ROLE, glob)?);
        }
    }
    if wanted.is_empty() {
        value.wrong(
            "`product` names no file",
            "",
            "write product = \"dist/*.tar.gz\"",
        );
        return None;
    }
    let globs: Vec<Option<ProductGlob>> = wanted
        .into_iter()
        .map(|wanted| glob(wanted, names, delta_from.as_ref()))
        .collect();
    globs.into_iter().collect()
}

fn one<'a>(role: &str, value: Value<'a>) -> Option<Wanted<'a>> {
    let role = role.to_owned();
    if !value.node.is_table() {
        return Some(Wanted {
            role,
            glob: value,
            from: None,
            optional: false,
        });
    }
    let section = value.section(format!("the table of `{role}`"), keys::PRODUCT_FILES)?;
    let optional = section.key("optional").and_then(|value| value.flag());
    Some(Wanted {
        glob: section.need("files", "\"dist/*.zip\"")?,
        from: section.key("from"),
        optional: optional.unwrap_or(false),
        role,
    })
}

fn glob(
    wanted: Wanted<'_>,
    names: &Names<'_>,
    delta_from: Option<&Template>,
) -> Option<ProductGlob> {
    let is_delta = wanted.role == DELTA;
    let from = match &wanted.from {
        Some(value) => Some(templates::read(value, names, Allowed::Anything)?),
        None => delta_from.filter(|_| is_delta).cloned(),
    };
    if is_delta && from.is_none() {
        let help = "add delta_from = \"1.3.0\" to the step, or write delta = { files = \"…\", \
                    from = \"1.3.0\" }";
        wanted
            .glob
            .wrong("a delta does not say what it starts from", "", help);
        return None;
    }
    Some(ProductGlob {
        glob: paths::glob(&wanted.glob, names)?,
        role: wanted.role,
        delta_from: from,
        optional: wanted.optional,
    })
}

fn properties_of(value: &Value<'_>, names: &Names<'_>) -> BTreeMap<String, Template> {
    let entries = value.entries().into_iter();
    let read = entries.filter_map(|(value, key, place)| {
        if key.parse::<Name>().is_err() {
            let help = "letters, digits, `.`, `_` and `-` are possible";
            value
                .check
                .wrong(place, format!("`{key}` is no name of a property"), "", help);
        }
        let template = templates::read(&value, names, Allowed::Anything)?;
        Some((key.to_owned(), template))
    });
    read.collect()
}
