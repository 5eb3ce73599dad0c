//! A tester's day by forms: verdicts, labels, several at once, choices to come back to.

use actix_web::http::header;
use actix_web::test;

use super::{answer, cookie_of, fixture, request, served};

#[actix_web::test]
async fn a_tester_judges_on_the_desk_and_comes_back_to_the_row() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "quinn").await;
    let (_, body) = answer!(service, request("GET", "/qa?branch=main", Some(&cookie)));
    assert!(body.contains("id=\"p60\"") && body.contains("since 2.4.59"));
    assert!(body.contains("50 new") && body.contains("value=\"installs\""));
    let form = [
        ("verdict", "bad"),
        ("comment", "the <i>caret</i> jumps"),
        ("bug", "https://bugs.example/7"),
        ("checklist", "installs"),
        ("back", "/qa?branch=main#p60"),
    ];
    let post = request("POST", "/products/60/verdicts", Some(&cookie)).set_form(form);
    let response = test::call_service(&service, post.to_request()).await;
    assert_eq!(response.status().as_u16(), 303);
    let place = response.headers().get(header::LOCATION).unwrap();
    assert_eq!(place, "/qa?branch=main#p60");
    let (_, body) = answer!(service, request("GET", "/qa?branch=main", Some(&cookie)));
    assert!(body.contains("the &lt;i&gt;caret&lt;/i&gt; jumps"));
    assert!(body.contains("href=\"https://bugs.example/7\""));
    assert!(
        !body.contains(" new</span>"),
        "what came before one's verdict is not new"
    );
    let odd = [
        ("verdict", "bad"),
        ("bug", "javascript:alert(1)"),
        ("comment", "kept"),
    ];
    let odd = request("POST", "/products/60/verdicts", Some(&cookie)).set_form(odd);
    let (status, body) = answer!(service, odd);
    assert_eq!(status, 422);
    assert!(body.contains(">kept</textarea>"));
    let viewer = cookie_of(&fixture, "vera").await;
    let refused = request("POST", "/products/60/verdicts", Some(&viewer));
    let refused = refused.set_form([("verdict", "good")]);
    assert_eq!(answer!(service, refused).0, 403);
}

#[actix_web::test]
async fn labels_are_pointed_and_taken_off_and_last_good_follows_verdicts_alone() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "quinn").await;
    let post = |path: &str, label: &str| {
        let form = [
            ("label", label.to_owned()),
            ("reason", "for the fair".to_owned()),
        ];
        request("POST", path, Some(&cookie)).set_form(form)
    };
    for (label, status) in [("rc", 303), ("last-good", 422), ("Latest", 422), ("", 422)] {
        let answer = answer!(service, post("/products/60/labels", label));
        assert_eq!(answer.0, status, "{label}");
    }
    let (_, body) = answer!(service, request("GET", "/products/60", Some(&cookie)));
    assert!(body.contains("<b>rc</b>"));
    let remove = "/products/60/labels/remove";
    assert_eq!(answer!(service, post(remove, "rc")).0, 303);
    assert_eq!(answer!(service, post(remove, "rc")).0, 404);
    let good = request("POST", "/products/60/verdicts", Some(&cookie));
    assert_eq!(
        answer!(service, good.set_form([("verdict", "good")])).0,
        303
    );
    let (_, body) = answer!(service, request("GET", "/products/60", Some(&cookie)));
    assert!(body.contains("<b>last-good</b>"));
}

#[actix_web::test]
async fn several_are_judged_kept_and_lifted_at_once_and_what_failed_is_told() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "quinn").await;
    let bulk = |deed: &str| {
        let form = [
            ("id", "58".to_owned()),
            ("id", "59".to_owned()),
            ("deed", deed.to_owned()),
            ("comment", "the fair".to_owned()),
            ("back", "/holds".to_owned()),
        ];
        request("POST", "/products/bulk", Some(&cookie)).set_form(form)
    };
    assert_eq!(answer!(service, bulk("good")).0, 303);
    assert_eq!(answer!(service, bulk("keep")).0, 303);
    let (_, body) = answer!(service, request("GET", "/holds?owner=quinn", Some(&cookie)));
    assert_eq!(body.matches("the fair").count(), 2, "{body}");
    assert_eq!(answer!(service, bulk("lift")).0, 303);
    let (status, body) = answer!(service, bulk("lift"));
    assert_eq!(status, 409);
    assert!(body.contains("product 58 is not kept"), "{body}");
    assert_eq!(answer!(service, bulk("eat")).0, 422);
}

#[actix_web::test]
async fn a_choice_is_saved_marked_as_seen_and_forgotten() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "quinn").await;
    let keep = |form: [(&str, &str); 2]| {
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        request("POST", "/qa/desks", Some(&cookie)).set_form(form)
    };
    let choice = "?project=editor";
    let named = keep([("query", choice), ("name", "my editor")]);
    assert_eq!(answer!(service, named).0, 303);
    let seen = keep([("query", choice), ("seen", "55")]);
    assert_eq!(answer!(service, seen).0, 303);
    let (_, body) = answer!(service, request("GET", "/qa?project=editor", Some(&cookie)));
    assert!(body.contains(">my editor</a>") && body.contains("5 new"));
    let id = body.split("/qa/desks/").nth(1).unwrap();
    let id = id.split('/').next().unwrap();
    let other = cookie_of(&fixture, "emil").await;
    let path = format!("/qa/desks/{id}/remove");
    assert_eq!(
        answer!(service, request("POST", &path, Some(&other))).0,
        404
    );
    assert_eq!(
        answer!(service, request("POST", &path, Some(&cookie))).0,
        303
    );
    let (_, body) = answer!(service, request("GET", "/qa?project=editor", Some(&cookie)));
    assert!(!body.contains(">my editor</a>"));
}

#[actix_web::test]
async fn the_build_somebody_was_given_is_found_by_whatever_they_have() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let sha256 = format!("{:064x}", 60);
    let sha512 = format!("{:0128x}", 60);
    for text in [
        "2.4.60",
        "editor-2.4.60.tar.gz",
        "%2360",
        "editor-linux-x86_64/60",
        &sha256,
        &sha512,
        &format!("https://x/files/{sha256}/editor.tar.gz"),
    ] {
        let address = format!("/products/find?q={text}");
        let found = request("GET", &address, None).to_request();
        let response = test::call_service(&service, found).await;
        assert_eq!(response.status().as_u16(), 303, "{text}");
        let place = response.headers().get(header::LOCATION).unwrap();
        assert_eq!(place, "/products/60", "{text}");
    }
    let (_, body) = answer!(service, request("GET", "/products/compare?a=58&b=60", None));
    assert!(
        body.contains("the same</div>") || body.contains("2,222 B"),
        "{body}"
    );
}
