//! Keep and lift, in the page and over REST, and who is refused.

use serde_json::{Value, json};
use windlass_tests::git::Repository;
use windlass_tests::http::{self, Answer};
use windlass_tests::master::{Master, PASSWORD, small_configuration};

const STEPS: &str = "  { source = \"editor\" },\n  { run = \"echo 1 > editor-1.0.tar\" },\n  \
     { product = \"*.tar\", version = \"1.0\", target = \"any\" },";

#[test]
fn keep_and_lift_need_a_user_with_the_role_from_this_site() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    let qa = master.user("quinn", "qa");
    let viewer = master.user("vic", "viewer");
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    let list = master.get("/api/v1/products", "").json();
    let product = list["items"][0]["id"].as_i64().expect("a product");
    let holds = format!("/api/v1/products/{product}/holds");
    let reason = json!({ "reason": "Beta 1 runs on it" });

    let refused = [
        ("", 401),
        ("windlass_nonsense", 401),
        (viewer.as_str(), 403),
    ];
    for (token, status) in refused {
        let answer = master.ask("POST", &holds, token, Some(&reason));
        assert_eq!(answer.status, status, "{token}: {}", answer.text());
    }
    let empty = master.ask("POST", &holds, &qa, Some(&json!({ "reason": " " })));
    assert_eq!(empty.status / 100, 4, "{}", empty.text());
    let kept = master.ask("POST", &holds, &qa, Some(&reason));
    assert_eq!(kept.status, 201, "{}", kept.text());
    assert_eq!(live(&master, product), 1);
    let lift = format!("/api/v1/holds/{}/lift", kept.json()["id"]);
    let lifted = master.ask(
        "POST",
        &lift,
        &qa,
        Some(&json!({ "reason": "Beta 1 is over" })),
    );
    assert_eq!(lifted.status / 100, 2, "{}", lifted.text());
    assert_eq!(live(&master, product), 0);

    in_the_page(&master, product);
    the_trail_tells(&master, &viewer);
}

/// What was done and refused is in the audit trail, which an admin alone may read.
fn the_trail_tells(master: &Master, viewer: &str) {
    assert_eq!(master.get("/api/v1/audit", viewer).status, 403);
    let admin = master.user("ada", "admin");
    let trail = master.get("/api/v1/audit", &admin).json();
    let rows = trail["items"].as_array().cloned().unwrap_or_default();
    let told = |actor: &str, outcome: &str| {
        let fits = |row: &&Value| row["actor"] == actor && row["outcome"] == outcome;
        rows.iter().filter(fits).count()
    };
    assert!(told("vic", "refused") >= 1, "{trail}");
    assert!(
        told("quinn", "refused") >= 1,
        "from another origin: {trail}"
    );
    assert!(told("quinn", "done") >= 4, "kept and lifted twice: {trail}");
}

fn in_the_page(master: &Master, product: i64) {
    let keep = format!("/products/{product}/holds");
    let form = "reason=Kept+in+the+page&until=";
    let cookie = login(master);
    let origin = format!("http://{}", master.web());
    let refusals: [&[(&str, &str)]; 3] = [
        &[("Origin", &origin)],
        &[("Cookie", &cookie), ("Origin", "http://evil.example")],
        &[("Cookie", &cookie), ("Sec-Fetch-Site", "cross-site")],
    ];
    for headers in refusals {
        let answer = post(master, &keep, headers, form);
        let refused = matches!(answer.status, 401 | 403)
            || answer
                .header("location")
                .is_some_and(|to| to.starts_with("/login"));
        assert!(refused, "{headers:?}: {} {}", answer.status, answer.text());
    }
    assert_eq!(live(master, product), 0);
    let headers = [("Cookie", cookie.as_str()), ("Origin", origin.as_str())];
    let kept = post(master, &keep, &headers, form);
    assert_eq!(kept.status, 303, "{}", kept.text());
    assert_eq!(live(master, product), 1);
    let page = master.get(&format!("/products/{product}"), "").text();
    assert!(page.contains("Kept in the page"), "{page}");
    let holds = master.get("/api/v1/holds", "").json();
    let lift = format!("/holds/{}/lift", holds["items"][0]["id"]);
    let lifted = post(master, &lift, &headers, "reason=Beta+2+is+out");
    assert_eq!(lifted.status, 303, "{}", lifted.text());
    assert_eq!(live(master, product), 0);
}

/// The session cookie of quinn.
fn login(master: &Master) -> String {
    let origin = format!("http://{}", master.web());
    let form = format!("name=quinn&password={PASSWORD}&next=%2F");
    let answer = post(master, "/login", &[("Origin", &origin)], &form);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let cookie = answer.header("set-cookie").expect("a session cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite"),
        "{cookie}"
    );
    cookie.split(';').next().unwrap_or_default().to_owned()
}

fn post(master: &Master, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
    let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    http::request(master.web(), "POST", path, &all, form.as_bytes()).expect("an answer")
}

/// Live holds of the product.
fn live(master: &Master, product: i64) -> usize {
    let shown = master
        .get(&format!("/api/v1/products/{product}"), "")
        .json();
    let holds = shown["holds"].as_array().cloned().unwrap_or_default();
    holds
        .iter()
        .filter(|hold| hold["lifted_at"] == Value::Null)
        .count()
}
