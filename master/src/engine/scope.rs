//! Filling templates from the properties of a build.

use std::collections::BTreeMap;

use crate::config::template::{Part, Template};
use crate::model::Property;

/// The values of names. Names of forms (`form.…`) that nobody filled in are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    values: BTreeMap<String, String>,
}

/// A name without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{{{0}}}` has no value in this build")]
pub struct NoValue(pub String);

impl Scope {
    /// The scope of these properties.
    #[must_use]
    pub fn new(properties: &[Property]) -> Self {
        let pairs = properties.iter();
        let values = pairs.map(|property| (property.name.clone(), plain(&property.value)));
        Self {
            values: values.collect(),
        }
    }

    /// The value of a name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let known = self.values.get(name).map(String::as_str);
        known.or_else(|| name.starts_with("form.").then_some(""))
    }

    /// Every name and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Fills `template`.
pub fn interpolate(template: &Template, scope: &Scope) -> Result<String, NoValue> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(piece) => text.push_str(piece),
            Part::Name(name) => {
                text.push_str(scope.value(name).ok_or_else(|| NoValue(name.clone()))?);
            }
        }
    }
    Ok(text)
}

/// A glob with its outside values taken as they are: `*` in a branch name is no wildcard.
pub fn interpolate_glob(template: &Template, scope: &Scope) -> Result<String, NoValue> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(piece) => text.push_str(piece),
            Part::Name(name) => {
                let value = scope.value(name).ok_or_else(|| NoValue(name.clone()))?;
                text.push_str(&globset::escape(value));
            }
        }
    }
    Ok(text)
}

/// A JSON value as text: strings without their quotes.
fn plain(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(value) => value.to_string(),
        Err(_) => json.to_owned(),
    }
}
