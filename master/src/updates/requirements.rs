//! What a product needs of the machine it is to run on, against what the asker says of it. What
//! the asker does not say, or nobody can read, never keeps a product from it.

use std::str::FromStr as _;

use super::{Asker, Candidate};

/// Longest list of runtimes, versions and ranges that is looked at, bytes.
const TEXT_BYTES_MAX: usize = 256;
/// Most numbers of a version of an operating system that count.
const NUMBERS_MAX: usize = 6;

/// Why `candidate` does not run where `asker` runs, in words; `None` where it does or may.
#[must_use]
pub fn unmet(candidate: &Candidate, asker: &Asker) -> Option<String> {
    let os = asker.os_version.as_deref();
    os.and_then(|os| unmet_os(candidate, os)).or_else(|| {
        let (name, range) = candidate.runtime.as_ref()?;
        unmet_runtime(name, range, asker.runtime.as_deref()?)
    })
}

fn unmet_os(candidate: &Candidate, os: &str) -> Option<String> {
    let own = numbers(os)?;
    let told = os.trim();
    if let Some(min) = &candidate.min_os
        && let Some(wanted) = numbers(min)
        && own < wanted
    {
        return Some(format!(
            "needs version {min} of the operating system or a later one, this is {told}"
        ));
    }
    let max = candidate.max_os.as_ref()?;
    let wanted = numbers(max)?;
    // 12 means every 12.x: only as many numbers count as the bound has.
    let own = own.get(..wanted.len()).unwrap_or(&own);
    (own > wanted.as_slice()).then(|| {
        format!("needs version {max} of the operating system or an earlier one, this is {told}")
    })
}

/// The first dotted number in a text: `Windows 10.0.19045` is `[10, 0, 19045]`.
fn numbers(text: &str) -> Option<Vec<u64>> {
    let text = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX))?;
    let from = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[from..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let parts = rest[..end].split('.').filter(|part| !part.is_empty());
    parts
        .take(NUMBERS_MAX)
        .map(|part| part.parse().ok())
        .collect()
}

fn unmet_runtime(name: &str, range: &str, told: &str) -> Option<String> {
    let told = told.get(..told.floor_char_boundary(TEXT_BYTES_MAX))?;
    let mut others = Vec::new();
    for one in told.split([',', ';']).map(str::trim) {
        if one.is_empty() {
            continue;
        }
        let (own, version) = split(one);
        if !own.is_empty() && !own.eq_ignore_ascii_case(name) {
            others.push(one);
            continue;
        }
        return match is_within(range, version) {
            Some(false) => Some(format!("needs {name} {range}, this is {one}")),
            Some(true) | None => None,
        };
    }
    (!others.is_empty()).then(|| format!("needs {name} {range}, this is {}", others.join(", ")))
}

/// `python 3.12`, `python/3.12`, `python-3.12`, `python3.12` or `3.12` as name and version.
fn split(text: &str) -> (&str, &str) {
    let is_mark = |c: char| c.is_whitespace() || matches!(c, '/' | '-' | '@' | ':' | '=' | '_');
    let end = text.find(|c: char| c.is_ascii_digit() || is_mark(c));
    let (name, version) = text.split_at(end.unwrap_or(text.len()));
    (name, version.trim_start_matches(is_mark).trim_end())
}

/// Whether `version` is in `range`; `None` where either cannot be read.
fn is_within(range: &str, version: &str) -> Option<bool> {
    if range.len() > TEXT_BYTES_MAX {
        return None;
    }
    if let (Ok(range), Ok(version)) = (
        pep440_rs::VersionSpecifiers::from_str(range),
        pep440_rs::Version::from_str(version),
    ) {
        return Some(range.contains(&version));
    }
    let range = semver::VersionReq::parse(range).ok()?;
    let version = semver::Version::parse(version).ok()?;
    Some(range.matches(&version))
}

#[cfg(test)]
mod tests;
