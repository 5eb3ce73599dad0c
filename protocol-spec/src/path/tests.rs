//! Paths that may pass and paths that may not.

use super::*;

#[test]
fn proper_paths_pass_as_they_are() {
    for path in [
        "",
        "a",
        "a/b",
        "a b/ü",
        "...",
        "a/..b",
        "-rf",
        "$(touch x)",
        "a\\b",
        "con",
    ] {
        let parsed = RelPath::parse(path.as_bytes()).unwrap();
        assert_eq!(parsed.as_bytes(), path.as_bytes());
    }
    assert_eq!(RelPath::parse(b"\xff/x").unwrap().components().count(), 2);
}

#[test]
fn nothing_that_leaves_the_root_passes() {
    let long = "x".repeat(256);
    let deep = "a/".repeat(2049) + "a";
    for path in [
        "/", "/etc", "..", "../a", "a/..", "a/../b", ".", "./a", "a//b", "a/", "a\0b", &long, &deep,
    ] {
        let failure = RelPath::parse(path.as_bytes()).unwrap_err();
        assert_eq!(failure.code, Code::BadPath, "{path:?}");
    }
}

#[test]
fn what_a_person_writes_is_tidied_but_never_widened() {
    for (text, path) in [("./a//b/", "a/b"), (".", ""), ("", ""), ("a/./b", "a/b")] {
        assert_eq!(
            RelPath::from_user(text).unwrap().as_bytes(),
            path.as_bytes()
        );
    }
    for text in ["/a", "../a", "a/../../b", "a\0"] {
        assert!(RelPath::from_user(text).is_err(), "{text:?}");
    }
}

#[test]
fn parents_and_joins() {
    let path = RelPath::parse(b"a/b").unwrap();
    assert_eq!(path.parent().unwrap().as_bytes(), b"a");
    assert_eq!(path.parent().unwrap().parent(), Some(RelPath::root()));
    assert_eq!(RelPath::root().parent(), None);
    assert_eq!(path.file_name(), Some(b"b".as_slice()));
    assert_eq!(path.below(&path).unwrap().as_bytes(), b"a/b/a/b");
    assert_eq!(path.below(&RelPath::root()).unwrap(), path);
    assert_eq!(RelPath::root().below(&path).unwrap(), path);
    let long = RelPath::parse("x/".repeat(1500).trim_end_matches('/').as_bytes()).unwrap();
    assert!(long.below(&long).is_err());
}

#[test]
fn names_that_windows_reserves_are_refused_for_windows() {
    for path in [
        "NUL", "nul.txt", "a/con", "com1", "LPT9.log", "COM¹", "a:b", "a\\b", "a*", "a?", "a\"",
        "a<", "a|", "a.", "a ", "b/a./c", "x\x01", "conout$", "aux .c",
    ] {
        let failure = RelPath::parse(path.as_bytes())
            .unwrap()
            .check_windows()
            .unwrap_err();
        assert_eq!(failure.code, Code::BadPath, "{path:?}");
    }
    for path in [
        "null", "com0", "com10", "a.b", ".a", "console", "ü/ß", "lpt",
    ] {
        RelPath::parse(path.as_bytes())
            .unwrap()
            .check_windows()
            .unwrap();
    }
    assert!(RelPath::parse(b"\xff").unwrap().check_windows().is_err());
}

#[test]
fn names_that_differ_by_case_alone_clash() {
    let insert = |paths: &[&str]| {
        let mut seen = CaseClash::new();
        paths
            .iter()
            .try_for_each(|p| seen.insert(&RelPath::parse(p.as_bytes()).unwrap()))
    };
    insert(&["a/b", "a/c", "a", "ab", "a/b"]).unwrap();
    for paths in [["a", "A"], ["src/x", "Src/y"], ["d/É", "d/é"]] {
        assert_eq!(
            insert(&paths).unwrap_err().code,
            Code::CaseClash,
            "{paths:?}"
        );
    }
}
