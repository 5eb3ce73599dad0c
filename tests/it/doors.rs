//! Every route of the HTTP port: who may not is refused, and nobody gets a 5xx.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use windlass::auth::Permission;
use windlass::routes::TABLE;
use windlass_tests::git::Repository;
use windlass_tests::http;
use windlass_tests::master::{Master, small_configuration};

const STEPS: &str = "  { source = \"editor\" },\n  { run = \"echo 1 > editor-1.0.tar\" },\n  \
     { product = \"*.tar\", version = \"1.0\", target = \"any\" },";

#[test]
fn every_route_refuses_who_may_not_and_breaks_for_nobody() {
    let mut master = Master::new("");
    let text = std::fs::read_to_string(master.path("windlass.toml")).expect("readable");
    let closed = text.replace("[master]\n", "[master]\nanonymous_read = false\n");
    std::fs::write(master.path("windlass.toml"), closed).expect("writable");
    let viewer = master.user("vic", "viewer");
    master.start();
    let mut wrong = Vec::new();
    for route in TABLE {
        let path = filled(route.path);
        let answer = master.ask(route.method, &path, "", None);
        let to_login = answer
            .header("location")
            .is_some_and(|to| to.starts_with("/login"));
        let refused = answer.status == 401 || answer.status == 303 && to_login;
        if refused != (route.permission != Permission::Public) && path != "/logout" {
            wrong.push(format!(
                "{} {path} without login: {}",
                route.method, answer.status
            ));
        }
        if route.permission == Permission::Read || answer.status >= 500 {
            // A stream never ends: whoever reads it is asked for elsewhere.
            if answer.status >= 500 {
                wrong.push(format!("{} {path}: {}", route.method, answer.status));
            }
            continue;
        }
        let answer = master.ask(route.method, &path, &viewer, None);
        if route.permission != Permission::Public && answer.status != 403 {
            wrong.push(format!(
                "{} {path} as a viewer: {}",
                route.method, answer.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The path with something that fits in every place.
fn filled(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn streams_assets_and_feeds_answer() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    let token = master.user("erin", "engineer");
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());

    assert_eq!(master.get("/robots.txt", "").status, 200);
    assert_eq!(master.get("/requests/new", "").status, 401, "log in first");
    let form = master.get("/requests/new?builder=package", &token);
    assert!(!matches!(form.status, 401 | 403 | 500..), "{}", form.text());
    let home = master.get("/", "").text();
    let asset = home
        .split('"')
        .find(|text| text.starts_with("/assets/"))
        .expect("an asset");
    let answer = http::get(master.web(), asset);
    assert_eq!(answer.status, 200, "{asset}");
    assert!(
        answer
            .header("cache-control")
            .is_some_and(|value| value.contains("immutable"))
    );
    assert_eq!(master.get("/assets/nothing.js", "").status, 404);

    let product = master.get("/api/v1/products", "").json()["items"][0].clone();
    let feed = product["feed"].as_str().expect("a feed token");
    let offer = master
        .get(&format!("/update/v1/editor/{feed}/any"), "")
        .json();
    assert_eq!(offer["version"], "1.0", "{offer}");
    assert_eq!(master.get("/update/v1/editor/nothing/any", "").status, 404);

    let steps = master
        .get(&format!("/api/v1/builds/{}/steps", build["id"]), "")
        .json();
    let log = &steps["items"][1]["logs"][0]["id"];
    let head = head_of_stream(&master, "/events");
    assert!(
        head.iter().any(|line| line.contains("text/event-stream")),
        "{head:?}"
    );
    let without_mark = master.get(&format!("/logs/{log}/follow"), "");
    assert_eq!(without_mark.status, 422, "{}", without_mark.text());
}

/// The header lines of an answer that may never end.
fn head_of_stream(master: &Master, path: &str) -> Vec<String> {
    let mut stream = TcpStream::connect(master.web()).expect("the port is open");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a time-out");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", master.web());
    stream.write_all(request.as_bytes()).expect("sent");
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect()
}
