//! Mistakes: each is told with its place and what would be right, all in one run.

use super::{Folder, mistakes};

/// Ten different mistakes in one file.
const TEN: &str = r#"[master]
tittle = "Acme"
web_listen = "localhost"

[project.editor]

[repository.editor]
vcs = "gti"
url = "https://git.acme.example/editor.git"
poll = "60"

[agent.linux-1]
slots = 1000

[builder.package]
agents = { os = "linux" }
steps = [
  { source = "editr" },
  { run = "make {brnch}" },
  { run = "echo {branch} ${HOME}" },
  { product = "../dist/*.tar.gz", version = "1", target = "x86_64-linux" },
]

[schedule.push]
on = "change"
builders = ["pakage"]
"#;

#[test]
fn ten_mistakes_are_told_in_one_run() {
    let shown = mistakes(TEN);
    let expected = include_str!("ten_mistakes.txt");
    assert_eq!(shown.trim_end(), expected.trim_end(), "\n{shown}");
}

/// One mistake each, with a part of what must be told.
const ONE: &[(&str, &str)] = &[
    ("[builders.x]\n", "did you mean `builder`?"),
    ("colour = 1\n", "known here: include, master"),
    ("[project.'a b']\n", "`a b` is not a name"),
    ("project = 3\n", "write it as [project.NAME]"),
    (
        "[project.a]\nprivate = true\npublish = 'public'\n",
        "take out `publish` or `private`",
    ),
    (
        "[project.a]\npublish = 's3://updates/a'\n",
        "add `blobs` and `s3` to [master]",
    ),
    ("[master]\nurl = 'builds'\n", "as browsers reach it"),
    (
        "[master]\nurl = 'http://a;reboot'\n",
        "as browsers reach it",
    ),
    (
        "[master]\nanonymous_read = 'yes'\n",
        "must be true or false",
    ),
    ("[master]\ntitle = ''\n", "`title` is empty"),
    (
        "[master]\ntitle = \"a\\u001b[31m\"\n",
        "one line of plain text",
    ),
    (
        "[master]\ndatabase = 'mysql://x'\n",
        "must be a postgres:// address",
    ),
    ("[mail]\nfrom = 'a@b'\n", "does not say how mail leaves"),
    (
        "[mail]\nfrom = 'nobody'\nfolder = 'm'\n",
        "`nobody` is no mail address",
    ),
    (
        "[mail]\nfrom = 'a@b'\nsmtp = 'mail'\n",
        "no address of a mail server",
    ),
    (
        "[mail]\nfrom = 'a@b'\nsmtp = 'smtps://u@h'\n",
        "no password for the user `u`",
    ),
    (
        "[mail]\nfrom = 'a@b'\nsmtp = 'smtp://u@h'\npassword = { env = 'P' }\n",
        "would go to `h` in the open",
    ),
    ("[repository.r]\nurl = 'x'\n", "add a table [project.r]"),
    (
        "[project.p]\n[repository.r]\n",
        "[repository.r] has no `url`",
    ),
    (
        "[project.p]\n[repository.r]\nurl = 'ext::sh'\n",
        "is no repository",
    ),
    (
        "[project.p]\n[repository.r]\nurl = '--x'\n",
        "is no repository",
    ),
    (
        "[project.p]\n[repository.r]\nurl = 'x'\nvcs = 'gti'\n",
        "did you mean \"git\"?",
    ),
    (
        "[project.p]\n[repository.r]\nurl = 'x'\npoll = '1ms'\n",
        "from 1s to 1d is possible",
    ),
    (
        "[project.p]\n[repository.r]\nurl = 'x'\nbranches = ['[']\n",
        "`[` is no pattern",
    ),
    ("[project.p]\n[builder.b]\n", "[builder.b] has no `steps`"),
    (
        "[project.p]\n[builder.b]\nsteps = []\n",
        "[builder.b] has no step",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{}]\n",
        "does not say what it does",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ run = 'a', upload = 'b' }]\n",
        "is both `run` and",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ run = 'a', tests = 'b' }]\n",
        "has no key `tests`",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ run = 'a', cwd = '../b' }]\n",
        "`cwd` leaves",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ run = 'a {' }]\n",
        "write `{{` for a brace",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ run = [] }]\n",
        "`run` has 0 arguments",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ run = 'a', env = { '1' = 'b' } }]\n",
        "no digit first",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ run = 'a', timeout = 30 }]\n",
        "must be a duration",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ run = 'a {form.x}' }]\n",
        "has such a parameter",
    ),
    (
        "[project.p]\n[builder.b]\nagents = { a = '{b}' }\nsteps = [{ run = 'a' }]\n",
        "no key of",
    ),
    (
        "[project.p]\n[builder.b]\nmatrix = { a = [] }\nsteps = [{ run = 'a' }]\n",
        "has no values",
    ),
    (
        "[project.p]\n[builder.b]\nmatrix = { branch = ['x'] }\nsteps = [{ run = 'a' }]\n",
        "would hide the name `{branch}`",
    ),
    (
        "[project.p]\n[builder.b]\nmatrix = { a = ['x'] }\nsteps = [{ run = 'a' }]\n\
         [builder.b-x]\nsteps = [{ run = 'a' }]\n",
        "there are two builders `b-x`",
    ),
    (
        "[project.p]\n[project.q]\n[builder.b]\nsteps = [{ run = 'a' }]\n",
        "project = \"p\"",
    ),
    ("[schedule.s]\nbuilders = []\n", "does not say when"),
    (
        "[schedule.s]\non = 'nightly'\nbuilders = []\n",
        "possible: \"change\", \"force\"",
    ),
    (
        "[schedule.s]\non = 'force'\nbuilders = []\n",
        "names no builder",
    ),
    (
        "[project.p]\n[builder.b]\nmatrix = { a = ['x'] }\nsteps = [{ run = 'a' }]\n\
         [schedule.s]\non = 'force'\nbuilders = ['b']\n",
        "write \"b-*\" for all of its builders",
    ),
    (
        "[schedule.s]\non = 'force'\nbuilders = []\nparameters = { n = { type = 'choice' } }\n",
        "has no `of`",
    ),
    (
        "[schedule.s]\non = 'force'\nbuilders = []\n\
         parameters = { n = { of = ['a'], default = 'b' } }\n",
        "`b` is not possible for `default`",
    ),
    ("[notify.n]\nto = []\n", "`to` names 0 receivers"),
    (
        "[notify.n]\nto = ['authros']\n",
        "`authros` is no mail address",
    ),
    (
        "[notify.n]\nto = ['authors']\nwhen = ['fail']\n",
        "is not possible for `when[0]`",
    ),
    ("a = 1\na = 2\n", "this is no TOML"),
    (
        "[project.p]\nversion_scheme = 'semvar'\n",
        "did you mean \"semver\"?",
    ),
    (
        "[project.p]\nkeys = { minisign = ['RWx'] }\n",
        "the line of the .pub file that begins with RW",
    ),
    (
        "[project.p]\nkeys = { ed25519 = ['AAAA'] }\n",
        "base64 of the 32 bytes",
    ),
    (
        "[project.p]\nkeys = { gpg = ['no.asc'] }\n",
        "gpg --armor --export KEY",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ product = { delta = 'a' }, version = '1', target = 't' }]\n",
        "a delta does not say what it starts from",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ product = 'a', version = '1', target = 't', \
         min_os = 'macOS 12' }]\n",
        "such as 10.15",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ product = 'a', version = '1', target = 't', \
         min_os = '13', max_os = '12.6' }]\n",
        "`12.6` is below the lowest version, `13`",
    ),
    (
        "[project.p]\n[builder.b]\nsteps = [{ product = { delta = { file = 'a' } }, version = '1', \
         target = 't' }]\n",
        "did you mean `files`?",
    ),
];

#[test]
fn each_mistake_says_what_would_be_right() {
    for (text, expected) in ONE {
        let shown = mistakes(text);
        assert!(
            shown.contains(expected),
            "{text}\nwants: {expected}\n{shown}"
        );
        assert!(shown.contains("--> windlass.toml:"), "{shown}");
    }
}

#[test]
fn no_secret_is_shown() {
    for text in [
        "[mail]\nfrom = 'a@b'\nsmtp = 'smtps://u:hunter2@h'\n",
        "[mail]\nfrom = 'a@b'\nsmtp = 'smtps://u@h'\npassword = 'hunter2'\n",
        "[master]\ndatabase = 'postgres://u:hunter2@h/d'\n",
        "[project.p]\n[repository.r]\nurl = 'https://u:hunter2@h/r.git'\n",
    ] {
        let shown = mistakes(text);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("--> windlass.toml:"), "{shown}");
    }
}

#[test]
fn broken_toml_does_not_hide_the_other_mistakes() {
    let shown = mistakes("[master]\ntitle = \nurl = 'x'\n[projcet.p]\n");
    assert!(shown.contains("this is no TOML"), "{shown}");
    assert!(shown.contains("did you mean `project`?"), "{shown}");
}

#[test]
fn a_broken_line_is_told_once() {
    let shown = mistakes("[project.p]\ncolour =\n");
    assert_eq!(shown.matches("error: ").count(), 1, "{shown}");
}

#[test]
fn a_mistake_in_a_matrix_is_told_once() {
    let shown = mistakes(
        "[project.p]\n[builder.b]\nmatrix = { a = ['x', 'y'] }\nsteps = [{ run = 'a {c.d}' }]\n",
    );
    assert_eq!(
        shown.matches("there is no name `{c.d}`").count(),
        1,
        "{shown}"
    );
}

#[test]
fn a_flood_of_mistakes_is_cut() {
    let text: String = (0..5_000).map(|n| format!("k{n} = 1\n")).collect();
    let folder = Folder::new(&text);
    let errors = super::load(&folder.main()).unwrap_err();
    assert_eq!(errors.count(), 200);
}
