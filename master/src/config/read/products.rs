//! `product` steps.

use std::collections::BTreeMap;

use super::paths;
use super::templates::{self, Allowed, Names};
use crate::config::reader::{Section, Value};
use crate::config::resolved::{ProductGlob, ProductStep};
use crate::config::template::Template;
use crate::model::Name;

/// Role of files that no role is written for: what a user installs.
const ROLE: &str = "installer";

/// Reads a product step.
pub(super) fn read(
    section: &Section<'_>,
    value: &Value<'_>,
    names: &Names<'_>,
) -> Option<ProductStep> {
    let files = files(value, names);
    let template = |value: Value<'_>| templates::read(&value, names, Allowed::Anything);
    let version = section.need("version", "\"{describe}\"").and_then(template);
    let target = section
        .need("target", "\"x86_64-linux\"")
        .and_then(template);
    let optional = |key: &str| match section.key(key) {
        Some(value) => template(value).map(Some),
        None => Some(None),
    };
    let (feed_version, runtime) = (optional("feed_version"), optional("runtime"));
    let properties = section.key("properties");
    let properties = properties.map(|value| properties_of(&value, names));
    Some(ProductStep {
        files: files?,
        version: version?,
        feed_version: feed_version?,
        target: target?,
        runtime: runtime?,
        properties: properties.unwrap_or_default(),
    })
}

/// One glob, a list of globs, or globs by role.
fn files(value: &Value<'_>, names: &Names<'_>) -> Option<Vec<ProductGlob>> {
    let mut wanted: Vec<(String, Value<'_>)> = Vec::new();
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
            wanted.extend(globs.into_iter().map(|glob| (role.to_owned(), glob)));
        }
    } else if value.node.is_array() {
        let globs = value.array()?;
        wanted.extend(globs.into_iter().map(|glob| (ROLE.to_owned(), glob)));
    } else {
        wanted.push((ROLE.to_owned(), value.clone()));
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
        .map(|(role, value)| paths::glob(&value, names).map(|glob| ProductGlob { role, glob }))
        .collect();
    globs.into_iter().collect()
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
