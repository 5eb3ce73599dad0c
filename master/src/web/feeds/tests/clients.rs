//! What each family of clients is told over the whole application, and that no answer outlives what
//! it was made of.

use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use serde_json::Value;

use super::get;
use crate::app::App;
use crate::app::tests::app;
use crate::db::Conn;
use crate::db::products::tests::{recorded, sample};
use crate::db::products::{NewProductFile, record, view};
use crate::db::tests::{TestDb, sqlite};
use crate::ids::ProductId;
use crate::model::{Blob, BlobStore, NewProduct, Signature, SignatureScheme, SignatureState};
use crate::web::envelope::application;

const MINISIGN: &str = "untrusted comment: x\nRUQ=\ntrusted comment: y\nAAAA\n";

pub(super) fn file(role: &str, name: &str, digits: &str) -> NewProductFile {
    NewProductFile {
        role: role.to_owned(),
        name: name.to_owned(),
        blob: Blob {
            sha256: format!("{digits:a>64}"),
            sha1: format!("{digits:b>40}"),
            sha512: format!("{digits:c>128}"),
            size: 3,
            store: BlobStore::Local,
        },
        source_path: format!("dist/{name}"),
        delta_from: None,
        signatures: vec![Signature {
            scheme: SignatureScheme::Minisign,
            key_id: "00".to_owned(),
            value: MINISIGN.to_owned(),
            trusted_comment: "y".to_owned(),
            state: SignatureState::UnknownKey,
        }],
    }
}

/// A build of `version` for a target: an installer with its block map, and a package of Velopack.
pub(super) fn build(position: i64, version: &str, target: &str) -> NewProduct {
    let id = format!("{position}{}", target.len());
    NewProduct {
        target: target.to_owned(),
        feed_version: Some(version.to_owned()),
        files: vec![
            file(
                "installer",
                &format!("Editor-{version}.exe"),
                &format!("{id}1"),
            ),
            file(
                "blockmap",
                &format!("Editor-{version}.exe.blockmap"),
                &format!("{id}2"),
            ),
            file(
                "update",
                &format!("Editor-{version}-full.nupkg"),
                &format!("{id}3"),
            ),
        ],
        ..sample(position, position, version)
    }
}

/// The application with two builds for two targets, and its feed's token.
pub(super) async fn feeds() -> (App, TestDb, String, Vec<ProductId>) {
    let test = sqlite();
    let products = vec![
        build(1, "1.0.0", "x86_64-linux"),
        build(2, "1.1.0", "x86_64-linux"),
        build(1, "1.0.0", "aarch64-windows"),
        build(2, "1.1.0", "aarch64-windows"),
    ];
    let ids = recorded(&test.db, products).await;
    let first = ids[0];
    let read = move |conn: &mut Conn| view::find(conn, crate::clock::Time(1), first);
    let token = test.db.read("test", read).await.unwrap().feed;
    (app(test.db.clone()), test, token, ids)
}

/// Changes rows without an event.
pub(super) async fn behind(test: &TestDb, statements: &str) {
    let statements = statements.to_owned();
    let work = move |conn: &mut Conn| crate::db::tests::sql(conn, &statements);
    test.db.tx("test", work).await.unwrap();
}

async fn text(app: &App, address: &str) -> (StatusCode, String) {
    let answer = get(app, address, None).await;
    let status = answer.status();
    let body = read_body(answer).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[actix_web::test]
async fn tauri_gets_204_when_it_has_the_newest() {
    let (app, _test, token, _) = feeds().await;
    let front = format!("/update/tauri/editor/{token}");
    let (status, body) = text(&app, &format!("{front}/linux/x86_64/1.0.0")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["version"], "1.1.0");
    for rest in [
        "linux/x86_64/1.1.0",
        "linux/x86_64/2.0.0",
        "linux/x86_64/1.1.0%2B7",
        "darwin/aarch64/1.0.0",
        "plan9/vax/1.0.0",
    ] {
        let (status, body) = text(&app, &format!("{front}/{rest}")).await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::NO_CONTENT, ""),
            "{rest}"
        );
    }
}

#[actix_web::test]
async fn electron_finds_the_old_block_map_by_replacing_the_version() {
    let (app, _test, token, _) = feeds().await;
    let front = format!("/update/electron/editor/{token}");
    let (status, yaml) = text(&app, &format!("{front}/latest.yml?noCache=1a2b3c")).await;
    assert_eq!(status, StatusCode::OK);
    let line = yaml
        .lines()
        .find(|line| line.starts_with("path: "))
        .unwrap();
    let path: String = serde_json::from_str(line.trim_start_matches("path: ")).unwrap();
    assert_eq!(path, "1.1.0/arm64/Editor-1.1.0.exe");
    let old = format!("{front}/{}.blockmap", path.replace("1.1.0", "1.0.0"));
    // Files are not stored here, but that they are found is told.
    let (status, told) = text(&app, &old).await;
    assert_eq!(status, StatusCode::GONE, "{told}");
    let (status, _) = text(&app, &format!("{front}/{}", path.replace("1.1.0", "0.9.0"))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for (name, expected) in [
        ("latest-linux.yml", StatusCode::OK),
        ("beta-linux.yml", StatusCode::OK),
        ("latest-linux-arm64.yml", StatusCode::NOT_FOUND),
        ("latest-mac.yml", StatusCode::NOT_FOUND),
        ("latest.txt", StatusCode::NOT_FOUND),
    ] {
        let (status, told) = text(&app, &format!("{front}/{name}")).await;
        assert_eq!(status, expected, "{name}: {told}");
    }
}

#[actix_web::test]
async fn who_tells_a_higher_version_is_never_moved_down() {
    let (app, _test, token, _) = feeds().await;
    let address = format!("/update/electron/editor/{token}/latest-linux.yml");
    for (query, version) in [
        ("", "1.1.0"),
        ("?version=1.0.0", "1.1.0"),
        ("?version=1.1.0", "1.1.0"),
        ("?version=7.0.0", "7.0.0"),
    ] {
        let (_, yaml) = text(&app, &format!("{address}{query}")).await;
        let told = yaml.lines().next().unwrap();
        assert_eq!(told, format!("version: \"{version}\""), "{query}");
    }
    let address = format!("/update/velopack/editor/{token}/releases.linux.json");
    for (query, assets) in [
        ("", 1),
        ("?localVersion=1.0.0", 1),
        ("?localVersion=7.0.0", 0),
    ] {
        let (_, told) = text(&app, &format!("{address}{query}")).await;
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["Assets"].as_array().unwrap().len(), assets, "{query}");
    }
}

#[actix_web::test]
async fn the_other_formats_list_the_current_build() {
    let (app, _test, token, _) = feeds().await;
    let front = format!("/update/manifest/editor/{token}");
    let (_, told) = text(
        &app,
        &format!("{front}/x86_64-unknown-linux-gnu/manifest.json"),
    )
    .await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["releases"][0]["version"], "1.1.0", "{told}");
    let (_, told) = text(&app, &format!("{front}/x86_64-apple-darwin/manifest.json")).await;
    assert_eq!(told, "{\"schema\":1,\"releases\":[]}");
    let front = format!("/update/appcast/editor/{token}");
    let (_, xml) = text(&app, &format!("{front}/windows.xml")).await;
    assert!(xml.contains("sparkle:os=\"windows-arm64\""), "{xml}");
    let (status, xml) = text(&app, &format!("{front}/macos.xml")).await;
    assert!(status == StatusCode::OK && !xml.contains("<item>"), "{xml}");
    let (status, told) = text(&app, &format!("/update/zsync/editor/{token}/plan9.zsync")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{told}");
    let (status, told) = text(&app, &format!("/update/zsync/editor/{token}/linux.zsync")).await;
    assert_eq!(status, StatusCode::GONE, "the file is not stored: {told}");
}

#[actix_web::test]
async fn a_kept_answer_ends_with_the_commit_that_changes_it() {
    let (app, test, token, ids) = feeds().await;
    let service = init_service(application(&app)).await;
    let address = format!("/update/v1/editor/{token}/x86_64-linux?version=1.0.0&junk=");
    let ask = async |junk: &str| -> Value {
        let request = TestRequest::get().uri(&format!("{address}{junk}"));
        let answer = call_service(&service, request.to_request()).await;
        serde_json::from_slice(&read_body(answer).await).unwrap()
    };
    assert_eq!(ask("1").await["version"], "1.1.0");
    // Behind the master's back: only an answer that was kept knows nothing of it.
    behind(
        &test,
        "UPDATE products SET version = 'x' WHERE version = '1.1.0'",
    )
    .await;
    assert_eq!(
        ask("2").await["version"],
        "1.1.0",
        "kept, whatever else is asked"
    );
    let next = build(3, "1.2.0", "x86_64-linux");
    let work = move |conn: &mut Conn| record(conn, crate::clock::Time(3), &next);
    let id = test.db.tx("test", work).await.unwrap();
    assert!(id > ids[3]);
    assert_eq!(ask("3").await["version"], "1.2.0");
}

#[actix_web::test]
async fn head_has_the_headers_and_a_known_tag_is_304() {
    let (app, _test, token, _) = feeds().await;
    let service = init_service(application(&app)).await;
    for rest in [
        "electron/editor/TOKEN/latest.yml",
        "velopack/editor/TOKEN/releases.linux.json",
        "appcast/editor/TOKEN/windows.xml",
        "manifest/editor/TOKEN/x86_64-unknown-linux-gnu/manifest.json",
        "tauri/editor/TOKEN/linux/x86_64/1.0.0",
        "v1/editor/TOKEN/x86_64-linux",
    ] {
        let address = format!("/update/{}", rest.replace("TOKEN", &token));
        let head = TestRequest::with_uri(&address).method(Method::HEAD);
        let answer = call_service(&service, head.to_request()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{rest}");
        let caching = answer.headers().get(header::CACHE_CONTROL).unwrap();
        assert_eq!(caching, super::CACHING, "{rest}");
        let tag = answer.headers().get(header::ETAG).unwrap().clone();
        let again = TestRequest::get()
            .uri(&address)
            .insert_header((header::IF_NONE_MATCH, tag));
        let answer = call_service(&service, again.to_request()).await;
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{rest}");
        assert!(read_body(answer).await.is_empty(), "{rest}");
    }
}
