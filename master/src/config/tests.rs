//! Whole configurations: what is read, what is refused, and how a mistake is shown.

use std::path::PathBuf;
use std::time::Duration;

use super::resolved::{Config, Database, MailSecurity, MailTransport, RunCommand, SecretRef};
use super::resolved::{ParameterKind, StepKind, Trigger};
use super::{SECTIONS, load};

mod manner;
mod mistakes;

/// Writes `windlass.toml` (and other files) into a fresh folder.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("windlass.toml", text);
        folder
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn main(&self) -> PathBuf {
        self.0.path().join("windlass.toml")
    }

    /// The mistakes as they are shown, with the folder's name taken out.
    fn mistakes(&self) -> String {
        let errors = load(&self.main()).unwrap_err();
        let folder = format!("{}/", self.0.path().display());
        errors.to_string().replace(&folder, "")
    }
}

fn read(text: &str) -> Config {
    let folder = Folder::new(text);
    load(&folder.main()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The mistakes of `text`, which has some.
fn mistakes(text: &str) -> String {
    Folder::new(text).mistakes()
}

#[test]
fn a_bucket_is_read_and_its_secrets_stand_elsewhere() {
    let text = |lines: &str| format!("[master]\n{lines}\n[project.editor]\nprivate = true\n");
    let good = "blobs = \"s3://files/builds/a\"\ns3 = { endpoint = \"http://127.0.0.1:5000/\", \
                key = { env = \"KEY\" }, secret = { file = \"secret\" }, new_files = false }";
    let config = read(&text(good));
    let bucket = config.master.bucket.unwrap();
    assert_eq!((&*bucket.name, &*bucket.prefix), ("files", "builds/a"));
    assert_eq!(bucket.endpoint.as_deref(), Some("http://127.0.0.1:5000"));
    assert!(!bucket.takes_new && config.projects["editor"].private);
    for (lines, told) in [
        ("blobs = \"s3://files\"", "nothing says who asks"),
        ("s3 = { }", "no `blobs` names a bucket"),
        (&good.replace("s3://files", "files"), "is no bucket"),
        (&good.replace("builds/a", "../a"), "is no bucket"),
        (&good.replace("http://", ""), "is no address of a service"),
        (
            &good.replace("{ env = \"KEY\" }", "\"AKIA\""),
            "must not stand in the configuration",
        ),
    ] {
        let mistakes = mistakes(&text(lines));
        assert!(mistakes.contains(told), "{mistakes}");
    }
}

const WHOLE: &str = r#"
[master]
title = "Acme builds"
url = "https://builds.acme.example/"
data = "var"
web_listen = "127.0.0.1:0"
agent_listen = "[::1]:9989"
database = "postgres://windlass@db/windlass"
anonymous_read = false

[mail]
from = "builds@acme.example"
smtp = "smtps://builds@mail.acme.example"
password = { file = "secrets/smtp" }

[project.editor]
title = "Acme Editor"

[repository.editor]
url = "https://git.acme.example/editor.git"
branches = ["main", "release/*"]
poll = "1m"

[agent.linux-1]
labels = { os = "linux", arch = "x86_64" }
slots = 2

[builder.package]
matrix = { arch = ["x86_64", "aarch64"] }
tags = ["nightly", "{arch}"]
agents = { os = "linux", arch = "{arch}" }
steps = [
  { source = "editor" },
  { run = "make -j{agent.cpus}", timeout = "30m", env = { FLAVOUR = "{form.flavour}" } },
  { run = ["./configure", "--branch={branch}", ""], cwd = "sub/", output_max = "64 MiB" },
  { run = "make -j{agent.cpus}", name = "again", always = true, may_fail = true },
  { upload = "build/*.log" },
  { product = "dist/editor-*.tar.gz", version = "{describe}", target = "{arch}-linux", runtime = "python >=3.9,<3.13", properties = { flavour = "{form.flavour}" } },
]

[schedule.push]
on = "change"
builders = ["package-*"]
quiet = "30s"

[schedule.by-hand]
on = "force"
builders = ["package-x86_64", "package-aarch64"]
parameters = { zeta = {}, flavour = { of = ["debug", "release"], default = "debug", required = true }, count = { type = "int", default = 3 } }

[notify.team]
when = ["failing", "recovered"]
to = ["authors", "builds@acme.example"]
"#;

#[test]
fn a_whole_configuration_is_read() {
    let folder = Folder::new(WHOLE);
    let config = load(&folder.main()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.master.url, "https://builds.acme.example");
    assert_eq!(config.master.data, folder.0.path().join("var"));
    let url = Database::Url("postgres://windlass@db/windlass".to_owned());
    assert_eq!(config.master.database, Some(url));
    assert!(!config.master.anonymous_read);
    let Some(MailTransport::Smtp {
        host,
        port,
        security,
        user,
        password,
        ..
    }) = config.mail.map(|mail| mail.transport)
    else {
        panic!("mail goes by SMTP");
    };
    assert_eq!((host.as_str(), port), ("mail.acme.example", 465));
    assert_eq!(
        (security, user.as_deref()),
        (MailSecurity::Tls, Some("builds"))
    );
    let secret = SecretRef::File(folder.0.path().join("secrets/smtp"));
    assert_eq!(password, Some(secret));
    assert_eq!(config.repositories["editor"].project, "editor");
    assert_eq!(config.agents["linux-1"].slots, 2);
    assert_eq!(config.notifies["team"].to.len(), 2);
}

#[test]
fn a_matrix_unfolds_into_builders_with_their_labels() {
    let config = read(WHOLE);
    let names: Vec<&String> = config.builders.keys().collect();
    assert_eq!(names, ["package-aarch64", "package-x86_64"]);
    let builder = &config.builders["package-aarch64"];
    assert_eq!(builder.project, "editor");
    assert_eq!(builder.tags, ["nightly", "aarch64"]);
    assert_eq!(builder.agents["arch"], "aarch64");
    assert_eq!(builder.matrix["arch"], "aarch64");
    let named: Vec<&str> = builder
        .steps
        .iter()
        .map(|step| step.name.as_str())
        .collect();
    let expected = [
        "source",
        "make -j{agent.cpus}",
        "./configure --branch={branch}",
        "again",
        "upload",
        "product",
    ];
    assert_eq!(named, expected);
    let StepKind::Run(run) = &builder.steps[2].kind else {
        panic!("the third step runs");
    };
    assert_eq!((run.cwd.as_str(), run.output_bytes_max), ("sub", 64 << 20));
    assert!(matches!(&run.command, RunCommand::Argv(words) if words.len() == 3));
}

#[test]
fn two_axes_unfold_in_the_order_they_are_written() {
    let config = read(
        "[project.p]\n[builder.b]\nmatrix = { os = ['a', 'b'], arch = ['x', 'y'] }\n\
         steps = [{ run = 'echo {os}-{arch}' }]\n",
    );
    let names: Vec<&String> = config.builders.keys().collect();
    assert_eq!(names, ["b-a-x", "b-a-y", "b-b-x", "b-b-y"]);
}

#[test]
fn schedules_keep_the_order_of_their_form() {
    let config = read(WHOLE);
    let Trigger::Force { parameters } = &config.schedules["by-hand"].trigger else {
        panic!("by-hand is a force schedule");
    };
    let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["zeta", "flavour", "count"]);
    let of = vec!["debug".to_owned(), "release".to_owned()];
    assert_eq!(parameters[1].kind, ParameterKind::Choice(of));
    assert!(parameters[1].required);
    assert_eq!(parameters[2].default.as_deref(), Some("3"));
    let push = &config.schedules["push"];
    assert_eq!(push.builders, ["package-aarch64", "package-x86_64"]);
    let Trigger::Change {
        repository, quiet, ..
    } = &push.trigger
    else {
        panic!("push is a change schedule");
    };
    assert_eq!(
        (repository.as_str(), *quiet),
        ("editor", Duration::from_secs(30))
    );
}

#[test]
fn an_empty_file_has_every_default() {
    let config = read("");
    assert_eq!(config.master.url, "http://127.0.0.1:8010");
    assert_eq!(config.master.agent_listen.port(), 9989);
    assert!(config.master.anonymous_read);
    assert!(config.master.data.is_absolute());
    assert!(config.mail.is_none() && config.builders.is_empty());
}

#[test]
fn included_files_add_their_tables_and_keep_their_lines() {
    let folder = Folder::new("include = ['conf/*.toml']\n[project.p]\n");
    folder.write("conf/b.toml", "[builder.b]\nsteps = [{ run = 'true' }]\n");
    folder.write("conf/.hidden.toml", "nonsense");
    let config = load(&folder.main()).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(config.builders.contains_key("b"));
    folder.write(
        "conf/c.toml",
        "\n\n[builder.b]\nsteps = [{ run = 'true' }]\n",
    );
    folder.write("conf/d.toml", "include = 'e.toml'\n");
    let shown = folder.mistakes();
    assert!(shown.contains("there are two of [builder.b]"), "{shown}");
    assert!(shown.contains("conf/c.toml:3:10"), "{shown}");
    assert!(
        shown.contains("the first one is in conf/b.toml:1"),
        "{shown}"
    );
    assert!(shown.contains("conf/d.toml:1:"), "{shown}");
}

#[test]
fn a_missing_included_file_is_named() {
    let shown = mistakes("include = 'nothing.toml'\n");
    assert!(shown.contains("there is no file `nothing.toml`"), "{shown}");
    assert!(shown.contains("windlass.toml:1:11"), "{shown}");
}

#[test]
fn hostile_files_end_in_a_clear_error() {
    let folder = Folder::new("");
    folder.write("windlass.toml", vec![b'#'; 5 << 20]);
    assert!(folder.mistakes().contains("is larger than 4 MiB"));
    folder.write("windlass.toml", b"\xff\xfe");
    assert!(
        folder
            .mistakes()
            .contains("is no UTF-8 text: byte 0 is wrong")
    );
    folder.write("windlass.toml", "a = ".to_owned() + &"[".repeat(100_000));
    assert!(folder.mistakes().contains("this is no TOML"));
    folder.write("windlass.toml", "x = 1\u{1b}[31m\0\n");
    assert!(!folder.mistakes().contains(['\u{1b}', '\0']));
    let steps = "{ run = 'true' },".repeat(2_000);
    folder.write(
        "windlass.toml",
        format!("[project.p]\n[builder.b]\nsteps = [{steps}]\n"),
    );
    assert!(folder.mistakes().contains("has 2000 entries"));
    assert!(
        load(&folder.0.path().join("no"))
            .unwrap_err()
            .to_string()
            .contains("cannot read")
    );
    assert!(
        load(folder.0.path())
            .unwrap_err()
            .to_string()
            .contains("is no file")
    );
}

#[test]
fn every_key_is_in_the_manual() {
    let manual = include_str!("../../../docs/configuration.md");
    for section in SECTIONS {
        for key in section.keys {
            let row = format!("| `{key}` |");
            let table = format!("[{key}");
            let told = manual.contains(&row) || manual.contains(&table);
            assert!(
                told,
                "docs/configuration.md lacks `{key}` of {}",
                section.section
            );
        }
    }
}

#[test]
fn every_name_of_templates_is_in_the_manual() {
    let manual = include_str!("../../../docs/configuration.md");
    for entry in super::names::NAMES {
        let row = format!("| `{{{}}}` | {} |", entry.name, entry.about);
        assert!(manual.contains(&row), "docs/configuration.md lacks {row}");
    }
}
