//! Paths and file globs below a build's folder.

use globset::GlobBuilder;

use super::templates::{self, Allowed, Names};
use crate::config::reader::Value;
use crate::config::template::{Part, Template};

/// A folder below the build's folder: relative, without `..`.
pub(super) fn folder(value: &Value<'_>) -> Option<String> {
    let text = value.line()?;
    is_below(value, text).then(|| {
        let trimmed = text.trim_start_matches("./").trim_end_matches('/');
        if trimmed.is_empty() { "." } else { trimmed }.to_owned()
    })
}

/// A glob below the build's folder, which may hold names.
pub(super) fn glob(value: &Value<'_>, names: &Names<'_>) -> Option<Template> {
    let template = templates::read(value, names, Allowed::Anything)?;
    // What the names stand for is not known yet; a letter keeps the glob's shape.
    let shape: String = template
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Name(_) => "x",
        })
        .collect();
    if !is_below(value, &shape) {
        return None;
    }
    if let Err(error) = GlobBuilder::new(&shape).literal_separator(true).build() {
        let title = format!("this is no pattern: {}", error.kind());
        value.wrong(title, "", "`*`, `**`, `?` and `[…]` are possible");
        return None;
    }
    Some(template)
}

fn is_below(value: &Value<'_>, text: &str) -> bool {
    let leaves = text.starts_with('/')
        || text.contains('\\')
        || text.split('/').any(|part| part == "..")
        || text.as_bytes().get(1) == Some(&b':');
    if leaves {
        let title = format!("`{}` leaves the build's folder", value.name);
        let help = "write a relative path with `/` between its parts and without `..`";
        value.wrong(title, "", help);
    }
    !leaves
}
