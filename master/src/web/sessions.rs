//! Logging in and out.

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::access::session_cookie;
use super::fault::{Fault, status_of};
use super::filters;
use super::frame::{Frame, html};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ops::sessions::{self, SESSION_MAX};

#[derive(Template)]
#[template(path = "sessions/login.html")]
struct LoginPage {
    frame: Frame,
    name: String,
    next: String,
    error: Option<String>,
}

/// Where to go after the login.
#[derive(serde::Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// The filled-in form.
#[derive(serde::Deserialize)]
pub struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `GET /login`.
pub async fn form(
    app: web::Data<App>,
    identity: Identity,
    query: web::Query<Next>,
) -> Result<HttpResponse, Fault> {
    html(&LoginPage {
        frame: Frame::new(&app, &identity, "/login", "Log in"),
        name: String::new(),
        next: local(&query.next),
        error: None,
    })
}

/// `POST /login`: a session, or the form again with what was wrong.
pub async fn login(
    app: web::Data<App>,
    identity: Identity,
    request: HttpRequest,
    form: web::Form<Credentials>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let next = local(&form.next);
    let peer = request.peer_addr().map(|peer| peer.ip().to_string());
    let address = peer.unwrap_or_else(|| "unknown".to_owned());
    match sessions::login(&app, &form.name, &form.password, &address).await {
        Ok(opened) => Ok(see(&next).cookie(cookie(&app, opened.secret)).finish()),
        Err(error @ Error::Internal(_)) => Err(Fault(error)),
        Err(error) => {
            let text = match &error {
                Error::BadInput { text, .. } => text.clone(),
                other => other.to_string(),
            };
            let mut answer = html(&LoginPage {
                frame: Frame::new(&app, &identity, "/login", "Log in"),
                name: form.name,
                next,
                error: Some(text),
            })?;
            *answer.status_mut() = status_of(&error);
            if matches!(error, Error::TooOften(_)) {
                let minute = header::HeaderValue::from_static("60");
                answer.headers_mut().insert(header::RETRY_AFTER, minute);
            }
            Ok(answer)
        }
    }
}

/// `POST /logout`.
pub async fn logout(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Fault> {
    if let Some(cookie) = request.cookie(session_cookie(&app)) {
        sessions::logout(&app, cookie.value()).await?;
    }
    let mut gone = cookie(&app, String::new());
    gone.make_removal();
    Ok(see("/").cookie(gone).finish())
}

/// POST, redirect, GET.
pub(super) fn see(path: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, path));
    response
}

fn cookie(app: &App, secret: String) -> Cookie<'static> {
    let seconds = i64::try_from(SESSION_MAX.as_secs()).unwrap_or(i64::MAX);
    Cookie::build(session_cookie(app), secret)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.config().master.url.starts_with("https://"))
        .max_age(time::Duration::seconds(seconds))
        .finish()
}

/// A path on this host, or the home page: never another site's address.
pub(super) fn local(next: &str) -> String {
    let is_path = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2_000
        && next
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path {
        next.to_owned()
    } else {
        "/".to_owned()
    }
}

#[cfg(test)]
mod tests;
