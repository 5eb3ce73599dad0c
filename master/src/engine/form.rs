//! Checking what somebody typed into a force form against the configured parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::resolved::{Parameter, ParameterKind};

/// Longest text value, bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// A value that does not fit its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadField {
    /// Name of the parameter.
    pub name: String,
    /// What is wrong and what would be right.
    pub text: String,
}

/// The values as properties (`form.NAME`), typed; defaults where nothing was given.
pub fn check(
    parameters: &[Parameter],
    values: &BTreeMap<String, String>,
) -> Result<Map<String, Value>, BadField> {
    if let Some(name) = values
        .keys()
        .find(|name| parameters.iter().all(|known| known.name != **name))
    {
        let known: Vec<&str> = parameters.iter().map(|known| known.name.as_str()).collect();
        let text = match known.is_empty() {
            true => "this form has no fields".to_owned(),
            false => format!("there is no such field: the form has {}", known.join(", ")),
        };
        return Err(BadField {
            name: name.clone(),
            text,
        });
    }
    let mut typed = Map::new();
    for parameter in parameters {
        let given = values
            .get(&parameter.name)
            .filter(|value| !value.is_empty());
        let Some(value) = given.or(parameter.default.as_ref()) else {
            // An unticked box sends nothing.
            if parameter.kind == ParameterKind::Bool {
                typed.insert(format!("form.{}", parameter.name), Value::Bool(false));
            } else if parameter.required {
                return Err(bad(parameter, "a value is needed"));
            }
            continue;
        };
        let value = parse(&parameter.kind, value).map_err(|text| bad(parameter, &text))?;
        typed.insert(format!("form.{}", parameter.name), value);
    }
    Ok(typed)
}

fn parse(kind: &ParameterKind, value: &str) -> Result<Value, String> {
    match kind {
        ParameterKind::Text if value.len() > TEXT_BYTES_MAX => {
            Err(format!("at most {TEXT_BYTES_MAX} bytes are expected"))
        }
        ParameterKind::Text if value.chars().any(|c| matches!(c, '\0' | '\n' | '\r')) => {
            Err("one line of text is expected".to_owned())
        }
        ParameterKind::Text => Ok(Value::from(value)),
        ParameterKind::Int => value
            .trim()
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| "a whole number is expected".to_owned()),
        ParameterKind::Bool => match value {
            "true" | "on" | "1" | "yes" => Ok(Value::Bool(true)),
            "false" | "off" | "0" | "no" => Ok(Value::Bool(false)),
            _ => Err("`true` or `false` is expected".to_owned()),
        },
        ParameterKind::Choice(choices) if choices.iter().any(|choice| choice == value) => {
            Ok(Value::from(value))
        }
        ParameterKind::Choice(choices) => Err(format!("one of {} is expected", choices.join(", "))),
    }
}

fn bad(parameter: &Parameter, text: &str) -> BadField {
    BadField {
        name: parameter.name.clone(),
        text: text.to_owned(),
    }
}
