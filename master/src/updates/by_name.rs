//! Where the link to a product's file stands below the folder `by-name`: for people, rsync and
//! scripts. Which of them exist, and the links themselves, are the work of `links`.
//!
//! A path is given once, when a product is recorded, and belongs to that file for ever.

use crate::hex::hex;
use sha2::{Digest as _, Sha256};

/// Longest part of a path, bytes: below the 255 that file systems take, with room for the hash of
/// what was cut.
const PART_BYTES_MAX: usize = 200;
/// Hexadecimal digits of the hash that stands for what was cut: 64 bits never meet by accident.
const CUT_DIGITS: usize = 16;

/// `project/branch/version/file`, each part a name that is safe on every file system.
#[must_use]
pub fn link_path(project: &str, branch: &str, version: &str, name: &str) -> String {
    let [project, branch, version, name] = [project, branch, version, name].map(part);
    format!("{project}/{branch}/{version}/{name}")
}

/// The same with a folder of the product's own before the file, for a second product with files
/// of the same names: `project/branch/version/target-12/file`, where 12 is the product's number.
#[must_use]
pub fn own_link_path(
    (project, branch, version): (&str, &str, &str),
    (target, number): (&str, i64),
    name: &str,
) -> String {
    let own = part(&format!("{target}-{number}"));
    let [project, branch, version, name] = [project, branch, version, name].map(part);
    format!("{project}/{branch}/{version}/{own}/{name}")
}

/// One part of a path. Letters and digits of every language and `-`, `_`, `+`, `~`, `=`, `,`, `@`,
/// `(`, `)` stay, a dot and a space within; all else, `/` and `%` too, is written `%XX`. So no
/// name leaves its folder, hides, or is one of the system's own, and two names never become one.
#[must_use]
fn part(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        let stays = match c {
            '-' | '_' | '+' | '~' | '=' | ',' | '@' | '(' | ')' => true,
            '.' | ' ' => at != 0 && at != last,
            c => c.is_alphanumeric(),
        };
        if stays {
            safe.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                safe.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    match safe.as_str() {
        // A folder that is not there would make the path another one.
        "" => "%".to_owned(),
        _ if safe.len() > PART_BYTES_MAX => cut(text, &safe),
        _ => safe,
    }
}

/// The beginning of a long name, and the hash of all of it.
fn cut(text: &str, safe: &str) -> String {
    let mut end = PART_BYTES_MAX - CUT_DIGITS - 1;
    while !safe.is_char_boundary(end) {
        end -= 1;
    }
    let hash = Sha256::digest(text.as_bytes());
    let digits = hex(&hash);
    format!("{}%{}", &safe[..end], &digits[..CUT_DIGITS])
}

#[cfg(test)]
mod tests {
    //! Hostile names.

    use super::*;

    #[test]
    fn no_name_leaves_its_folder_or_hides() {
        let hostile = [
            "..",
            ".",
            "",
            "/",
            "../../etc",
            "a/../../b",
            "\0",
            "~/x\n",
            ".hidden",
            "a\\b",
            "C:",
            "con.",
            "x ",
            "%2F",
            "\u{202e}gpj.exe",
        ];
        for text in hostile {
            let safe = part(text);
            assert!(
                !safe.is_empty() && !safe.starts_with('.') && !safe.ends_with('.'),
                "{safe}"
            );
            let wild = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
            assert!(!safe.contains(wild), "{safe}");
        }
        assert_eq!(
            link_path("editor", "feature/x", "1.4.0", "Editor Setup 1.4.exe"),
            "editor/feature%2Fx/1.4.0/Editor Setup 1.4.exe"
        );
    }

    #[test]
    fn two_names_never_become_one() {
        let names = [
            "a/b", "a%2Fb", "a%2fb", "a", "a ", " a", "A", ".", "%2E", "", "%",
        ];
        for left in names {
            for right in names {
                assert_eq!(part(left) == part(right), left == right, "{left} {right}");
            }
        }
        let long = |end: &str| format!("{}{end}", "ä".repeat(300));
        assert!(part(&long("x")).len() <= PART_BYTES_MAX);
        assert_ne!(part(&long("x")), part(&long("y")));
    }

    #[test]
    fn a_second_product_of_a_version_has_a_folder_of_its_own() {
        assert_eq!(
            own_link_path(("editor", "main", "1.4"), ("../x", 12), "editor.zip"),
            "editor/main/1.4/%2E.%2Fx-12/editor.zip"
        );
    }
}
