//! Who may name what: diesel, sockets, colours, and words that no file of the project may hold.

use super::sources::{Source, files, rust_sources};

#[test]
fn nothing_outside_db_names_diesel() {
    let inside = |path: &str| path.starts_with("master/src/db") || !path.starts_with("master/src/");
    assert_absent(&["diesel::", "diesel_migrations"], inside);
}

#[test]
fn nothing_outside_session_names_the_protocol_or_a_socket() {
    let inside =
        |path: &str| path.starts_with("master/src/session") || !path.starts_with("master/src/");
    assert_absent(&["windlass_protocol", "tokio::net"], inside);
}

#[test]
fn only_the_clock_reads_the_time_of_day() {
    let inside = |path: &str| path == "master/src/clock.rs" || !path.starts_with("master/src/");
    assert_absent(&["SystemTime::now", "Timestamp::now", "Zoned::now"], inside);
}

#[test]
fn colours_are_written_in_tokens_css_alone() {
    let mut found = Vec::new();
    let styles = files(&["templates", "master"], |path| {
        (path.ends_with(".css") && !path.ends_with("tokens.css")) || path.ends_with(".html")
    });
    for source in styles {
        for (at, line) in source.text.lines().enumerate() {
            if holds_colour(line) {
                found.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn colours_are_recognised() {
    assert!(holds_colour("color: #fff;"));
    assert!(holds_colour("background: rgb(1 2 3)"));
    assert!(holds_colour("color: oklch(70% 0.1 20)"));
    assert!(!holds_colour("href=\"#log\" color: var(--ink)"));
    assert!(!holds_colour("a#face-time { }"));
}

/// Whether a line of CSS or HTML holds a colour literal. In HTML only declarations count, so
/// that the target of a link is none.
fn holds_colour(line: &str) -> bool {
    let functions = ["rgb(", "rgba(", "hsl(", "hsla(", "oklch(", "oklab(", "hwb("];
    if functions.iter().any(|function| line.contains(function)) {
        return true;
    }
    let Some((_, value)) = line.split_once(':') else {
        return false;
    };
    value.match_indices('#').any(|(at, _)| {
        let digits = value[at + 1..]
            .chars()
            .take_while(char::is_ascii_hexdigit)
            .count();
        let after = value[at + 1 + digits..].chars().next();
        let before = value[..at].chars().next_back();
        matches!(digits, 3 | 4 | 6 | 8)
            && !after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            && !before.is_some_and(|c| c == '"' || c == '&' || c.is_alphanumeric())
    })
}

#[test]
fn no_file_speaks_of_the_machine_it_was_written_on() {
    // Written in halves, so that this file does not hold what it forbids.
    let banned: Vec<String> = [
        ("/ro", "ot/"),
        ("/wo", "rk/"),
        ("registry.", "npmjs.org"),
        ("index.", "crates.io"),
        ("files.", "pythonhosted.org"),
        ("pypi.", "org/simple"),
    ]
    .iter()
    .map(|(a, b)| format!("{a}{b}"))
    .collect();
    let mut found = Vec::new();
    let folders = [
        "protocol-spec",
        "agent",
        "master",
        "tests",
        "templates",
        "docs",
        ".ci",
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "Cargo.toml",
        "deny.toml",
    ];
    for source in files(&folders, |_| true) {
        for (at, line) in source.text.lines().enumerate() {
            if let Some(word) = banned.iter().find(|word| begins_in(line, word)) {
                found.push(format!("{}:{}: {word}", source.path, at + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Whether `word` stands in `line` and is not the middle of a longer path.
fn begins_in(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '}'))
    })
}

fn assert_absent(words: &[&str], exempt: impl Fn(&str) -> bool) {
    let mut found = Vec::new();
    for source in rust_sources()
        .iter()
        .filter(|source| !source.is_test() && !exempt(&source.path))
    {
        found.extend(uses(source, words));
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn uses(source: &Source, words: &[&str]) -> Vec<String> {
    source
        .code_lines()
        .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
        .map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim()))
        .collect()
}
