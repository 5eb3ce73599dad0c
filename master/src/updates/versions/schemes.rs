//! A project's scheme of versions: which texts are versions by it, and their order.

use std::cmp::Ordering;
use std::str::FromStr as _;

use super::deb::Deb;
use super::dotted::Dotted;
use super::{VERSION_BYTES_MAX, compare_versions};
use crate::model::VersionScheme;
use crate::updates::feed_version;

/// The order of two version texts by a project's scheme; `None` where one of them is no version
/// by it. Among the versions of one scheme the order is total: equal ones are those that the
/// scheme calls the same, such as `1.0` and `1.0.0`. By `seq` texts have no order of their own, and
/// only what can be told of any two texts is told.
#[must_use]
pub fn compare_by(scheme: VersionScheme, left: &str, right: &str) -> Option<Ordering> {
    match scheme {
        VersionScheme::Seq => compare_versions(left, right),
        VersionScheme::Semver => Some(semantic(left)?.cmp_precedence(&semantic(right)?)),
        VersionScheme::Dotted => Some(Dotted::parse(left)?.cmp(&Dotted::parse(right)?)),
        VersionScheme::Deb => Some(Deb::parse(left)?.compare(&Deb::parse(right)?)),
        VersionScheme::Pep440 => Some(python(left)?.cmp(&python(right)?)),
    }
}

/// Whether `text` is a version by the scheme. Errors: what it is not, and what would be right.
pub fn check_version(scheme: VersionScheme, text: &str) -> Result<(), String> {
    let (is_version, kind, example) = match scheme {
        VersionScheme::Seq => return Ok(()),
        VersionScheme::Semver => (semantic(text).is_some(), "semantic version", "1.4.0-rc.1"),
        VersionScheme::Dotted => (
            Dotted::parse(text).is_some(),
            "dotted version (a digit first, then letters, digits and `.`, `_`, `-`, `+`, `~`)",
            "1.4.0.12",
        ),
        VersionScheme::Deb => (
            Deb::parse(text).is_some(),
            "version of a Debian package",
            "1:1.4.0~rc1-2",
        ),
        VersionScheme::Pep440 => (
            python(text).is_some(),
            "version of a Python package (PEP 440)",
            "1.4.0rc1",
        ),
    };
    if is_version {
        return Ok(());
    }
    let semantic = match scheme {
        VersionScheme::Semver => feed_version(text),
        _ => None,
    };
    let shown: String = text.escape_debug().take(80).collect();
    let right = match semantic {
        Some(semantic) => format!("`{semantic}` would be right for it"),
        None => format!("write one such as `{example}`"),
    };
    Err(format!(
        "the version `{shown}` is no {kind}, which the project's version_scheme \"{scheme}\" \
         wants: {right}"
    ))
}

/// A `v` in front is no part of a version, and many write one.
fn semantic(text: &str) -> Option<semver::Version> {
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let is_short = text.len() <= VERSION_BYTES_MAX;
    is_short.then(|| semver::Version::parse(bare).ok())?
}

fn python(text: &str) -> Option<pep440_rs::Version> {
    let is_short = text.len() <= VERSION_BYTES_MAX;
    is_short.then(|| pep440_rs::Version::from_str(text).ok())?
}

#[cfg(test)]
mod tests;
