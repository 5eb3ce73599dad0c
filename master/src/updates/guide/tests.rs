//! What the guide says stands in the manual, and its addresses are of the branch.

use super::*;

const MANUAL: &str = include_str!("../../../../docs/updates.md");

fn of(target: &str) -> Vec<ClientFamily> {
    families("https://b.example", "editor", "main-3f9a", target)
}

#[test]
fn every_line_of_the_guide_stands_in_the_manual() {
    let manual: Vec<&str> = MANUAL.lines().map(str::trim).collect();
    for target in ["x86_64-linux", "x86_64-windows", "aarch64-macos"] {
        let all = of(target).into_iter().flat_map(|family| family.lines);
        for line in all.flat_map(|lines| lines.text.lines().map(str::to_owned).collect::<Vec<_>>())
        {
            let line = line
                .replace("x86_64-windows", "x86_64-linux")
                .replace("aarch64-macos", "x86_64-linux");
            let line = line
                .replace("x86_64-pc-windows-msvc", "x86_64-unknown-linux-gnu")
                .replace("aarch64-apple-darwin", "x86_64-unknown-linux-gnu");
            assert!(manual.contains(&line.trim()), "{line}");
        }
    }
}

#[test]
fn each_family_asks_for_its_own_file_of_the_branch() {
    let asks = |target: &str| -> Vec<String> {
        let short = |family: ClientFamily| {
            assert!(family.url.contains("/editor/main-3f9a"), "{family:?}");
            family
                .asks
                .trim_start_matches("https://b.example/update/")
                .to_owned()
        };
        of(target).into_iter().map(short).collect()
    };
    assert_eq!(
        asks("aarch64-macos"),
        [
            "v1/editor/main-3f9a/aarch64-macos",
            "tauri/editor/main-3f9a/darwin/aarch64/0.0.0",
            "electron/editor/main-3f9a/latest-mac.yml",
            "velopack/editor/main-3f9a/releases.osx.json",
            "manifest/editor/main-3f9a/aarch64-apple-darwin/manifest.json",
            "appcast/editor/main-3f9a/macos.xml",
        ]
    );
    let linux = asks("linux-arm64");
    assert!(linux.contains(&"electron/editor/main-3f9a/latest-linux-arm64.yml".to_owned()));
    assert!(linux.contains(&"zsync/editor/main-3f9a/linux-arm64.zsync".to_owned()));
    assert_eq!(
        asks("any").len(),
        8,
        "where no system is named every family is told"
    );
}
