//! What pages show, and that nothing from outside acts in them.

use actix_web::body::MessageBody as _;
use actix_web::http::header;
use actix_web::test;

use super::{answer, cookie_of, fixture, request, served};

/// Every page; `tests` of the source tree look for these paths.
const PAGES: &[&str] = &[
    "/",
    "/builders",
    "/builders?project=editor&tag=linux",
    "/builders/editor-linux-x86_64",
    "/builds",
    "/builds?result=failure&before=200",
    "/builds/150",
    "/builds/50",
    "/builds/25",
    "/logs/1",
    "/logs/3",
    "/changes",
    "/agents",
    "/agents/linux-1",
    "/agents/arm-1",
    "/requests",
    "/requests?state=all",
    "/products",
    "/products?version=2.4.5&held=false",
    "/products/60",
    "/products/compare?a=59&b=60",
    "/products/find?q=nowhere",
    "/products?verdict=untested&property=flavour:release&from=2020-01-01&until=2040-01-01",
    "/qa",
    "/qa?project=editor&branch=main&target=x86_64-linux",
    "/holds",
    "/holds?order=size&ending=true&owner=quinn",
    "/releases",
    "/releases?state=live",
    "/branches",
    "/branches/1",
    "/explain",
    "/explain?project=editor&branch=main&target=x86_64-linux&version=1.0",
    "/products/60/why-kept",
    "/retention",
    "/retention/trash",
    "/login",
];

#[actix_web::test]
async fn every_page_is_whole_begins_with_its_state_and_keeps_hostile_texts_inert() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let cookie = cookie_of(&fixture, "ada").await;
    for cookie in [None, Some(cookie.as_str())] {
        for path in PAGES {
            let (status, body) = answer!(service, request("GET", path, cookie));
            assert_eq!(status, 200, "{path}: {body}");
            assert!(
                body.ends_with("</html>") || body.ends_with("</html>\n"),
                "{path}"
            );
            assert_eq!(body.matches("<h1").count(), 1, "{path}");
            for bad in [
                "<img src=x",
                "<script>alert",
                "<b>Mallory",
                "<i>release",
                "\u{1b}",
            ] {
                assert!(!body.contains(bad), "{path} holds {bad:?}");
            }
            assert!(!body.contains('\u{202e}'), "{path} holds an override");
            assert!(!body.contains(" style="), "{path} holds a style");
        }
    }
    let (_, body) = answer!(service, request("GET", "/builds/150", None));
    assert!(body.contains("<title>✗ 50 editor-macos – Acme builds</title>"));
    assert!(
        body.contains("caret_after_paste"),
        "the first problem is on the page"
    );
    let (_, body) = answer!(service, request("GET", "/", None));
    assert!(body.contains("2 of 7 builders broken"));
    assert!(body.contains("no connected agent has os=linux arch=aarch64"));
}

#[actix_web::test]
async fn a_page_with_its_style_and_script_is_small_and_comes_in_three_requests() {
    /// Compressed bytes of a cold visit.
    const COLD_BYTES_MAX: usize = 60 * 1024;
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let packed = |path: &str| {
        let request = request("GET", path, None);
        request
            .insert_header((header::ACCEPT_ENCODING, "gzip"))
            .to_request()
    };
    let (_, home) = answer!(service, request("GET", "/", None));
    let assets: Vec<&str> = home
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .collect();
    assert_eq!(assets.len(), 2, "one style sheet and one script");
    let mut shared = 0;
    for asset in assets {
        let response = test::call_service(&service, packed(asset)).await;
        let cache = response.headers().get(header::CACHE_CONTROL).unwrap();
        assert!(cache.to_str().unwrap().contains("immutable"));
        shared += test::read_body(response).await.len();
    }
    for path in [
        "/",
        "/builders/editor-linux-x86_64",
        "/builds",
        "/builds/150",
        "/changes",
    ] {
        let response = test::call_service(&service, packed(path)).await;
        assert_eq!(
            response.headers().get(header::CONTENT_ENCODING).unwrap(),
            "gzip"
        );
        let size = test::read_body(response).await.len() + shared;
        assert!(size < COLD_BYTES_MAX, "{path}: {size} bytes");
    }
}

#[actix_web::test]
async fn lists_go_on_page_by_page_without_gaps() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let mut path = "/builds".to_owned();
    let mut seen = Vec::new();
    for _ in 0..10 {
        let (_, body) = answer!(service, request("GET", &path, None));
        let rows = body.split("href=\"/builds/").skip(1);
        seen.extend(rows.filter_map(|rest| rest.split('"').next()?.parse::<i64>().ok()));
        let Some(older) = body.split("<a href=\"/builds?before=").nth(1) else {
            break;
        };
        path = format!("/builds?before={}", older.split('"').next().unwrap());
    }
    let expected: Vec<i64> = (1..=300).rev().collect();
    assert_eq!(seen, expected);
}

#[actix_web::test]
async fn a_long_log_shows_its_end_and_the_raw_text_has_it_all() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let (_, page) = answer!(service, request("GET", "/logs/3", None));
    assert!(page.contains("The log has 30,000 lines; here are the last 20,000."));
    assert!(page.contains("id=\"L10001\"") && !page.contains("id=\"L10000\""));
    assert!(page.contains("id=\"L30000\"") && page.contains("line 30000:"));
    let (status, raw) = answer!(service, request("GET", "/logs/3/raw", None));
    assert_eq!((status, raw.lines().count()), (200, 30_000));
    let ranged = request("GET", "/logs/3/raw", None).insert_header((header::RANGE, "bytes=0-5"));
    let response = test::call_service(&service, ranged.to_request()).await;
    assert_eq!(response.status().as_u16(), 206);
    assert_eq!(
        response.headers().get("content-type").unwrap(),
        "text/plain; charset=utf-8"
    );
    assert_eq!(test::read_body(response).await, "line 1".as_bytes());
    let beyond =
        request("GET", "/logs/3/raw", None).insert_header((header::RANGE, "bytes=9999999-"));
    assert_eq!(answer!(service, beyond).0, 416);
}

#[actix_web::test]
async fn a_followed_log_goes_on_where_the_page_ended_and_ends_with_it() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let (_, page) = answer!(service, request("GET", "/logs/2", None));
    let follow = page.split("data-follow=\"2 ").nth(1).unwrap();
    let mark = follow.split('"').next().unwrap();
    assert!(
        page.contains(">ok 2\n") && !page.contains("ok 3"),
        "the unfinished line waits"
    );
    let mut writer = fixture.app.logs.open(crate::ids::LogId(2)).await.unwrap();
    writer
        .append(b"\n\x1b[31mnot ok 4\x1b[0m <b>\nlast")
        .await
        .unwrap();
    writer.close().await.unwrap();
    let path = format!("/logs/2/follow?from={mark}");
    let (status, stream) = answer!(service, request("GET", &path, None));
    assert_eq!(status, 200);
    assert!(stream.contains("href=\"#L4\">4</a>ok 3\n"), "{stream}");
    assert!(
        stream.contains("<span class=\"f1\">not ok 4</span> &lt;b&gt;\n"),
        "{stream}"
    );
    assert!(stream.contains("href=\"#L6\">6</a>last\n"), "{stream}");
    assert!(stream.contains("event: end\n"), "{stream}");
    let (status, _) = answer!(service, request("GET", "/logs/2/follow?from=zzz", None));
    assert_eq!(status, 422);
}

#[actix_web::test]
async fn listeners_hear_what_happens_from_where_they_left_off() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let app = &fixture.app;
    let now = app.clock.now();
    let append = move |conn: &mut crate::db::Conn| {
        let event = crate::db::events::NewEvent {
            kind: "build.finished",
            build: Some(crate::ids::BuildId(150)),
            ..Default::default()
        };
        crate::db::events::append(conn, now, &event)
    };
    let first = app.db.tx("append", append).await.unwrap();
    let second = app.db.tx("append", append).await.unwrap();
    app.bells.events.send_replace(second);
    let listener =
        request("GET", "/events", None).insert_header(("last-event-id", first.to_string()));
    let response = test::call_service(&service, listener.to_request()).await;
    assert_eq!(
        response.headers().get("content-type").unwrap(),
        "text/event-stream"
    );
    let mut body = Box::pin(response.into_body());
    let mut heard = String::new();
    while !heard.contains("build.finished") {
        let next = std::future::poll_fn(|cx| body.as_mut().poll_next(cx));
        let piece = tokio::time::timeout(std::time::Duration::from_secs(20), next).await;
        heard.push_str(std::str::from_utf8(&piece.unwrap().unwrap().ok().unwrap()).unwrap());
    }
    assert!(heard.starts_with(&format!("retry: 3000\nid: {first}\nevent: hello\n")));
    assert!(
        heard.contains(&format!("id: {second}\nevent: change\n")),
        "{heard}"
    );
    assert!(heard.contains("\"build\":150"), "{heard}");
}

#[actix_web::test]
async fn crawlers_are_sent_away_and_old_assets_are_gone() {
    let fixture = fixture::filled().await;
    let service = served!(fixture);
    let (status, body) = answer!(service, request("GET", "/robots.txt", None));
    assert_eq!((status, body.contains("Disallow: /")), (200, true));
    let old = request("GET", "/assets/style-000000000000.css", None);
    assert_eq!(answer!(service, old).0, 404);
}
