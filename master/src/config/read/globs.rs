//! Globs over branches and over the names of builders.

use globset::GlobBuilder;

use crate::config::reader::Value;
use crate::config::suggest::nearest;

/// Branch globs; `*` stops at a slash, `**` does not.
pub(super) fn branches(value: &Value<'_>) -> Vec<String> {
    let texts = value.texts();
    if texts.is_empty() {
        let title = format!("`{}` names no branch", value.name);
        value.wrong(title, "", "write [\"main\"], or [\"**\"] for all");
    }
    for (entry, text) in &texts {
        compile(entry, text);
    }
    texts.into_iter().map(|(_, text)| text.to_owned()).collect()
}

/// The builders that names and globs stand for, in the configuration's order.
pub(super) fn builders(value: &Value<'_>, names: &[&str]) -> Vec<String> {
    let mut wanted = vec![false; names.len()];
    let texts = value.texts();
    if texts.is_empty() {
        let title = format!("`{}` names no builder", value.name);
        value.wrong(title, "", "write [\"NAME\"], or [\"*\"] for all");
    }
    for (entry, text) in texts {
        let Some(glob) = compile(&entry, text) else {
            continue;
        };
        let mut any = false;
        for (at, name) in names.iter().enumerate() {
            let fits = *name == text || glob.is_match(name);
            wanted[at] |= fits;
            any |= fits;
        }
        if !any {
            tell_unknown(&entry, text, names);
        }
    }
    let chosen = names.iter().zip(wanted).filter(|(_, wanted)| *wanted);
    chosen.map(|(name, _)| (*name).to_owned()).collect()
}

fn tell_unknown(entry: &Value<'_>, text: &str, names: &[&str]) {
    let family = format!("{text}-");
    let help = if let Some(near) = nearest(text, names.iter().copied()) {
        format!("did you mean \"{near}\"?")
    } else if names.iter().any(|name| name.starts_with(&family)) {
        format!("it has a matrix: write \"{text}-*\" for all of its builders")
    } else if names.is_empty() {
        "add a table [builder.NAME]".to_owned()
    } else {
        let first: Vec<&str> = names.iter().copied().take(10).collect();
        format!("there are: {}", first.join(", "))
    };
    entry.wrong(format!("there is no builder `{text}`"), "", help);
}

fn compile(entry: &Value<'_>, text: &str) -> Option<globset::GlobMatcher> {
    match GlobBuilder::new(text).literal_separator(true).build() {
        Ok(glob) => Some(glob.compile_matcher()),
        Err(error) => {
            let title = format!("`{text}` is no pattern: {}", error.kind());
            entry.wrong(title, "", "`*`, `?`, `[…]` and `{a,b}` are possible");
            None
        }
    }
}
