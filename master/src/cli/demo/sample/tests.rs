//! The sample builds, checks itself and packs, without anything but a shell.

use super::*;

fn sh(dir: &Path, script: &str) -> String {
    let output = Command::new("sh")
        .arg(script)
        .current_dir(dir)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}: {text}{errors}");
    text
}

#[test]
fn the_sample_builds_checks_and_packs_itself() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sample");
    make(&dir).unwrap();
    assert!(sh(&dir, "build.sh").contains("12 languages"));
    assert!(sh(&dir, "check.sh").ends_with("1..17\n"));
    sh(&dir, "package.sh");
    assert!(dir.join("dist/hello-1.1.0.tar.gz").is_file());
}

#[test]
fn every_demo_has_the_same_revisions() {
    let folder = tempfile::tempdir().unwrap();
    let head = |name: &str| {
        let dir = folder.path().join(name);
        make(&dir).unwrap();
        let output = Command::new("git")
            .args(["rev-parse", "HEAD"])
            .current_dir(&dir)
            .output()
            .unwrap();
        assert!(output.status.success());
        output.stdout
    };
    assert_eq!(head("a"), head("b"));
}
