//! Products that agents bring, when something is wrong: a file that changes while it is read, and a
//! master that is killed while it stores what came.

use std::process::Command;

use sha2::{Digest as _, Sha256};
use windlass_tests::git::Repository;
use windlass_tests::http;
use windlass_tests::master::{Master, small_configuration};
use windlass_tests::programs::{Background, windlass};
use windlass_tests::wait;

const VARIABLE: &str = "WINDLASS_TEST_FAIL_POINT";

#[test]
fn a_file_that_changes_while_it_is_read_fails_the_step_and_nothing_is_recorded() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    // Somebody goes on writing, until the file `stop` is there or a minute is over.
    let stop = folder.path().join("stop");
    let script = format!(
        "head -c 60000000 /dev/zero > editor.run; (for n in $(seq 6000); do test -e {} && exit; \
         echo $n >> editor.run; sleep 0.01; done) > /dev/null 2>&1 &",
        stop.display()
    );
    let steps = format!(
        "  {{ source = \"editor\" }},\n  {{ run = \"{script}\", leftovers = \"keep\" }},\n  \
         {{ product = \"*.run\", version = \"1.0\", target = \"any\" }},"
    );
    let mut master = Master::new(&small_configuration(&repository, &steps, ""));
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    std::fs::write(stop, "").expect("written");
    assert_eq!(build["result"], "failure", "{build}\n{}", master.log());
    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let told = steps["items"][2]["state_text"].as_str().unwrap_or_default();
    assert!(
        told.contains("editor.run") && told.contains("chang"),
        "{steps}"
    );
    let list = master.get("/api/v1/products", "").json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(0), "{list}");
}

#[test]
fn a_master_killed_while_it_stores_a_product_records_it_whole_later() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let steps = "  { source = \"editor\" },\n  \
         { run = \"seq {buildnumber} 60000 > editor.run; seq {buildnumber} 70000 > editor.zip\" },\n  \
         { product = [\"*.run\", \"*.zip\"], version = \"1.{buildnumber}\", target = \"any\" },";
    let mut master = Master::new(&small_configuration(&repository, steps, ""));
    let key = master.key_of("linux-1");
    let points = ["store.synced", "store.renamed", "store.finished"];
    let mut agent = None;
    for (number, point) in (1..).zip(points) {
        let mut command = Command::new(windlass());
        command
            .args(["serve", "--config", "windlass.toml"])
            .env(VARIABLE, point)
            .current_dir(master.path(""));
        let mut process = Background::start(command, &master.path("master.log"));
        agent.get_or_insert_with(|| master.agent_with_key("linux-1", master.agents(), &key));
        wait::until(&format!("the master ends at {point}"), || process.ended());
        master.start();
        let build = master.finished_build("package", number);
        let log = master.log();
        assert_eq!(build["result"], "success", "{point}: {build}\n{log}");
        let list = master.get("/api/v1/products", "").json();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        assert_eq!(items.len(), usize::try_from(number).expect("few"), "{list}");
        let newest = &items[0]["id"];
        let shown = master.get(&format!("/api/v1/products/{newest}"), "").json();
        let files = shown["files"].as_array().cloned().unwrap_or_default();
        assert_eq!(files.len(), 2, "{point}: {shown}");
        for file in files {
            let part = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
            let path = format!("/files/{}/{}", part("sha256"), part("name"));
            let answer = http::get(master.web(), &path);
            let digest = Sha256::digest(&answer.body);
            let told: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(told, part("sha256"), "{point}: {}", answer.status);
        }
        let temporary = std::fs::read_dir(master.path("data/blobs/tmp"));
        assert_eq!(temporary.into_iter().flatten().count(), 0, "{point}");
        repository.write("a", format!("{number}"));
        repository.commit("Go on");
        master.kill();
    }
}
