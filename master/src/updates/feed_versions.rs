//! Semantic versions for update clients, made of the version texts that people and `git describe`
//! write. Comparing texts as they are is `versions`'.

/// Longest text that is looked at; no version that people write comes near.
const VERSION_BYTES_MAX: usize = 128;

/// The semantic version that `text` stands for; `None` where it stands for none.
///
/// A `v` in front is dropped, missing numbers are zeros (`v1.2` is `1.2.0`), zeros in front of a
/// number go (`2024.01.3` is `2024.1.3`). What `git describe` adds must order after its tag and
/// before the next one: `v1.0.0-3-gabc` is `1.0.1-dev.3+gabc`, and after a pre-release
/// `1.0.0-rc.1-3-gabc` is `1.0.0-rc.1.dev.3+gabc`.
#[must_use]
pub fn feed_version(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > VERSION_BYTES_MAX {
        return None;
    }
    let (text, is_dirty) = match text.strip_suffix("-dirty") {
        Some(clean) => (clean, true),
        None => (text, false),
    };
    let (tag, distance) = match described(text) {
        Some((tag, commits, hash)) => (tag, Some((commits, hash))),
        None => (text, None),
    };
    let mut version = semantic(tag)?;
    let (mut pre, mut build) = (version.pre.to_string(), version.build.to_string());
    if let Some((commits, hash)) = distance {
        match (commits, pre.is_empty()) {
            // The tag itself, told the long way.
            (0, _) => {}
            (_, true) => {
                version.patch = version.patch.checked_add(1)?;
                pre = format!("dev.{commits}");
            }
            (_, false) => pre.push_str(&format!(".dev.{commits}")),
        }
        append(&mut build, &format!("g{hash}"));
    }
    if is_dirty {
        append(&mut build, "dirty");
    }
    version.pre = semver::Prerelease::new(&pre).ok()?;
    version.build = semver::BuildMetadata::new(&build).ok()?;
    Some(version.to_string())
}

fn append(build: &mut String, word: &str) {
    if !build.is_empty() {
        build.push('.');
    }
    build.push_str(word);
}

/// `TAG-COMMITS-gHASH` taken apart.
fn described(text: &str) -> Option<(&str, u64, &str)> {
    let (front, hash) = text.rsplit_once("-g")?;
    let is_hash = (3..=64).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let (tag, commits) = front.rsplit_once('-')?;
    is_hash.then_some((tag, commits.parse().ok()?, hash))
}

/// One to three numbers with what follows them.
fn semantic(tag: &str) -> Option<semver::Version> {
    let bare = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let end = bare.find(['-', '+']).unwrap_or(bare.len());
    let (core, rest) = bare.split_at(end);
    let mut numbers = Vec::new();
    for part in core.split('.') {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        numbers.push(part.parse::<u64>().ok()?);
    }
    numbers.resize(numbers.len().max(3), 0);
    let [major, minor, patch] = numbers.as_slice() else {
        return None;
    };
    semver::Version::parse(&format!("{major}.{minor}.{patch}{rest}")).ok()
}

#[cfg(test)]
mod tests {
    //! Version texts as a table, and their order.

    use super::*;

    #[test]
    fn version_texts_become_semantic_versions() {
        let table = [
            ("1.4.0", Some("1.4.0")),
            ("v1.4.0-rc.1", Some("1.4.0-rc.1")),
            ("V1.4.0+linux", Some("1.4.0+linux")),
            ("v1.2", Some("1.2.0")),
            ("7", Some("7.0.0")),
            ("2024.01.3", Some("2024.1.3")),
            ("v1.0.0-3-gabc1234", Some("1.0.1-dev.3+gabc1234")),
            (
                "v1.2-14-gabc1234-dirty",
                Some("1.2.1-dev.14+gabc1234.dirty"),
            ),
            ("1.0.0-rc.1-3-gabc1234", Some("1.0.0-rc.1.dev.3+gabc1234")),
            ("v1.0.0-0-gabc1234", Some("1.0.0+gabc1234")),
            ("v1.0.0+x-2-gabc1234", Some("1.0.1-dev.2+x.gabc1234")),
            ("0.0.0-812-gabc1234", Some("0.0.1-dev.812+gabc1234")),
            ("nightly-3-gabc1234", None),
            ("release-candidate", None),
            ("1.2.3.4", None),
            ("1..2", None),
            ("", None),
            ("v", None),
            ("99999999999999999999.0.0", None),
        ];
        for (text, expected) in table {
            assert_eq!(feed_version(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn commits_after_a_tag_order_between_it_and_the_next() {
        let rising = [
            "v1.0.0-rc.1",
            "v1.0.0-rc.1-3-gabc1234",
            "v1.0.0-rc.1-12-gabc1234",
            "v1.0.0-rc.2",
            "v1.0.0",
            "v1.0.0-3-gabc1234",
            "v1.0.0-12-gabc1234",
            "v1.0.1",
            "v1.1",
        ];
        let versions: Vec<semver::Version> = rising
            .iter()
            .map(|text| feed_version(text).unwrap().parse().unwrap())
            .collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    }
}
