//! The promises of the key file.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::read_key;
use crate::scratch::Scratch;

fn write(scratch: &Scratch, text: &str, mode: u32) -> PathBuf {
    let path = scratch.path().join("key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn good() -> String {
    format!("wlk1_{}\n", "0f".repeat(32))
}

#[test]
fn a_private_key_file_is_read() {
    let scratch = Scratch::new();
    assert!(read_key(&write(&scratch, &good(), 0o600)).is_ok());
    assert!(read_key(&write(&scratch, &format!("# builder\n\n{}", good()), 0o400)).is_ok());
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_remedy() {
    let scratch = Scratch::new();
    for mode in [0o640, 0o604, 0o644, 0o660] {
        let error = read_key(&write(&scratch, &good(), mode)).err().unwrap();
        assert!(error.contains("chmod 600"), "{error}");
        assert!(!error.contains("0f0f"), "the key stands in the error");
    }
}

#[test]
fn anything_but_one_key_line_is_refused() {
    let scratch = Scratch::new();
    for text in [
        "",
        "hunter2",
        &good().replace("wlk1", "wlk9"),
        &good()[..60],
        &good().repeat(2),
    ] {
        let error = read_key(&write(&scratch, text, 0o600)).err().unwrap();
        assert!(error.contains("wlk1_"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert!(
        read_key(&scratch.path().join("none"))
            .err()
            .unwrap()
            .contains("cannot read")
    );
}
