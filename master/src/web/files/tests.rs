//! Downloads as clients do them, over the whole application.

use actix_web::dev::ServiceResponse;
use actix_web::http::header::HeaderName;
use actix_web::test::{TestRequest, call_service, init_service, read_body};

use super::*;
use crate::app::tests::app;
use crate::db::Conn;
use crate::db::products::tests::{recorded, sample};
use crate::db::tests::{TestDb, sqlite};
use crate::ids::ProductId;
use crate::model::ProductState;
use crate::storage::Blobs;
use crate::web::envelope::application;

/// More than two reads long, no two places alike.
fn content() -> Vec<u8> {
    (0..150_000_u32).flat_map(u32::to_be_bytes).collect()
}

struct Shop {
    app: App,
    test: TestDb,
    product: ProductId,
    address: String,
    sha256: String,
    _folder: tempfile::TempDir,
}

async fn shop() -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let test = sqlite();
    let mut app = app(test.db.clone());
    app.blobs = Blobs::open(folder.path()).unwrap();
    let mut writer = app.blobs.writer().unwrap();
    writer.write(&content()).unwrap();
    let blob = writer.finish().await.unwrap();
    let mut new = sample(1, 1, "1.0");
    new.files[0].name = "édit \"or\".tar.gz".to_owned();
    new.files[0].blob = blob.clone();
    let product = recorded(&test.db, vec![new.clone()]).await[0];
    Shop {
        app,
        test,
        product,
        address: updates::file_path(&blob.sha256, &new.files[0].name),
        sha256: blob.sha256,
        _folder: folder,
    }
}

impl Shop {
    async fn ask(&self, method: Method, headers: &[(HeaderName, &str)]) -> ServiceResponse {
        self.ask_at(&self.address, method, headers).await
    }

    async fn ask_at(
        &self,
        address: &str,
        method: Method,
        headers: &[(HeaderName, &str)],
    ) -> ServiceResponse {
        let service = init_service(application(&self.app)).await;
        let mut request = TestRequest::with_uri(address).method(method);
        for (name, value) in headers {
            request = request.insert_header((name.clone(), *value));
        }
        let answer = call_service(&service, request.to_request()).await;
        answer.map_into_boxed_body()
    }

    async fn get(&self, range: &str) -> ServiceResponse {
        self.ask(Method::GET, &[(header::RANGE, range)]).await
    }
}

fn value(answer: &ServiceResponse, name: HeaderName) -> &str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[actix_web::test]
async fn a_file_comes_whole_as_an_attachment_in_a_sandbox() {
    let shop = shop().await;
    let answer = shop.ask(Method::GET, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(value(&answer, header::CONTENT_TYPE), KIND);
    assert_eq!(value(&answer, header::CONTENT_SECURITY_POLICY), FILE_POLICY);
    assert_eq!(value(&answer, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(
        value(&answer, header::CONTENT_DISPOSITION),
        "attachment; filename=\"_dit _or_.tar.gz\"; \
         filename*=UTF-8''%C3%A9dit%20%22or%22.tar.gz"
    );
    assert_eq!(
        value(&answer, header::CACHE_CONTROL),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(value(&answer, header::ETAG), format!("\"{}\"", shop.sha256));
    assert!(read_body(answer).await == content());
}

#[actix_web::test]
async fn head_tells_the_length_and_sends_nothing() {
    let shop = shop().await;
    let answer = shop.ask(Method::HEAD, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        actix_web::body::MessageBody::size(answer.response().body()),
        actix_web::body::BodySize::Sized(600_000)
    );
}

#[actix_web::test]
async fn one_range_is_sent_alone() {
    let shop = shop().await;
    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=262140-262150", 262_140..262_151),
        ("bytes=599990-", 599_990..600_000),
        ("bytes=-5", 599_995..600_000),
    ] {
        let answer = shop.get(range).await;
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            value(&answer, header::CONTENT_RANGE),
            format!("bytes {}-{}/600000", part.start, part.end - 1)
        );
        assert!(read_body(answer).await == content()[part], "{range}");
    }
}

#[actix_web::test]
async fn several_ranges_are_sent_as_parts_in_the_order_asked() {
    let shop = shop().await;
    let answer = shop.get("bytes=500000-500003,10-11").await;
    assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
    let kind = value(&answer, header::CONTENT_TYPE).to_owned();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let mut expected = Vec::new();
    for (range, part) in [("500000-500003", 500_000..500_004), ("10-11", 10..12)] {
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {KIND}\r\nContent-Range: bytes {range}/600000\r\n\r\n"
        );
        expected.extend(head.as_bytes());
        expected.extend(&content()[part]);
    }
    expected.extend(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert!(read_body(answer).await == expected);
}

#[actix_web::test]
async fn ranges_outside_the_file_are_refused_with_its_size() {
    let shop = shop().await;
    let answer = shop.get("bytes=600000-").await;
    assert_eq!(answer.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(value(&answer, header::CONTENT_RANGE), "bytes */600000");
}

#[actix_web::test]
async fn if_range_and_if_none_match_compare_the_hash() {
    let shop = shop().await;
    let (tag, range) = (format!("\"{}\"", shop.sha256), "bytes=0-3");
    for (known, status) in [
        (tag.as_str(), StatusCode::PARTIAL_CONTENT),
        ("\"other\"", StatusCode::OK),
        ("Fri, 20 Nov 2026 10:00:00 GMT", StatusCode::OK),
    ] {
        let headers = [(header::RANGE, range), (header::IF_RANGE, known)];
        let answer = shop.ask(Method::GET, &headers).await;
        assert_eq!(answer.status(), status, "{known}");
    }
    let weak = format!("\"x\", W/{tag}");
    for (known, status) in [
        (tag.as_str(), StatusCode::NOT_MODIFIED),
        (weak.as_str(), StatusCode::NOT_MODIFIED),
        ("*", StatusCode::NOT_MODIFIED),
        ("\"x\"", StatusCode::OK),
    ] {
        let headers = [(header::IF_NONE_MATCH, known)];
        let answer = shop.ask(Method::GET, &headers).await;
        assert_eq!(answer.status(), status, "{known}");
    }
}

#[actix_web::test]
async fn only_what_a_row_names_is_served() {
    let shop = shop().await;
    let other_name = updates::file_path(&shop.sha256, "other.tar.gz");
    let other_file = updates::file_path(&"0".repeat(64), "a");
    for address in [
        other_name.as_str(),
        other_file.as_str(),
        "/files/../secret/a",
        "/files/%2e%2e%2f%2e%2e/etc%2fpasswd",
        "/files/x/%00",
    ] {
        let answer = shop.ask_at(address, Method::GET, &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{address}");
    }
}

#[actix_web::test]
async fn a_withdrawn_product_is_gone_and_tells_why() {
    let shop = shop().await;
    let id = shop.product;
    let withdraw = move |conn: &mut Conn| {
        let withdrawn = ProductState::Withdrawn;
        crate::db::products::set_state(conn, id, 1, withdrawn, "eats <b>files</b>")
    };
    shop.test.db.tx("test", withdraw).await.unwrap();
    let answer = shop.ask(Method::GET, &[]).await;
    assert_eq!(answer.status(), StatusCode::GONE);
    assert_eq!(
        value(&answer, header::CONTENT_TYPE),
        "application/problem+json"
    );
    let problem: serde_json::Value = serde_json::from_slice(&read_body(answer).await).unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.ends_with("withdrawn: eats <b>files</b>"), "{detail}");
    let page = [(header::ACCEPT, "text/html,*/*;q=0.8")];
    let answer = shop.ask(Method::GET, &page).await;
    assert_eq!(answer.status(), StatusCode::GONE);
    let body = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
    assert!(body.contains("withdrawn: eats &"), "{body}");
    assert!(!body.contains("<b>files"), "{body}");
}

#[actix_web::test]
async fn a_damaged_file_is_not_served_and_not_offered_again() {
    let shop = shop().await;
    let path = shop.app.blobs.path(&shop.sha256).unwrap();
    std::fs::write(path, b"cut").unwrap();
    let answer = shop.ask(Method::GET, &[]).await;
    assert_eq!(answer.status(), StatusCode::GONE);
    let sha256 = shop.sha256.clone();
    let read = move |conn: &mut Conn| crate::db::products::files::stored(conn, &sha256);
    let stored = shop.test.db.read("test", read).await.unwrap().unwrap();
    assert!(!stored.is_there);
}

#[actix_web::test]
async fn a_thousand_overlapping_ranges_send_the_file_once() {
    let shop = shop().await;
    let nested: Vec<_> = (0..1_000).map(|n| format!("{n}-{}", 599_999 - n)).collect();
    let same = vec!["0-"; 1_000];
    let chained: Vec<_> = (0..1_000)
        .map(|n| format!("{}-{}", n * 500, n * 500 + 99_999))
        .collect();
    for header in [nested.join(","), same.join(","), chained.join(",")] {
        let answer = shop.get(&format!("bytes={header}")).await;
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
        let range = value(&answer, header::CONTENT_RANGE).to_owned();
        assert_eq!(range.split('-').next(), Some("bytes 0"), "one part remains");
        assert!(read_body(answer).await.len() <= 600_000);
    }
}

#[actix_web::test]
async fn a_thousand_single_blocks_come_as_a_thousand_parts_in_order() {
    let shop = shop().await;
    let blocks: Vec<_> = (0..1_000_usize)
        .map(|n| n * 599..n * 599 + 1 + n % 7)
        .collect();
    let header: Vec<_> = blocks
        .iter()
        .map(|block| format!("{}-{}", block.start, block.end - 1))
        .collect();
    let answer = shop.get(&format!("bytes={}", header.join(", "))).await;
    let kind = value(&answer, header::CONTENT_TYPE).to_owned();
    let boundary = kind.rsplit('=').next().unwrap().to_owned();
    let body = read_body(answer).await.to_vec();
    let (mut rest, content) = (body.as_slice(), content());
    for block in blocks {
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {KIND}\r\nContent-Range: bytes {}-{}/600000\r\n\r\n",
            block.start,
            block.end - 1
        );
        rest = rest.strip_prefix(head.as_bytes()).unwrap();
        rest = rest.strip_prefix(&content[block]).unwrap();
    }
    assert_eq!(rest, format!("\r\n--{boundary}--\r\n").as_bytes());
}

#[actix_web::test]
async fn the_hash_is_told_and_if_match_compares_it() {
    let shop = shop().await;
    let answer = shop.get("bytes=0-0").await;
    let digest = value(&answer, REPR_DIGEST).to_owned();
    let hex = std::process::Command::new("python3")
        .args([
            "-c",
            "import base64,sys; print(base64.b64decode(sys.argv[1]).hex())",
        ])
        .arg(digest.trim_start_matches("sha-256=:").trim_end_matches(':'))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&hex.stdout).trim(), shop.sha256);
    let tag = format!("\"{}\"", shop.sha256);
    let weak = format!("W/{tag}");
    for (known, status) in [
        (tag.as_str(), StatusCode::OK),
        ("*", StatusCode::OK),
        (&format!("\"x\", {tag}"), StatusCode::OK),
        ("\"x\"", StatusCode::PRECONDITION_FAILED),
        (weak.as_str(), StatusCode::PRECONDITION_FAILED),
    ] {
        let answer = shop.ask(Method::GET, &[(header::IF_MATCH, known)]).await;
        assert_eq!(answer.status(), status, "{known}");
    }
}

#[actix_web::test]
async fn a_private_file_is_unseen_but_with_a_login_or_a_signed_address() {
    let shop = shop().await;
    let id = Identity::Local { name: "test" };
    let set = |conn: &mut Conn| {
        let names = crate::db::projects::all_names(conn)?;
        let private: Vec<_> = names.into_iter().map(|name| (name, true)).collect();
        crate::db::projects::set_private(conn, &private)
    };
    shop.test.db.tx("test", set).await.unwrap();
    let answer = shop.ask(Method::GET, &[]).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let name = "édit \"or\".tar.gz";
    let life = std::time::Duration::from_secs(60);
    let link = ops::privacy::sign(&shop.app, &id, &shop.sha256, name, life).await;
    let link = link.unwrap();
    let path = link.url.strip_prefix("http://127.0.0.1:8010").unwrap();
    let answer = shop.ask_at(path, Method::GET, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(value(&answer, header::CACHE_CONTROL).starts_with("private"));
    assert!(read_body(answer).await == content());
    for wrong in [path.replace("expires=", "expires=1"), format!("{path}0")] {
        let answer = shop.ask_at(&wrong, Method::GET, &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
    let withdrawn = shop.product;
    let withdraw = move |conn: &mut Conn| {
        let state = ProductState::Withdrawn;
        crate::db::products::set_state(conn, withdrawn, 1, state, "secret reason")
    };
    shop.test.db.tx("test", withdraw).await.unwrap();
    let answer = shop.ask(Method::GET, &[]).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "nothing is told");
}

/// Sends one request as bytes over a real connection and returns the whole answer.
async fn exchange(socket: std::path::PathBuf, request: String) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    let talk = move || {
        let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}

#[actix_web::test]
async fn over_a_real_connection_lengths_and_bytes_agree() {
    let shop = shop().await;
    let app = shop.app.clone();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("http");
    let server = actix_web::HttpServer::new(move || application(&app))
        .workers(1)
        .disable_signals()
        .bind_uds(&socket)
        .unwrap()
        .run();
    let handle = server.handle();
    let running = actix_web::rt::spawn(server);
    let tail = "Host: windlass\r\nAccept-Encoding: gzip, zstd\r\nConnection: close\r\n";
    for (method, range, status, length, sent) in [
        ("GET", "", "200 OK", 600_000, 600_000),
        ("HEAD", "", "200 OK", 600_000, 0),
        ("GET", "Range: bytes=5-9\r\n", "206 Partial Content", 5, 5),
        ("HEAD", "Range: bytes=5-9\r\n", "200 OK", 600_000, 0),
    ] {
        let path = &shop.address;
        let request = format!("{method} {path} HTTP/1.1\r\n{tail}{range}\r\n");
        let answer = exchange(socket.clone(), request).await;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.unwrap() + 4);
        let head = String::from_utf8(head.to_vec()).unwrap().to_lowercase();
        let first = format!("http/1.1 {}", status.to_lowercase());
        assert!(head.starts_with(&first), "{head}");
        assert!(
            head.contains(&format!("content-length: {length}\r\n")),
            "{head}"
        );
        assert!(!head.contains("zstd") && !head.contains("gzip"), "{head}");
        assert_eq!(body.len(), sent, "{method} {range}");
    }
    handle.stop(false).await;
    running.await.unwrap().unwrap();
}
