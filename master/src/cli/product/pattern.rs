//! Patterns of file names: `{project}-{version}-{target}.{ext}`. Text stands for itself, a word in
//! braces for a part of the name. Where a name can be read in several ways, a version begins with
//! a digit (or `v` and a digit), a target with the word of a system or processor, and an extension
//! is as short as it can be, `tar.gz` and the like apart.

use std::collections::BTreeMap;

/// The words that a pattern may have, and `*` for what is of no interest.
const WORDS: [&str; 7] = ["project", "version", "target", "ext", "role", "build", "*"];
/// How targets begin, in lower case.
const SYSTEMS: [&str; 22] = [
    "x86",
    "amd64",
    "x64",
    "i386",
    "i486",
    "i586",
    "i686",
    "aarch64",
    "arm",
    "riscv",
    "ppc",
    "s390",
    "linux",
    "win",
    "mac",
    "darwin",
    "osx",
    "universal",
    "freebsd",
    "android",
    "any",
    "all",
];
/// What is added to the name of a file for one beside it, and its role.
const BESIDE: [(&str, &str); 5] = [
    (".sig", "signature"),
    (".asc", "signature"),
    (".minisig", "signature"),
    (".blockmap", "blockmap"),
    (".zsync", "zsync"),
];
/// First parts of extensions that have two.
const ARCHIVES: [&str; 2] = ["tar", "AppImage"];

/// A pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Word(&'static str),
}

/// What the words of a pattern stand for in a name.
pub(super) type Words = BTreeMap<&'static str, String>;

impl Pattern {
    /// Reads a pattern. Errors: what is wrong and what would be right.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (before, after) = rest.split_once('{').unwrap_or((rest, ""));
            if before.contains('}') {
                return Err("a } without a { before it".to_owned());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            if before.len() == rest.len() {
                break;
            }
            let (word, after) = after.split_once('}').ok_or("a { without a } after it")?;
            let known = WORDS.iter().find(|known| **known == word);
            let known = known.ok_or_else(|| {
                format!(
                    "there is no word {{{word}}}: use {{{}}}",
                    WORDS.join("}, {")
                )
            })?;
            let stands = |part: &Part| matches!(part, Part::Word(one) if one == known);
            if *known != "*" && parts.iter().any(stands) {
                return Err(format!("{{{known}}} stands twice"));
            }
            parts.push(Part::Word(known));
            rest = after;
        }
        match parts
            .iter()
            .any(|part| matches!(part, Part::Word("version")))
        {
            true => Ok(Self(parts)),
            false => Err("it needs {version}".to_owned()),
        }
    }

    /// What the words stand for in `name`; `None` where it does not fit. A file beside another,
    /// such as `editor-1.0-linux.zip.minisig`, is read as that one and has a role.
    pub(super) fn read(&self, name: &str) -> Option<Words> {
        for (suffix, role) in BESIDE {
            if let Some(mut words) = name.strip_suffix(suffix).and_then(|name| self.whole(name)) {
                words.insert("role", role.to_owned());
                return Some(words);
            }
        }
        self.whole(name)
    }

    fn whole(&self, name: &str) -> Option<Words> {
        // First the ways in which targets look like some; then any.
        [true, false].into_iter().find_map(|strict| {
            let mut words = Words::new();
            fits(&self.0, name, strict, &mut words).then_some(words)
        })
    }
}

fn fits(parts: &[Part], name: &str, strict: bool, words: &mut Words) -> bool {
    let Some((part, later)) = parts.split_first() else {
        return name.is_empty();
    };
    let word = match part {
        Part::Text(text) => {
            let rest = name.strip_prefix(text.as_str());
            return rest.is_some_and(|rest| fits(later, rest, strict, words));
        }
        Part::Word(word) => *word,
    };
    let ends = name.char_indices().map(|(at, c)| at + c.len_utf8());
    for end in ends.collect::<Vec<_>>() {
        if is_one(word, &name[..end], strict) && fits(later, &name[end..], strict, words) {
            words.insert(word, name[..end].to_owned());
            return true;
        }
    }
    false
}

/// Whether `text` may stand for `word`.
fn is_one(word: &str, text: &str, strict: bool) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    match word {
        "version" => {
            let rest = text.strip_prefix(['v', 'V']).unwrap_or(text);
            rest.starts_with(|c: char| c.is_ascii_digit())
        }
        "build" => text.bytes().all(|b| b.is_ascii_digit()),
        "target" if strict => {
            let lower = text.to_ascii_lowercase();
            SYSTEMS.iter().any(|system| lower.starts_with(system))
        }
        "ext" => match text.split_once('.') {
            None => first.is_ascii_alphanumeric() && !text.contains(['-', '_']),
            Some((front, back)) => {
                let is_plain = |c: char| c.is_ascii_alphanumeric();
                ARCHIVES.contains(&front) && !back.is_empty() && back.chars().all(is_plain)
            }
        },
        _ => true,
    }
}
