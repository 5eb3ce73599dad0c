//! What is done through the pages of releases, branches and stores, with the buttons' own fields.

use super::{answer, cookie_of, fixture, request, served};

#[actix_web::test]
async fn a_release_is_prepared_signed_begun_and_taken_back_by_the_buttons_of_its_page() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "emil").await;
    let tester = cookie_of(&fixture, "quinn").await;
    let new = "/releases/new?product=60";
    let (status, body) = answer!(service, request("GET", new, Some(&cookie)));
    assert!(status == 200 && body.contains("2.4.60"), "{body}");
    let odd = [("product", "60"), ("percent", "half")];
    let odd = request("POST", "/releases", Some(&cookie)).set_form(odd);
    let (status, body) = answer!(service, odd);
    assert!(status == 422 && body.contains("0 to 100"), "{body}");
    let good = [("product", "60"), ("percent", "10")];
    let good = request("POST", "/releases", Some(&cookie)).set_form(good);
    assert_eq!(answer!(service, good).0, 303);

    let page = "/releases/1";
    let (_, body) = answer!(service, request("GET", page, Some(&cookie)));
    assert!(body.contains("draft"), "{body}");
    let role = [("role", "qa"), ("comment", "runs on <b>all</b> of ours")];
    let signed = request("POST", "/releases/1/sign", Some(&tester)).set_form(role);
    let (status, body) = answer!(service, signed);
    assert_eq!(status, 303, "{body}");
    let (_, body) = answer!(service, request("GET", page, Some(&cookie)));
    assert!(body.contains("&lt;b&gt;all&lt;/b&gt;"), "{body}");

    let late = request("POST", "/releases/1/go", Some(&cookie)).set_form([("row_version", "99")]);
    assert_eq!(answer!(service, late).0, 412, "the page was an old one");
    let none = [("", "")];
    let go = request("POST", "/releases/1/go", Some(&cookie)).set_form(none);
    assert_eq!(answer!(service, go).0, 303);
    let (_, body) = answer!(service, request("GET", page, Some(&cookie)));
    assert!(body.contains("live"), "{body}");
    let wide = [("percent", "55")];
    let wide = request("POST", "/releases/1/rollout", Some(&cookie)).set_form(wide);
    assert_eq!(answer!(service, wide).0, 303);
    let odd = request("POST", "/releases/1/dance", Some(&cookie)).set_form(none);
    assert_eq!(answer!(service, odd).0, 404);
    let back = [("reason", "eats files")];
    let back = request("POST", "/releases/1/withdraw", Some(&cookie)).set_form(back);
    assert_eq!(answer!(service, back).0, 303);
    let (_, body) = answer!(service, request("GET", page, Some(&cookie)));
    assert!(body.contains("eats files"), "{body}");
}

#[actix_web::test]
async fn a_product_is_withdrawn_with_a_reason_and_reinstated() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "emil").await;
    let form = [("reason", "signed with the wrong key")];
    let post = |path: &str| request("POST", path, Some(&cookie)).set_form(form);
    assert_eq!(answer!(service, post("/products/60/withdraw")).0, 303);
    let (_, body) = answer!(service, request("GET", "/products/60", Some(&cookie)));
    assert!(body.contains("signed with the wrong key"), "{body}");
    assert_eq!(answer!(service, post("/products/60/reinstate")).0, 303);
    let tester = cookie_of(&fixture, "quinn").await;
    let refused = request("POST", "/products/60/withdraw", Some(&tester)).set_form(form);
    assert_eq!(answer!(service, refused).0, 403);
}

#[actix_web::test]
async fn a_branch_is_redirected_frozen_and_shut_off_and_a_whole_project_too() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "emil").await;
    let itself = [("branch", "main")];
    let itself = request("POST", "/branches/1/follow", Some(&cookie)).set_form(itself);
    assert_eq!(answer!(service, itself).0, 422, "no branch follows itself");
    let frozen = [("state", "frozen")];
    let frozen = request("POST", "/branches/1/state", Some(&cookie)).set_form(frozen);
    assert_eq!(answer!(service, frozen).0, 303);
    let odd = request("POST", "/branches/1/state", Some(&cookie)).set_form([("state", "icy")]);
    assert_eq!(answer!(service, odd).0, 422);
    let why = [("reason", "it burns"), ("project", "editor")];
    let off = request("POST", "/branches/1/shut-off", Some(&cookie)).set_form(why);
    assert_eq!(answer!(service, off).0, 303);
    let (_, body) = answer!(service, request("GET", "/branches/1", Some(&cookie)));
    assert!(
        body.contains("it burns") && body.contains("frozen"),
        "{body}"
    );
    let lift = request("POST", "/shutoffs/1/lift", Some(&cookie));
    assert_eq!(answer!(service, lift).0, 303);
    let all = request("POST", "/shutoffs", Some(&cookie)).set_form(why);
    assert_eq!(answer!(service, all).0, 303);
    let (_, body) = answer!(service, request("GET", "/branches", Some(&cookie)));
    assert!(body.contains("it burns"), "{body}");
}

#[actix_web::test]
async fn the_page_of_stores_tells_where_files_lie_and_refuses_a_move_to_nowhere() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "ada").await;
    let (status, body) = answer!(service, request("GET", "/stores", Some(&cookie)));
    assert!(status == 200 && body.contains("60"), "{body}");
    let away = request("POST", "/stores/move", Some(&cookie)).set_form([("to", "s3")]);
    let (status, body) = answer!(service, away);
    assert!(status == 422 && body.contains("name a bucket"), "{body}");
    let odd = request("POST", "/stores/move", Some(&cookie)).set_form([("to", "attic")]);
    assert_eq!(answer!(service, odd).0, 422);
}

#[actix_web::test]
async fn a_branch_tells_the_lines_that_an_application_is_built_with() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let page = "/branches/1/guide?target=x86_64-linux";
    let (status, body) = answer!(service, request("GET", page, None));
    assert_eq!(status, 200, "{body}");
    for part in ["$WINDLASS_UPDATE_URL_TAURI", "/latest-linux.yml", "zsync|"] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(!body.contains("Sparkle"), "that is for other systems");
    let rest = "/api/v1/branches/1/guide?target=aarch64-macos";
    let (status, body) = answer!(service, request("GET", rest, None));
    assert!(status == 200 && body.contains("/macos.xml"), "{body}");
    let (status, _) = answer!(service, request("GET", "/branches/999/guide", None));
    assert_eq!(status, 404);
}
