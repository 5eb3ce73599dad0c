//! Stable links, sums, feeds for readers and badges.

use actix_web::http::{StatusCode, header};
use actix_web::test::read_body;

use super::clients::{behind, feeds};
use super::get;
use crate::app::App;

/// Where a link leads, without the master's address.
async fn leads(app: &App, address: &str) -> String {
    let answer = get(app, address, None).await;
    assert_eq!(answer.status(), StatusCode::FOUND, "{address}");
    let to = answer.headers().get(header::LOCATION).unwrap();
    let to = to.to_str().unwrap().to_owned();
    to.split("/files/").nth(1).unwrap_or_default().to_owned()
}

#[actix_web::test]
async fn a_stable_link_leads_to_what_it_says() {
    let (app, test, token, ids) = feeds().await;
    let front = format!("/p/editor/{token}");
    let linux = format!("{front}/x86_64-linux");
    let latest = leads(&app, &format!("{linux}/latest")).await;
    assert!(latest.ends_with("/Editor-1.1.0-full.nupkg"), "{latest}");
    for (link, name) in [
        ("x86_64-linux/latest/installer", "Editor-1.1.0.exe"),
        ("linux-amd64/latest/blockmap", "Editor-1.1.0.exe.blockmap"),
        ("x86_64-linux/build/1/installer", "Editor-1.0.0.exe"),
        ("x86_64-linux/build/2", "Editor-1.1.0-full.nupkg"),
    ] {
        let to = leads(&app, &format!("{front}/{link}")).await;
        assert!(to.ends_with(&format!("/{name}")), "{link}: {to}");
    }
    for link in [
        "last-good",
        "last-kept",
        "last-released",
        "by-label/rc",
        "build/9",
        "build/x",
    ] {
        let answer = get(&app, &format!("{linux}/{link}"), None).await;
        assert_eq!(
            answer.status(),
            StatusCode::NOT_FOUND,
            "{link}: there is none yet"
        );
    }
    let (old, new) = (ids[0], ids[1]);
    let statements = format!(
        "UPDATE products SET verdict = 'good', held_until = 9223372036854775807 WHERE id = {old};
         INSERT INTO labels (branch_id, target, label, product_id, set_by, set_at)
         VALUES (1, 'x86_64-linux', 'rc', {new}, 'quinn', 1);
         INSERT INTO releases (branch_id, target, product_id, state, state_reason, rollout_percent, rollout_salt, watershed, critical, signoffs_needed, row_version, created_by, created_at)
         VALUES (1, 'x86_64-linux', {old}, 'live', '', 100, '', FALSE, FALSE, '', 1, 'ada', 1)"
    );
    behind(&test, &statements).await;
    for (link, version) in [
        ("last-good", "1.0.0"),
        ("last-kept", "1.0.0"),
        ("last-released", "1.0.0"),
        ("by-label/rc", "1.1.0"),
        ("latest", "1.1.0"),
    ] {
        let to = leads(&app, &format!("{linux}/{link}")).await;
        assert!(to.contains(&format!("/Editor-{version}-")), "{link}: {to}");
    }
}

#[actix_web::test]
async fn sums_a_feed_and_a_badge_tell_of_the_newest() {
    let (app, _test, token, _) = feeds().await;
    let front = format!("/p/editor/{token}");
    for (link, kind, part) in [
        (
            "x86_64-linux/SHA256SUMS",
            "text/plain",
            "  Editor-1.1.0.exe.blockmap\n",
        ),
        (
            "x86_64-linux/build/1/SHA256SUMS",
            "text/plain",
            "  Editor-1.0.0.exe\n",
        ),
        (
            "x86_64-linux/latest/SHA256SUMS",
            "text/plain",
            "  Editor-1.1.0.exe\n",
        ),
        (
            "x86_64-linux/feed.atom",
            "application/atom+xml",
            "<title>1.0.0 x86_64-linux</title>",
        ),
        (
            "feed.atom",
            "application/atom+xml",
            "<title>1.1.0 aarch64-windows</title>",
        ),
        ("x86_64-linux/badge.svg", "image/svg+xml", "editor: 1.1.0"),
        ("riscv-plan9/badge.svg", "image/svg+xml", "editor: no build"),
    ] {
        let answer = get(&app, &format!("{front}/{link}"), None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{link}");
        let is = answer.headers().get(header::CONTENT_TYPE).unwrap();
        assert!(is.to_str().unwrap().starts_with(kind), "{link}: {is:?}");
        let body = read_body(answer).await;
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(part), "{link}: {body}");
    }
}
