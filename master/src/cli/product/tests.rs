//! Names of installers as people make them, and a folder that is imported twice.

use super::pattern::Pattern;
use crate::cli::output::Problem;

fn read(pattern: &str, name: &str) -> Option<String> {
    let words = Pattern::parse(pattern).unwrap().read(name)?;
    let told: Vec<String> = words
        .iter()
        .map(|(word, text)| format!("{word}={text}"))
        .collect();
    Some(told.join(" "))
}

#[test]
fn names_of_installers_are_read_as_people_mean_them() {
    let pattern = "{project}-{version}-{target}.{ext}";
    for (name, told) in [
        (
            "editor-1.4.0-x86_64-linux.tar.gz",
            "ext=tar.gz project=editor target=x86_64-linux version=1.4.0",
        ),
        (
            "acme-editor-1.2.0-rc.1-linux-x86_64.AppImage",
            "ext=AppImage project=acme-editor target=linux-x86_64 version=1.2.0-rc.1",
        ),
        (
            "editor-v2.0-win64.exe",
            "ext=exe project=editor target=win64 version=v2.0",
        ),
        (
            "editor-1.0-amiga.lha",
            "ext=lha project=editor target=amiga version=1.0",
        ),
    ] {
        assert_eq!(read(pattern, name).as_deref(), Some(told), "{name}");
    }
    for name in [
        "README.md",
        "editor-latest-linux.zip",
        "editor-1.0",
        "",
        "-1.0-linux.zip",
    ] {
        assert_eq!(read(pattern, name), None, "{name}");
    }
    let beside = read(pattern, "editor-1.4.0-win64.exe.minisig");
    let told = "ext=exe project=editor role=signature target=win64 version=1.4.0";
    assert_eq!(beside.as_deref(), Some(told));
    let told = read(
        "editor_{version}_{*}.{build}.deb",
        "editor_1.0_amd64.77.deb",
    );
    assert_eq!(told.as_deref(), Some("*=amd64 build=77 version=1.0"));
}

#[test]
fn a_pattern_that_means_nothing_is_told_so() {
    for (pattern, told) in [
        ("{project}.zip", "it needs {version}"),
        ("{version", "a { without"),
        ("version}", "a } without"),
        ("{version}-{flavour}", "no word {flavour}"),
        ("{version}-{version}", "stands twice"),
    ] {
        let error = Pattern::parse(pattern).unwrap_err();
        assert!(error.contains(told), "{pattern}: {error}");
    }
}

/// A folder with a master's configuration, and `old` with installers.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = "[project.editor]\ntitle = \"Editor\"\n[uploads]\nreserve = \"0 B\"\n";
    std::fs::write(folder.path().join("windlass.toml"), config).unwrap();
    let old = folder.path().join("old/deep");
    std::fs::create_dir_all(&old).unwrap();
    for (name, text) in [
        ("editor-1.10-linux.zip", "ten"),
        ("editor-1.9-linux.zip", "nine"),
        ("editor-1.9-linux.zip.blockmap", "blocks"),
        ("editor-1.9-win64.exe", "nine too"),
        ("README", "read me"),
    ] {
        std::fs::write(old.join(name), text).unwrap();
    }
    folder
}

async fn products(folder: &std::path::Path, arguments: &[&str]) -> Result<(), Problem> {
    use clap::Parser as _;
    let config = folder.join("windlass.toml");
    let mut all = vec!["windlass", "product"];
    all.extend(arguments);
    all.extend(["--config", config.to_str().unwrap()]);
    let parsed = super::super::Arguments::try_parse_from(all).unwrap();
    match parsed.command {
        super::super::Command::Product(command) => super::run(&command).await,
        other => panic!("{other:?}"),
    }
}

/// Version, target and position of every product, the newest recorded first.
async fn listed(folder: &std::path::Path) -> Vec<(String, String, i64)> {
    let app = super::super::handles::beside(&folder.join("windlass.toml"))
        .await
        .unwrap();
    let way = super::way::Way::Beside(Box::new(app));
    let rows = way.list(&super::way::Filter::default(), 100).await.unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| {
            (
                text(&row["version"]),
                text(&row["target"]),
                row["seq_position"].as_i64().unwrap_or(-1),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_imported_in_the_order_of_its_versions_and_once() {
    let home = folder();
    let folder = home.path();
    let app = super::super::handles::beside(&folder.join("windlass.toml"))
        .await
        .unwrap();
    let project = |conn: &mut crate::db::Conn| {
        let editor = ("editor".to_owned(), "Editor".to_owned());
        crate::db::projects::sync(conn, crate::clock::Time(1), &[editor])
    };
    app.db.tx("test", project).await.unwrap();
    let old = folder.join("old");
    let import = [
        "import",
        old.to_str().unwrap(),
        "--pattern",
        "{project}-{version}-{target}.{ext}",
        "--project",
        "editor",
        "--branch",
        "main",
    ];
    let dry = [&import[..], &["--dry-run"]].concat();
    products(folder, &dry).await.unwrap();
    assert!(listed(folder).await.is_empty(), "a dry run writes nothing");
    products(folder, &import).await.unwrap();
    let all = listed(folder).await;
    let names: Vec<_> = all
        .iter()
        .map(|one| format!("{} {}", one.0, one.1))
        .collect();
    assert_eq!(names, ["1.10 linux", "1.9 win64", "1.9 linux"]);
    products(folder, &import).await.unwrap();
    assert_eq!(listed(folder).await, all, "nothing twice");
    // An older one that turns up later does not become the newest.
    std::fs::write(old.join("editor-1.9.5-linux.zip"), "between").unwrap();
    products(folder, &import).await.unwrap();
    let now = listed(folder).await;
    let newest = all.iter().find(|one| one.0 == "1.10").unwrap();
    assert_eq!(now[0].0, "1.9.5");
    assert!(now[0].2 < newest.2, "{now:?}");
    std::fs::write(old.join("editor-1.9.5-linux.zip"), "Between").unwrap();
    let error = products(folder, &import).await.unwrap_err();
    assert!(error.to_string().contains("other files"), "{error}");
    let file = format!(
        "installer={}",
        old.join("deep/editor-1.9-win64.exe").display()
    );
    let record = [
        "record",
        "--project",
        "editor",
        "--branch",
        "main",
        "--target",
        "win64",
        "--version",
        "1.10",
        "--file",
        &file,
        "--property",
        "flavour=release",
        "--json",
    ];
    products(folder, &record).await.unwrap();
    products(folder, &record).await.unwrap();
    assert_eq!(listed(folder).await.len(), 5, "the same again is the same");
    assert!(
        !folder
            .join("data/uploads")
            .read_dir()
            .unwrap()
            .any(|_| true)
    );
}
