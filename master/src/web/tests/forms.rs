//! What is done through pages: logging in, keeping, lifting, asking for builds.

use actix_web::http::header;
use actix_web::test;

use super::fixture::PASSWORD;
use super::{answer, cookie_of, fixture, request, served};

#[actix_web::test]
async fn a_login_opens_a_session_that_a_logout_ends() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let wrong = request("POST", "/login", None).set_form([("name", "ada"), ("password", "no")]);
    let (status, body) = answer!(service, wrong);
    assert_eq!(status, 422);
    assert!(body.contains("the name or the password is wrong"));
    let form = [
        ("name", "ada"),
        ("password", PASSWORD),
        ("next", "/products/60"),
    ];
    let right = request("POST", "/login", None).set_form(form);
    let response = test::call_service(&service, right.to_request()).await;
    assert_eq!(response.status().as_u16(), 303);
    assert_eq!(
        response.headers().get(header::LOCATION).unwrap(),
        "/products/60"
    );
    let set = response
        .headers()
        .get(header::SET_COOKIE)
        .unwrap()
        .to_str()
        .unwrap();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Lax"),
        "{set}"
    );
    let cookie = set.split(';').next().unwrap().to_owned();
    let (_, body) = answer!(service, request("GET", "/", Some(&cookie)));
    assert!(body.contains("<span class=\"user\">ada</span>"));
    answer!(service, request("POST", "/logout", Some(&cookie)));
    let (_, body) = answer!(service, request("GET", "/", Some(&cookie)));
    assert!(body.contains("Log in</a>"));
}

#[actix_web::test]
async fn qa_keeps_a_product_with_a_reason_and_lifts_it_again() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "quinn").await;
    let path = "/products/60/holds";
    let empty = request("POST", path, Some(&cookie)).set_form([("reason", " ")]);
    assert_eq!(answer!(service, empty).0, 422);
    let odd = [("reason", "for the fair"), ("until", "tomorrow")];
    let odd = request("POST", path, Some(&cookie)).set_form(odd);
    let (status, body) = answer!(service, odd);
    assert_eq!(status, 422);
    assert!(body.contains("2027-03-31") && body.contains("value=\"for the fair\""));
    let good = [("reason", "for the <b>fair</b>"), ("until", "2027-03-31")];
    let good = request("POST", path, Some(&cookie)).set_form(good);
    assert_eq!(answer!(service, good).0, 303);
    let (_, body) = answer!(service, request("GET", "/products/60", Some(&cookie)));
    assert!(body.contains("for the &lt;b&gt;fair&lt;/b&gt;"));
    assert!(body.contains("#s-keep"));
    let hold = body
        .split("action=\"/holds/")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let lift = format!("/holds/{hold}/lift");
    let lifted = request("POST", &lift, Some(&cookie)).set_form([("reason", "the fair is over")]);
    assert_eq!(answer!(service, lifted).0, 303);
    let again = request("POST", &lift, Some(&cookie)).set_form([("reason", "again")]);
    assert_eq!(answer!(service, again).0, 409);
}

#[actix_web::test]
async fn the_force_form_asks_for_what_the_schedule_names() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "emil").await;
    let path = "/requests/new?schedule=by-hand";
    let (status, body) = answer!(service, request("GET", path, Some(&cookie)));
    assert_eq!(status, 200);
    for field in [
        "branch", "revision", "reason", "flavour", "jobs", "sign", "note",
    ] {
        assert!(body.contains(&format!("name=\"{field}\"")), "{field}");
    }
    assert!(
        body.contains("value=\"main\""),
        "the usual branch is filled in"
    );
    let none = "/requests/new?schedule=none";
    assert_eq!(answer!(service, request("GET", none, Some(&cookie))).0, 404);
}

#[actix_web::test]
async fn a_build_is_stopped_and_asked_for_again_and_a_request_taken_back() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "emil").await;
    let post = |path: &str| request("POST", path, Some(&cookie));
    assert_eq!(answer!(service, post("/builds/50/cancel")).0, 303);
    let (_, body) = answer!(service, request("GET", "/builds/50", Some(&cookie)));
    assert!(
        body.contains("stopping"),
        "the page says that it is being stopped"
    );
    let (status, body) = answer!(service, post("/builds/150/cancel"));
    assert_eq!(status, 409, "{body}");
    assert_eq!(answer!(service, post("/builds/150/rebuild")).0, 303);
    assert_eq!(answer!(service, post("/requests/900/cancel")).0, 303);
    let (_, body) = answer!(service, request("GET", "/requests", Some(&cookie)));
    assert!(
        !body.contains("/requests/900/cancel"),
        "it does not wait any more"
    );
    assert_eq!(answer!(service, post("/requests/900/cancel")).0, 409);
}

#[actix_web::test]
async fn a_wrong_force_form_comes_back_filled_in_with_what_is_wrong() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "emil").await;
    let form = [
        ("schedule", "by-hand"),
        ("builder", "editor-macos"),
        ("branch", "main"),
        ("reason", "<i>now</i>"),
        ("flavour", "release"),
        ("jobs", "many"),
    ];
    let post = request("POST", "/requests", Some(&cookie)).set_form(form);
    let (status, body) = answer!(service, post);
    assert_eq!(status, 422);
    assert!(
        body.contains("class=\"wrong\""),
        "the field at fault is marked"
    );
    assert!(body.contains("value=\"many\"") && !body.contains("<i>now"));
}

#[actix_web::test]
async fn an_administrator_adds_a_machine_and_sees_the_line_once() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let engineer = cookie_of(&fixture, "emil").await;
    let refused = request("GET", "/agent-tokens", Some(&engineer));
    assert_eq!(answer!(service, refused).0, 403);
    let cookie = cookie_of(&fixture, "ada").await;
    let path = "/agent-tokens";
    for (name, labels) in [("a b", ""), ("box-7", "pool")] {
        let form = [("name", name), ("labels", labels)];
        let wrong = request("POST", path, Some(&cookie)).set_form(form);
        let (status, body) = answer!(service, wrong);
        assert_eq!(status, 422, "{name}");
        assert!(body.contains("class=\"wrong\"") && body.contains(name));
    }
    let form = [("name", "box-7"), ("labels", "pool=lab"), ("slots", "2")];
    let good = request("POST", path, Some(&cookie)).set_form(form);
    let (status, body) = answer!(service, good);
    assert_eq!(status, 200);
    let line = "/agent/install.sh | WINDLASS_NAME=box-7 WINDLASS_TOKEN=wlt1_";
    assert!(body.contains(line), "{body}");
    let (_, body) = answer!(service, request("GET", path, Some(&cookie)));
    assert!(body.contains("box-7") && !body.contains("wlt1_"), "{body}");
    let revoke = "/agent-tokens/1/revoke";
    assert_eq!(
        answer!(service, request("POST", revoke, Some(&cookie))).0,
        303
    );
    assert_eq!(
        answer!(service, request("POST", revoke, Some(&cookie))).0,
        409
    );
}

#[actix_web::test]
async fn an_administrator_cares_for_an_agent_on_its_page() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "ada").await;
    let page = "/agents/linux-1";
    let (_, body) = answer!(service, request("GET", page, None));
    assert!(!body.contains("ada@acme") && !body.contains("<button>Pause"));
    let (_, body) = answer!(service, request("GET", page, Some(&cookie)));
    assert!(body.contains("Ada &lt;ada@acme.example&gt;"), "{body}");
    assert!(body.contains("room 3.14") && body.contains("<button>Pause"));
    let pause = request("POST", "/agents/linux-1/pause", Some(&cookie));
    assert_eq!(answer!(service, pause).0, 303);
    let (_, body) = answer!(service, request("GET", page, Some(&cookie)));
    assert!(body.contains(">Resume</button>"));
    let resume = request("POST", "/agents/linux-1/resume", Some(&cookie));
    assert_eq!(answer!(service, resume).0, 303);
    // One key, no program to send, and the configuration names it.
    for path in [
        "/agents/linux-1/retire-key",
        "/agents/linux-1/upgrade",
        "/agents/linux-1/remove",
    ] {
        let (status, body) = answer!(service, request("POST", path, Some(&cookie)));
        assert_eq!(status, 409, "{path}: {body}");
    }
}
