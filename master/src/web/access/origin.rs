//! Whether a request that changes something was sent by one of our own pages, by what the browser
//! says of itself: `Sec-Fetch-Site`, else `Origin`. A program that sends neither is no browser, and
//! carries a cookie only when its user gave it one.

use actix_web::HttpRequest;

use crate::app::App;

/// Judges by `Sec-Fetch-Site` where it is sent; a plain-HTTP intranet page sends `Origin` alone.
pub(super) fn is_ours(app: &App, request: &HttpRequest) -> bool {
    let text = |name: &str| {
        let value = request.headers().get(name)?;
        Some(value.to_str().unwrap_or("?"))
    };
    judge(
        text("sec-fetch-site"),
        text("origin"),
        text("host"),
        &app.config().master.url,
    )
}

/// What the browser says of the page counts before the host it names: `http://` and `https://` of
/// one host are two sites to it, and somebody on the way can write the first. Only the configured
/// address is trusted by name, for proxies that hide the one the browser sees.
fn judge(site: Option<&str>, origin: Option<&str>, host: Option<&str>, master_url: &str) -> bool {
    match (site, origin) {
        (Some("same-origin" | "none"), _) | (None, None) => true,
        (Some(_), None) => false,
        (Some(_), Some(origin)) => is_same_host(origin, None, master_url),
        (None, Some(origin)) => is_same_host(origin, host, master_url),
    }
}

/// Whether `origin` names the host the request was sent to, or the configured address.
fn is_same_host(origin: &str, host: Option<&str>, master_url: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        return false; // `null`, from sandboxed frames and redirects across origins.
    };
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        || origin_of(master_url).is_some_and(|own| own.eq_ignore_ascii_case(origin))
}

/// Scheme and authority of a URL.
fn origin_of(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    url.get(..end)
}

#[cfg(test)]
mod tests;
