//! The floors of the master: `use` goes downward only. Every `crate::` and `super::` path of every
//! file is read, so the rule holds without anybody looking.

use super::sources::{Source, files};

/// Top modules by floor; a module may name those of its own floor (adapters only themselves) and
/// of the floors below.
const FLOORS: &[(u32, &[&str])] = &[
    (
        0,
        &[
            "ids",
            "model",
            "error",
            "config",
            "clock",
            "failpoints",
            "hex",
            "signatures",
        ],
    ),
    (
        10,
        &["scheduler", "engine", "updates", "retention", "notify"],
    ),
    (20, &["db", "storage", "vcs", "mail", "auth"]),
    (25, &["bells"]),
    (
        30,
        &[
            "session",
            "agents",
            "absences",
            "latent",
            "dispatcher",
            "runner",
            "logs",
            "poller",
            "schedules",
            "inbox",
            "collector",
            "uploads",
            "counts",
            "launches",
            "mover",
            "notifier",
            "reload",
            "recording",
            "links",
            "publisher",
        ],
    ),
    (35, &["app"]),
    (40, &["ops"]),
    (50, &["web", "api", "cli", "routes", "serve"]),
];

/// The floor whose modules are ignorant of each other.
const ADAPTERS: u32 = 20;

#[test]
fn the_master_uses_downward_only() {
    let mut wrong = Vec::new();
    for source in files(&["master/src"], |path| path.ends_with(".rs")) {
        let Some(own) = top_module(&source.path) else {
            continue;
        };
        if source.is_test() {
            continue;
        }
        let Some(floor) = floor_of(&own) else {
            wrong.push(format!(
                "{}: the module `{own}` stands on no floor",
                source.path
            ));
            continue;
        };
        for (line, used) in used_modules(&source) {
            let Some(other) = floor_of(&used) else {
                continue;
            };
            if other > floor || (other == floor && floor == ADAPTERS && used != own) {
                wrong.push(format!("{}:{line}: `{own}` uses `{used}`", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "`use` goes downward only: {wrong:#?}");
}

#[test]
fn the_reader_of_paths_sees_nested_and_relative_ones() {
    let source = Source {
        path: "master/src/db/builds/claim.rs".to_owned(),
        text: "use crate::{ids::BuildId, ops::builds};\n\
               // crate::web is only talked about\n\
               use super::super::super::api;\n\
               use super::super::events;\n\
               fn f() { crate::web::f() }\n"
            .to_owned(),
    };
    let used: Vec<_> = used_modules(&source).into_iter().collect();
    let expected = [(1, "ids"), (1, "ops"), (5, "web"), (3, "api")];
    let expected: Vec<_> = expected
        .iter()
        .map(|(line, name)| (*line, (*name).to_owned()))
        .collect();
    assert_eq!(used, expected);
}

fn floor_of(module: &str) -> Option<u32> {
    let holds = |(_, modules): &&(u32, &[&str])| modules.contains(&module);
    FLOORS.iter().find(holds).map(|(floor, _)| *floor)
}

/// `db` of `master/src/db/builds.rs`; none for `lib.rs` and `main.rs`.
fn top_module(path: &str) -> Option<String> {
    let inside = path.strip_prefix("master/src/")?;
    let top = inside.split('/').next()?.trim_end_matches(".rs");
    (!matches!(top, "lib" | "main")).then(|| top.to_owned())
}

/// Top modules that a file names, with line numbers.
fn used_modules(source: &Source) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    let mut code = String::new();
    for (number, line) in source.text.lines().enumerate() {
        let comment = line.trim_start().starts_with("//");
        code.push_str(if comment { "" } else { line });
        code.push('\n');
        debug_assert_eq!(code.lines().count(), number + 1);
    }
    collect(&code, "crate::", &mut used);
    // `master/src/a/b.rs` is two deep, so `super::super::x` is a top module.
    let depth = source.path.matches('/').count() - 1;
    collect(&code, &"super::".repeat(depth), &mut used);
    used
}

fn collect(code: &str, prefix: &str, into: &mut Vec<(usize, String)>) {
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$')) {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            into.extend(group_heads(group).into_iter().map(|name| (line, name)));
        } else {
            into.push((line, leading_name(rest)));
        }
    }
    into.retain(|(_, name)| !name.is_empty() && name != "super");
}

/// The first names of the entries of `{a::b, c::{d, e}}`, given without the opening brace.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut expects = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expects = true,
            c if expects && depth == 0 && !c.is_whitespace() => {
                heads.push(leading_name(&group[at..]));
                expects = false;
            }
            _ => {}
        }
    }
    heads
}

fn leading_name(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}
