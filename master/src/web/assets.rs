//! Style sheet, script and icons, built into the program and served under names that hold their
//! hash, so that browsers keep them for ever.

use crate::hex::hex;
use std::fmt::Write as _;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use sha2::{Digest as _, Sha256};

use super::fault::Fault;
use super::state::Look;
use crate::error::Error;

/// Hex digits of the hash in a name: 48 bits tell any two versions apart.
const HASH_DIGITS: usize = 12;

/// One file served to browsers.
#[derive(Debug)]
pub struct Asset {
    /// `style-0123456789ab.css`.
    pub name: String,
    kind: &'static str,
    body: String,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let parts = [
        include_str!("../../static/tokens.css"),
        include_str!("../../static/page.css"),
        include_str!("../../static/parts.css"),
    ];
    Asset::new("style", "css", "text/css; charset=utf-8", parts.concat())
});

/// The modules are joined into one request; each stands in a block of its own.
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let parts = [
        include_str!("../../static/times.js"),
        include_str!("../../static/live.js"),
        include_str!("../../static/log.js"),
        include_str!("../../static/keys.js"),
        include_str!("../../static/desk.js"),
    ];
    let mut body = String::new();
    for part in parts {
        let _ = writeln!(body, "{{\n{part}}}");
    }
    Asset::new("page", "js", "text/javascript; charset=utf-8", body)
});

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, body: String) -> Self {
        let mut hash = hex(&Sha256::digest(body.as_bytes()));
        hash.truncate(HASH_DIGITS);
        let name = format!("{stem}-{hash}.{ending}");
        Self { name, kind, body }
    }
}

/// The style sheet.
#[must_use]
pub fn style() -> &'static Asset {
    &STYLE
}

/// The script.
#[must_use]
pub fn script() -> &'static Asset {
    &SCRIPT
}

/// `GET /assets/{file}`.
pub async fn file(name: web::Path<String>) -> Result<HttpResponse, Fault> {
    let asset = [style(), script()]
        .into_iter()
        .find(|asset| asset.name == **name)
        .ok_or_else(|| Error::NotFound("there is no such file in this version".to_owned()))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, asset.kind))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.body.as_str()))
}

/// `GET /robots.txt`: crawlers on logs are a load and nobody's gain.
pub async fn robots() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("User-agent: *\nDisallow: /\n")
}

/// The page's icon as a `data:` URL: shape and colour tell the state.
#[must_use]
pub fn icon(look: Option<Look>) -> String {
    let (shape, color) = match look.map(|look| look.symbol) {
        Some("success") => ("<circle cx='8' cy='8' r='7'/>", "%231a7f37"),
        Some("failure") => ("<path d='M5 1h6l4 4v6l-4 4H5l-4-4V5z'/>", "%23c93232"),
        Some("warnings") => ("<path d='M8 1l7.5 14H.5z'/>", "%23b07800"),
        Some("error") => ("<path d='M8 .5 15.5 8 8 15.5.5 8z'/>", "%23863bc4"),
        Some("running") => (
            "<circle cx='8' cy='8' r='6' fill='none' stroke-width='3' stroke='%231f6fd0'/>",
            "%231f6fd0",
        ),
        Some("cancelled" | "skipped" | "pending") => (
            "<rect x='2' y='2' width='12' height='12' rx='2'/>",
            "%23707a86",
        ),
        _ => (
            "<path d='M1 4h14v6H1zM3 12h2v4H3zM11 12h2v4h-2z'/>",
            "%239a6b12",
        ),
    };
    format!(
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' \
         fill='{color}'>{shape}</svg>"
    )
}
