//! Texts with `{name}` places: which names there are, and which may stand where.

use std::collections::BTreeMap;

use crate::config::names::{Class, NAMES, class_of, env_of};
use crate::config::reader::Value;
use crate::config::suggest::nearest;
use crate::config::template::Template;

/// What a builder's templates may name.
pub(super) struct Names<'a> {
    pub(super) matrix: &'a BTreeMap<String, String>,
    /// Parameters of the force schedules that may start the builder.
    pub(super) parameters: &'a [String],
}

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// In the text of a script: nothing from outside.
    Script,
    /// Where a value stays one value.
    Anything,
}

/// Reads a template and checks its names.
pub(super) fn read(value: &Value<'_>, names: &Names<'_>, allowed: Allowed) -> Option<Template> {
    let text = value.text()?;
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            let found: String = text[error.at..].chars().take(12).collect();
            let place = value.check.narrow(value.place, &found);
            value.check.wrong(place, error.text, "", "");
            return None;
        }
    };
    let mut fits = true;
    for name in template.names() {
        fits &= check_name(value, name, names, allowed);
    }
    fits.then_some(template)
}

fn check_name(value: &Value<'_>, name: &str, names: &Names<'_>, allowed: Allowed) -> bool {
    let place = value.check.narrow(value.place, &format!("{{{name}}}"));
    match class_of(name, names.matrix, names.parameters) {
        Some(Class::Outside) if allowed == Allowed::Script => {
            let title = format!("`{{{name}}}` comes from outside and cannot stand in a script");
            let variable = env_of(name);
            let help =
                format!("write \"${variable}\" with the quotes, or make `run` a list of arguments");
            value.check.wrong(place, title, "not possible here", help);
            false
        }
        Some(_) => true,
        None => {
            let title = format!("there is no name `{{{name}}}`");
            let forms: Vec<String> = names
                .parameters
                .iter()
                .map(|p| format!("form.{p}"))
                .collect();
            let known = NAMES.iter().map(|entry| entry.name);
            let known = known.chain(names.matrix.keys().map(String::as_str));
            let near = nearest(name, known.chain(forms.iter().map(String::as_str)));
            let help = match near {
                Some(near) => format!("did you mean `{{{near}}}`?"),
                None if name.starts_with("form.") => {
                    "no force schedule of this builder has such a parameter".to_owned()
                }
                None => "write `{{` for a brace; docs/configuration.md lists the names".to_owned(),
            };
            value.check.wrong(place, title, "unknown name", help);
            false
        }
    }
}
