//! Words of clients against targets as people write them.

use super::*;

fn known(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_client_finds_its_target_whatever_the_target_is_called() {
    // Wanted in a client's words, then the same target as three projects might call it.
    let table: [(&str, [&str; 3]); 12] = [
        (
            "linux-x86_64",
            ["x86_64-linux", "linux-amd64", "x86_64-unknown-linux-gnu"],
        ),
        (
            "linux-aarch64",
            ["aarch64-linux", "linux-arm64", "aarch64-unknown-linux-musl"],
        ),
        (
            "darwin-aarch64",
            ["aarch64-macos", "osx-arm64", "aarch64-apple-darwin"],
        ),
        (
            "macos-x86_64",
            ["x86_64-macos", "mac-x64", "x86_64-apple-darwin"],
        ),
        (
            "windows-i686",
            ["i686-windows", "win-x86", "i686-pc-windows-msvc"],
        ),
        (
            "windows",
            ["x86_64-windows", "win-x64", "x86_64-pc-windows-msvc"],
        ),
        (
            "x86_64-unknown-linux-gnu",
            ["x86_64-linux", "linux-x64", "x86_64-linux-gnu"],
        ),
        (
            "x86_64-pc-windows-msvc",
            ["x86_64-windows", "win64", "windows-x64-msvc"],
        ),
        (
            "linux-armv7",
            [
                "armv7-linux",
                "linux-armhf",
                "armv7-unknown-linux-gnueabihf",
            ],
        ),
        ("linux", ["x86_64-linux", "linux", "linux-x64"]),
        (
            "win-x64",
            ["x86_64-windows", "win64", "x86_64-pc-windows-gnu"],
        ),
        ("osx", ["x86_64-macos", "universal-macos", "macos"]),
    ];
    let others = ["riscv64-linux", "x86_64-freebsd"];
    for (wanted, targets) in table {
        for target in targets {
            let all = known(&[others[0], target, others[1]]);
            assert_eq!(choose(&all, wanted), Some(target), "{wanted}");
        }
    }
}

#[test]
fn nobody_gets_the_product_of_another_machine() {
    let all = known(&[
        "x86_64-linux",
        "aarch64-macos",
        "i686-windows",
        "x86_64-linux-musl",
    ]);
    for wanted in [
        "linux-aarch64",
        "macos-x86_64",
        "windows-x86_64",
        "aarch64-pc-windows-msvc",
        "freebsd-x64",
        "plan9",
        "",
        "😀",
        "-",
    ] {
        assert_eq!(choose(&all, wanted), None, "{wanted}");
    }
    assert_eq!(
        choose(&all, "x86_64-unknown-linux-gnu"),
        Some("x86_64-linux")
    );
    assert_eq!(
        choose(&all, "x86_64-unknown-linux-musl"),
        Some("x86_64-linux-musl")
    );
    let all = known(&["x86_64-linux-gnu", "x86_64-linux-musl"]);
    assert_eq!(
        choose(&all, "x86_64-unknown-linux-musl"),
        Some("x86_64-linux-musl")
    );
    assert_eq!(choose(&all, "linux-x64"), Some("x86_64-linux-gnu"));
}

#[test]
fn a_file_for_every_processor_serves_where_there_is_none_of_its_own() {
    let all = known(&["universal-macos", "any"]);
    assert_eq!(choose(&all, "darwin-aarch64"), Some("universal-macos"));
    assert_eq!(choose(&all, "linux-x86_64"), Some("any"));
    let all = known(&["aarch64-macos", "universal-macos", "x86_64-macos"]);
    assert_eq!(choose(&all, "darwin-x86_64"), Some("x86_64-macos"));
    assert_eq!(
        all_for(&all, "macos"),
        ["x86_64-macos", "universal-macos", "aarch64-macos"]
    );
}

#[test]
fn electron_asks_for_its_system_by_the_name_of_the_file() {
    for (name, wanted) in [
        ("latest.yml", Some("windows")),
        ("beta.yml", Some("windows")),
        ("my-channel.yml", Some("windows")),
        ("latest-mac.yml", Some("macos")),
        ("latest-linux.yml", Some("linux-x64")),
        ("beta-linux-arm64.yml", Some("linux-arm64")),
        ("latest-linux-arm.yml", Some("linux-arm")),
        ("latest-linux-sparc.yml", None),
        (".yml", None),
        ("latest", None),
        ("latest.yaml", None),
    ] {
        assert_eq!(electron_file(name), wanted, "{name}");
    }
}
