//! What the summary of a good configuration tells.

use super::summary;
use crate::config;

#[test]
fn a_secret_that_cannot_be_read_is_told_before_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("windlass.toml");
    let text = "[mail]\nfrom = \"builds@acme.example\"\n\
                smtp = \"smtps://builds@mail.acme.example\"\n\
                password = { file = \"secret\" }\n\
                [agent.linux-1]\n";
    std::fs::write(&file, text).unwrap();
    let config = config::load(&file).unwrap();
    let told = summary(&config);
    assert!(told.contains("1 agent "), "{told}");
    assert!(
        told.contains("note: mail: cannot read the secret in"),
        "{told}"
    );
    std::fs::write(folder.path().join("secret"), "hidden\n").unwrap();
    let told = summary(&config);
    assert!(
        !told.contains("note:") && !told.contains("hidden"),
        "{told}"
    );
}
