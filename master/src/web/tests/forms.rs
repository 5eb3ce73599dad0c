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
