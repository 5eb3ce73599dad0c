//! The crate self_update itself: it finds an update in the manifest, checks and installs it, gets
//! none when it has the newest and is never moved down.

use std::fs;
use std::path::Path;

use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};

const STEPS: &str = "  { source = \"editor\" },\n  \
     { run = [\"cp\", \"program\", \"editor-1.{buildnumber}.0\"] },\n  \
     { product = \"editor-*\", version = \"1.{buildnumber}.0\", target = \"x86_64-linux\" },";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// Lets the client at `version` update the program at `path`; what it says, and its version then.
fn update(manifest: &str, version: &str, path: &Path) -> self_update::VersionStatus {
    let mut client = self_update::backends::manifest::Update::configure();
    let client = client
        .manifest_url(manifest)
        .bin_name("editor")
        .target(TRIPLE)
        .bin_install_path(path)
        .current_version(version)
        .show_output(false)
        .no_confirm(true)
        .build();
    let outcome = client.and_then(|client| client.update());
    outcome.unwrap_or_else(|error| panic!("{version}: {error}"))
}

/// Commits the program of a version.
fn publish(repository: &Repository, version: &str) {
    repository.write("program", format!("#!/bin/sh\necho {version}\n"));
    repository.commit(&format!("Version {version}"));
}

#[test]
fn self_update_installs_the_newest_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    publish(&repository, "1.1.0");
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    for (number, version) in [(1, "1.1.0"), (2, "1.2.0")] {
        if number > 1 {
            publish(&repository, version);
        }
        let build = master.finished_build("package", number);
        assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    }
    let products = master.get("/api/v1/products", "").json();
    let token = products["items"][0]["feed"].as_str().expect("a token");
    let front = format!("http://{}/update/manifest/editor/{token}", master.web());
    let manifest = format!("{front}/{TRIPLE}/manifest.json");

    let program = folder.path().join("editor");
    fs::write(&program, "old").expect("written");
    let status = update(&manifest, "1.1.0", &program);
    assert!(status.is_updated(), "{status:?}");
    assert_eq!(status.version(), "1.2.0");
    let installed = fs::read_to_string(&program).expect("readable");
    assert_eq!(installed, "#!/bin/sh\necho 1.2.0\n");

    for version in ["1.2.0", "2.0.0"] {
        fs::write(&program, "mine").expect("written");
        let status = update(&manifest, version, &program);
        assert!(!status.is_updated(), "{version}: {status:?}");
        assert_eq!(fs::read_to_string(&program).expect("readable"), "mine");
    }
}
