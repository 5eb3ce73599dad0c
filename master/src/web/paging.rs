//! Links from one page of a list to the next, and the query texts they are made of.

use std::fmt::{Display, Write as _};

use super::frame::Frame;
use crate::app::App;
use crate::auth::Identity;

/// A list at its address.
pub(super) struct Listed<'a> {
    /// Path of the page; that of REST is the same below `/api/v1`.
    pub(super) path: &'static str,
    /// What it is filtered by; empty ones are left out.
    pub(super) parameters: &'a [(&'a str, &'a str)],
    /// Whether this is its first page.
    pub(super) is_first: bool,
}

impl Listed<'_> {
    /// The frame of its page, which follows events of these kinds.
    #[must_use]
    pub(super) fn frame(
        &self,
        app: &App,
        identity: &Identity,
        title: &str,
        kinds: &'static str,
    ) -> Frame {
        let rest = format!("/api/v1{}", self.here());
        Frame::new(app, identity, self.path, title)
            .rest(rest)
            .live(kinds)
    }

    /// Its address without the place in the list.
    #[must_use]
    pub(super) fn here(&self) -> String {
        format!("{}{}", self.path, query(self.parameters))
    }

    /// Links to its newest page and to the one before `next`.
    #[must_use]
    pub(super) fn pages(&self, next: Option<impl Display>) -> Vec<(&'static str, String)> {
        links(self.path, self.parameters, self.is_first, next)
    }
}

/// A query text of the parameters that are not empty, `?` included; empty when none is left.
#[must_use]
pub(super) fn query(parameters: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        let lead = if text.is_empty() { '?' } else { '&' };
        let _ = write!(text, "{lead}{name}={}", encoded(value));
    }
    text
}

/// Links to the newest and the next older page, where there are such.
#[must_use]
pub(super) fn links(
    path: &str,
    parameters: &[(&str, &str)],
    is_first: bool,
    next: Option<impl Display>,
) -> Vec<(&'static str, String)> {
    let mut links = Vec::new();
    if !is_first {
        links.push(("Newest", format!("{path}{}", query(parameters))));
    }
    if let Some(next) = next {
        let before = next.to_string();
        let mut all = parameters.to_vec();
        all.push(("before", &before));
        links.push(("Older", format!("{path}{}", query(&all))));
    }
    links
}

/// A parameter that was given and is not empty.
#[must_use]
pub(super) fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A parameter parsed; what cannot be parsed is the asker's error.
pub(super) fn parsed<T: std::str::FromStr>(
    field: &str,
    text: &str,
) -> Result<Option<T>, crate::error::Error>
where
    T::Err: Display,
{
    given(text)
        .map(|text| text.parse())
        .transpose()
        .map_err(|error: T::Err| crate::error::Error::bad_input(field, error.to_string()))
}

/// Percent-encodes everything that is not a letter, digit or one of `-._~`.
#[must_use]
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests;
