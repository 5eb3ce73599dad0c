//! Texts with `{name}` places: parsing and the list of what they name. Filling them is `engine`'s.

use std::fmt;

/// A parsed text. `{name}` is a place, `{{` and `}}` are braces, `${x}` of a shell is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Alternating pieces in order.
    pub parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Taken as it is.
    Text(String),
    /// A name to be filled in, such as `agent.cpus`.
    Name(String),
}

/// A text that is no template. `at` is the byte offset in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Byte offset of the brace at fault.
    pub at: usize,
    /// What is wrong and what would be right.
    pub text: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Template {
    /// A template without places.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self {
            parts: vec![Part::Text(text.to_owned())],
        }
    }

    /// Parses `text`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let close = rest.find('}').unwrap_or(rest.len());
            if let Some(shell) = rest.strip_prefix("${") {
                let end = shell.find('}').map_or(rest.len(), |end| end + 3);
                literal.push_str(&rest[..end]);
                at += end;
            } else if rest.starts_with("{{") || rest.starts_with("}}") {
                literal.push_str(&rest[..1]);
                at += 2;
            } else if rest.starts_with('{') {
                let name = rest.get(1..close).unwrap_or_default();
                if close == rest.len() || !is_name(name) {
                    let text = "this `{` opens no name such as `{branch}`: write `{{` for a brace";
                    return Err(TemplateError {
                        at,
                        text: text.to_owned(),
                    });
                }
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Name(name.to_owned()));
                at += close + 1;
            } else {
                let next = rest
                    .char_indices()
                    .skip(1)
                    .find(|(_, c)| matches!(c, '{' | '}' | '$'));
                let end = next.map_or(rest.len(), |(end, _)| end);
                literal.push_str(&rest[..end]);
                at += end;
            }
        }
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// The names it holds, in order, with repetitions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

/// Writes the template as it would stand in the configuration.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Name(name) => write!(f, "{{{name}}}")?,
            }
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.split('.').all(|word| {
            word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        })
}
