//! Private projects: whoever has not said who they are is told nothing of one, on any page, in any
//! list, feed, link or stream: no name, no number, not that it is there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::auth::Permission;
use windlass::routes::TABLE;
use windlass_tests::git::Repository;
use windlass_tests::http::Answer;
use windlass_tests::master::Master;

/// Words that stand in nothing but the private project.
const WORDS: &[&str] = &[
    "skylark",
    "hush",
    "7.7.7",
    "Whisper",
    "vault",
    "murmur",
    "classified",
];

/// Everything of the private project that an address can name.
struct Secret {
    product: Value,
    build: Value,
    log: Value,
    request: Value,
    change: Value,
    branch: Value,
    release: Value,
    hold: Value,
    sha256: String,
    feed: String,
}

fn configuration(open: &Repository, secret: &Repository) -> String {
    let (open, secret) = (open.dir().display(), secret.dir().display());
    format!(
        r#"
[project.editor]
[project.skylark]
private = true

[repository.editor]
project = "editor"
url = "{open}"
branches = ["**"]
poll = "1s"
[repository.skylark-source]
project = "skylark"
url = "{secret}"
branches = ["**"]
poll = "1s"

[agent.linux-1]

[builder.package]
project = "editor"
tags = ["open"]
steps = [
  {{ source = "editor" }},
  {{ run = "echo 1 > editor.run" }},
  {{ product = "*.run", version = "1.0", target = "any" }},
]
[builder.skylark-package]
project = "skylark"
tags = ["hush-hush"]
steps = [
  {{ source = "skylark-source" }},
  {{ run = "echo classified; echo 2 > skylark.run" }},
  {{ product = "*.run", version = "7.7.7", target = "x86_64-vault" }},
]

[schedule.push]
on = "change"
repository = "editor"
builders = ["package"]
quiet = "0s"
[schedule.push-skylark]
on = "change"
repository = "skylark-source"
builders = ["skylark-package"]
quiet = "0s"

[retention.default]
"#
    )
}

/// A master with a build of each project, and the agent that made them.
fn begin(folder: &std::path::Path) -> (Master, [String; 3], windlass_tests::programs::Background) {
    let open = Repository::new(&folder.join("open"));
    open.write("a", "a");
    open.commit("Begin");
    let secret = Repository::new(&folder.join("secret"));
    secret.git(&["symbolic-ref", "HEAD", "refs/heads/hush"]);
    secret.write("a", "a");
    secret.commit("Whisper");
    let mut master = Master::new(&configuration(&open, &secret));
    let users = [("vic", "viewer"), ("quinn", "qa"), ("emil", "engineer")];
    let tokens = users.map(|(name, role)| master.user(name, role));
    master.start();
    let agent = master.agent("linux-1", master.agents());
    for builder in ["package", "skylark-package"] {
        let path = format!("/api/v1/builds?builder={builder}");
        windlass_tests::wait::until(&format!("{builder} has built"), || {
            let list = master.get(&path, &tokens[0]).json();
            let build = list["items"].as_array()?.first()?.clone();
            (build["state"] == "finished").then(|| assert_eq!(build["result"], "success"))
        });
    }
    (master, tokens, agent)
}

/// Has people do with the product whatever leaves a row.
fn work_on_it(master: &Master, [_, tester, engineer]: &[String; 3], product: &Value) -> [Value; 2] {
    let post = |token: &str, path: &str, body: &Value| {
        let answer = master.ask("POST", path, token, Some(body));
        assert_eq!(answer.status / 100, 2, "{path}: {}", answer.text());
        answer.json()
    };
    let of = |what: &str| format!("/api/v1/products/{product}/{what}");
    let reason = json!({ "reason": "classified" });
    let hold = post(tester, &of("holds"), &reason);
    let verdict = json!({ "verdict": "good", "comment": "classified" });
    post(tester, &of("verdicts"), &verdict);
    let label = json!({ "label": "murmur", "reason": "classified" });
    post(tester, &of("labels"), &label);
    let release = post(engineer, "/api/v1/releases", &json!({ "product": product }));
    let off = json!({ "project": "skylark", "branch": "hush", "reason": "classified" });
    post(engineer, "/api/v1/shutoffs", &off);
    [hold["id"].clone(), release["id"].clone()]
}

/// The first row of a list as somebody sees it who may.
fn first(master: &Master, token: &str, path: &str) -> Value {
    let list = master.get(path, token);
    let row = list.json()["items"][0].clone();
    assert!(!row.is_null(), "{path}: {}", list.text());
    row
}

fn secret(master: &Master, tokens: &[String; 3]) -> Secret {
    let known = &tokens[0];
    let list = |path: &str| first(master, known, path);
    let product = list("/api/v1/products?project=skylark");
    let id = product["id"].clone();
    let shown = master.get(&format!("/api/v1/products/{id}"), known).json();
    let build = list("/api/v1/builds?builder=skylark-package")["id"].clone();
    let step = list(&format!("/api/v1/builds/{build}/steps"));
    let [hold, release] = work_on_it(master, tokens, &id);
    Secret {
        log: step["logs"][0]["id"].clone(),
        request: list("/api/v1/requests?builder=skylark-package")["id"].clone(),
        change: list("/api/v1/changes?repository=skylark-source")["id"].clone(),
        branch: list("/api/v1/branches?project=skylark")["id"].clone(),
        release,
        hold,
        sha256: shown["files"][0]["sha256"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        feed: product["feed"].as_str().unwrap_or_default().to_owned(),
        product: id,
        build,
    }
}

/// The address of the private row that a route may be asked for.
fn filled(path: &str, secret: &Secret) -> String {
    let nouns = [
        ("/products/{id}", &secret.product),
        ("/builds/{id}", &secret.build),
        ("/logs/{id}", &secret.log),
        ("/requests/{id}", &secret.request),
        ("/changes/{id}", &secret.change),
        ("/branches/{id}", &secret.branch),
        ("/releases/{id}", &secret.release),
        ("/holds/{id}", &secret.hold),
    ];
    let mut path = path.to_owned();
    for (place, id) in nouns {
        path = path.replace(place, &place.replace("{id}", &id.to_string()));
    }
    let names = [
        ("/builders/{name}", "/builders/skylark-package"),
        ("/files/{sha256}/{name}", "/files/{sha256}/skylark.run"),
        ("/agents/{name}", "/agents/linux-1"),
        (
            "electron/{project}/{feed}/{name}",
            "electron/{project}/{feed}/latest.yml",
        ),
        ("{version}/{arch}/{name}", "7.7.7/x64/skylark.run"),
        ("{arch}/{version}", "x86_64/1.0.0"),
        (
            "velopack/{project}/{feed}/{name}",
            "velopack/{project}/{feed}/releases.linux.json",
        ),
        ("{what}/{which}/{role}", "build/1/installer"),
        ("{what}/{which}", "build/1"),
        ("{what}", "latest"),
        ("{project}", "skylark"),
        ("{feed}", &secret.feed),
        ("{target}", "x86_64-vault"),
        ("{triple}", "x86_64-vault"),
        ("{os}", "linux"),
        ("{sha256}", &secret.sha256),
        ("{id}", "1"),
    ];
    for (place, value) in names {
        path = path.replace(place, value);
    }
    path
}

/// Words of the private project in an answer, those of the address aside, which were the asker's.
fn told(answer: &Answer, path: &str) -> Vec<String> {
    let headers: Vec<String> = answer
        .headers
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    let text = format!("{}\n{}", headers.join("\n"), answer.text());
    let theirs = |word: &&&str| !path.to_lowercase().contains(&word.to_lowercase());
    let found = WORDS
        .iter()
        .filter(theirs)
        .filter(|word| text.contains(**word));
    found.map(|word| (*word).to_owned()).collect()
}

#[test]
fn nobody_learns_anything_of_a_private_project_without_saying_who_they_are() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let (master, tokens, _agent) = begin(folder.path());
    let secret = secret(&master, &tokens);
    let (mut wrong, mut shown) = (Vec::new(), 0);
    let mut seen = String::new();
    for route in TABLE.iter().filter(|route| route.method == "GET") {
        let is_stream = route.path == "/events" || route.path.ends_with("/follow");
        let is_open = matches!(route.permission, Permission::Read | Permission::Public);
        if is_stream || !is_open || route.path == "/agent" {
            continue;
        }
        let path = filled(route.path, &secret);
        let names_it = path != route.path && path != "/agents/linux-1" && !path.contains("assets");
        let names_it = names_it && !path.starts_with("/api/v1/agents") && !path.contains("/plans/");
        let names_it = names_it && !path.starts_with("/agent/bin");
        let answer = master.get(&path, "");
        let words = told(&answer, &path);
        if !words.is_empty() {
            wrong.push(format!("{path}: {words:?}"));
        }
        // So is a list of something that there is not.
        let is_empty = answer.text() == "{\"items\":[]}";
        if names_it && !is_empty && !matches!(answer.status, 401 | 404) {
            wrong.push(format!("{path}: {} {}", answer.status, answer.text()));
        }
        let known = master.get(&path, &tokens[0]);
        if known.status == 200 {
            shown += usize::from(names_it);
            seen.push_str(&known.text());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(shown > 25, "only {shown} rows can be seen at all");
    for word in WORDS {
        assert!(seen.contains(word), "nobody sees {word}: it shows nothing");
    }
    let home = master.get("/", "").text();
    assert!(home.contains("The builder is well"), "{home}");
    questions(&master, &tokens, &secret);
    stream(&master, &tokens, &secret);
}

/// Filters and searches find nothing, in the same words as where there is nothing.
fn questions(master: &Master, tokens: &[String; 3], secret: &Secret) {
    let (sha256, product) = (&secret.sha256[..16], &secret.product);
    for path in [
        "/api/v1/products?project=skylark",
        "/api/v1/products?branch=hush",
        "/api/v1/products?version=7.7",
        "/api/v1/products?held=true",
        "/api/v1/products?verdict=good",
        "/api/v1/products/find?q=7.7.7",
        &format!("/api/v1/products/find?q={sha256}"),
        "/api/v1/products/find?q=skylark.run",
        "/api/v1/qa?project=skylark",
        "/api/v1/holds?owner=quinn",
        "/api/v1/releases?project=skylark",
        "/api/v1/branches?project=skylark",
        "/api/v1/shutoffs",
        "/api/v1/builders?project=skylark",
        "/api/v1/builds?project=skylark",
        "/api/v1/builds?branch=hush",
        "/api/v1/requests?builder=skylark-package",
        "/api/v1/changes?repository=skylark-source",
    ] {
        let found = master.get(path, "").json();
        assert_eq!(found["items"], json!([]), "{path}");
        let known = master.get(path, &tokens[0]).json();
        assert_ne!(known["items"], json!([]), "{path} shows nothing");
    }
    for (path, other) in [
        (
            "/api/v1/updates/explain?project=skylark&branch=hush&target=any",
            "/api/v1/updates/explain?project=nothing&branch=hush&target=any",
        ),
        (
            &*format!("/api/v1/products/compare?a={product}&b=1"),
            "/api/v1/products/compare?a=999&b=1",
        ),
    ] {
        let [answer, none] = [path, other].map(|path| master.get(path, ""));
        assert_eq!((answer.status, none.status), (404, 404), "{path}");
        let [answer, none] = [answer.json(), none.json()].map(|problem| problem["detail"].clone());
        let same = |detail: &Value| {
            let detail = detail.as_str().unwrap_or_default().to_owned();
            let detail = detail.replace("nothing", "skylark");
            detail.replace("999", &product.to_string())
        };
        assert_eq!(same(&answer), same(&none), "{path}");
        assert_eq!(master.get(path, &tokens[0]).status, 200, "{path}");
    }
}

/// The stream of events since the beginning has none of the private project.
fn stream(master: &Master, tokens: &[String; 3], secret: &Secret) {
    let open = first(master, &tokens[0], "/api/v1/products?project=editor")["id"].clone();
    let reason = json!({ "reason": "the last event" });
    let hold = format!("/api/v1/products/{open}/holds");
    let kept = master.ask("POST", &hold, &tokens[1], Some(&reason));
    assert_eq!(kept.status, 201, "{}", kept.text());
    let read = |token: &str| {
        let mut stream = TcpStream::connect(master.web()).expect("the port is open");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time-out");
        let head = format!(
            "GET /events?since=0 HTTP/1.1\r\nHost: {}\r\n{token}\r\n",
            master.web()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut all: Vec<Value> = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.expect("the stream goes on");
            let data = line.strip_prefix("data: ");
            let event = data.and_then(|data| serde_json::from_str::<Value>(data).ok());
            all.extend(event.filter(Value::is_object));
            let is_last =
                |event: &Value| event["kind"] == "product.kept" && event["product"] == open;
            if all.last().is_some_and(is_last) {
                return all;
            }
        }
        panic!("the stream ended: {all:?}");
    };
    let is_secret =
        |event: &&Value| event["product"] == secret.product || event["build"] == secret.build;
    let (nobody, known) = (
        read(""),
        read(&format!("Authorization: Bearer {}\r\n", tokens[0])),
    );
    assert!(known.iter().filter(is_secret).count() > 3, "{known:?}");
    assert_eq!(nobody.iter().find(is_secret), None);
    assert!(nobody.len() < known.len());
}
