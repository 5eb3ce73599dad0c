//! Junk in every field of every feed: an answer, and never one that blames the master.

use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};

use super::clients::feeds;
use crate::web::envelope::application;

/// Requests: some seconds of them, from a seed that stays.
const REQUESTS: usize = 4_000;

/// Every feed, with `*` for each of its fields.
const ADDRESSES: &[&str] = &[
    "/update/v1/*/*/*",
    "/update/tauri/*/*/*/*/*",
    "/update/electron/*/*/*",
    "/update/electron/*/*/*.yml",
    "/update/electron/*/*/*/*/*",
    "/update/velopack/*/*/*",
    "/update/velopack/*/*/releases.*.json",
    "/update/manifest/*/*/*/manifest.json",
    "/update/zsync/*/*/*.zsync",
    "/update/appcast/*/*/*.xml",
    "/p/*/*/feed.atom",
    "/p/*/*/*/*",
    "/p/*/*/*/*/*",
    "/p/*/*/*/*/*/*",
];

/// What stands in a field; `TOKEN` is that of a real feed, so that many requests reach a product.
const FIELDS: &[&str] = &[
    "editor",
    "editor",
    "editor",
    "TOKEN",
    "TOKEN",
    "TOKEN",
    "x86_64-linux",
    "linux",
    "win-x64",
    "1.0.0",
    "1.1.0",
    "latest",
    "latest-linux",
    "build",
    "by-label",
    "installer",
    "x64",
    "0",
    "-1",
    "99999999999999999999",
    "%00",
    "%ff%fe",
    "%2e%2e",
    "%2F..%2F",
    "%F0%9F%8E%89",
    "..",
    "'%20OR%201=1--",
    "%25s%25n",
    "%0d%0aX:%20y",
    "*",
    "~",
    "+",
    "%2B",
    "a:b",
    "%5c%5c",
    "(((",
    "%E2%80%AE",
    "%C2%85",
    "-",
    "_",
    ".",
    "Editor-1.0.0.exe.blockmap",
    "badge.svg",
    "%3Cscript%3E",
];

const QUERIES: &[&str] = &[
    "",
    "version=",
    "version=1.0.0",
    "version=%00",
    "version=%ff",
    "localVersion=1.0.0",
    "build=x",
    "build=-9223372036854775809",
    "os_version=10.15",
    "os_version=,,,",
    "runtime=python+3.12",
    "runtime=%00",
    "id=%F0%9F%8E%89",
    "stagingId=",
    "force=1",
    "force=maybe",
    "noCache=1q2w",
    "%&=&&%zz=%",
    "a=b&a=c",
    "explain=1",
];

struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        // A generator of Marsaglia's kind: any seed but zero.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

#[actix_web::test]
async fn junk_in_every_field_never_is_our_fault() {
    let (app, _test, token, _) = feeds().await;
    let service = init_service(application(&app)).await;
    let mut dice = Dice(0x5eed_f00d);
    let mut told = 0;
    for n in 0..REQUESTS {
        let mut address = String::new();
        for (at, part) in dice.pick(ADDRESSES).split('*').enumerate() {
            if at > 0 {
                // Two of three requests are for the feed that there is.
                let field = match (at, dice.roll(3)) {
                    (1, 1..) => "editor",
                    (2, 1..) => "TOKEN",
                    _ => dice.pick(FIELDS),
                };
                let field = field.replace("TOKEN", &token);
                address.push_str(&field);
                if dice.roll(200) == 0 {
                    address.push_str(&"9".repeat(5_000));
                }
            }
            address.push_str(part);
        }
        address.push('?');
        for _ in 0..dice.roll(4) {
            address.push_str(dice.pick(QUERIES));
            address.push('&');
        }
        let Ok(uri) = address.parse::<actix_web::http::Uri>() else {
            continue;
        };
        let methods = [Method::GET, Method::GET, Method::GET, Method::HEAD];
        let mut request = TestRequest::with_uri(&uri.to_string())
            .method(methods[dice.roll(methods.len())].clone());
        if dice.roll(4) == 0 {
            request = request.insert_header(("x-user-staging-id", &b"\xff\xfe"[..]));
            request = request.insert_header(("if-none-match", "W/\"\", *, \"x"));
        }
        let answer = call_service(&service, request.to_request()).await;
        let status = answer.status();
        assert!(!status.is_server_error(), "request {n}: {status} {address}");
        told += usize::from(!status.is_client_error());
    }
    assert!(
        told > REQUESTS / 50,
        "only {told} requests reached a product"
    );
}
