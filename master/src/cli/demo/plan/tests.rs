//! Wrong flags are named, and what is not given has a sensible value.

use super::*;

fn refused(arguments: &Arguments) -> String {
    Plan::new(arguments).err().unwrap()
}

#[test]
fn without_flags_the_sample_is_built() {
    let plan = Plan::new(&Arguments::default()).unwrap();
    assert_eq!(
        (plan.name.as_str(), plan.branch.as_str()),
        ("hello", "main")
    );
    assert_eq!(plan.commands.len(), 3);
    assert_eq!(plan.product.as_deref(), Some("dist/hello-*.tar.gz"));
    assert!(plan.dir.is_absolute() && plan.web.port() != 0);
    fs::remove_dir(plan.dir).unwrap();
}

#[test]
fn wrong_flags_are_named() {
    let full = tempfile::tempdir().unwrap();
    fs::write(full.path().join("a"), "").unwrap();
    let full_dir = Arguments {
        dir: Some(full.path().to_owned()),
        ..Arguments::default()
    };
    assert!(refused(&full_dir).contains("--dir"));
    let text = |repo: &str| Arguments {
        repo: Some(repo.to_owned()),
        ..Arguments::default()
    };
    assert!(refused(&text("/nowhere/at/all")).contains("--repo /nowhere/at/all"));
    assert!(refused(&text("--upload-pack=x")).contains("--repo"));
    let unbuilt = full.path().to_str().unwrap();
    assert!(refused(&text(unbuilt)).contains("--run"));
    let branch = Arguments {
        branch: Some("x".to_owned()),
        ..Arguments::default()
    };
    assert!(refused(&branch).contains("--branch"));
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let taken_port = Arguments {
        port: Some(port),
        ..Arguments::default()
    };
    assert!(refused(&taken_port).contains(&format!("--port {port}")));
}

#[test]
fn a_repository_names_project_and_builder() {
    for (url, name) in [
        ("https://git.acme.example/Editor.git", "editor"),
        ("git@acme.example:tools/my tool", "my-tool"),
        ("/srv/7zip/", "repo-7zip"),
        ("/", "repo"),
    ] {
        assert_eq!(name_of(url), name);
    }
}
