//! The door of every route: who asks, whether the request comes from our own pages, and whether the
//! asker may. Refused writes leave an audit row. What an operation checks again is its own affair.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::{Method, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};

use super::fault::Fault;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::error::Error;
use crate::ops::audit::{Attempt, note_refused};
use crate::ops::{sessions, tokens};

mod origin;

/// Refused writes that leave an audit row, per minute and thread: enough to see an attack, too few
/// to fill a disk.
const REFUSALS_PER_MINUTE: u32 = 60;

/// Name of the session cookie. Over TLS the prefix makes browsers refuse one that another host of
/// the domain, or somebody on the way, has set.
pub(super) fn session_cookie(app: &App) -> &'static str {
    if app.config().master.url.starts_with("https://") {
        "__Host-windlass_session"
    } else {
        "windlass_session"
    }
}

/// Lets through who has `permission`, with the identity put into the request for the handler.
pub fn require<S>(
    permission: Permission,
) -> impl Transform<
    S,
    ServiceRequest,
    Response = ServiceResponse<BoxBody>,
    Error = actix_web::Error,
    InitError = (),
>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>
        + 'static,
    S::Future: 'static,
{
    from_fn(move |request: ServiceRequest, next: Next<BoxBody>| enter(permission, request, next))
}

async fn enter(
    permission: Permission,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match admit(permission, request.request()).await {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.call(request).await
        }
        Err(error) => Ok(request.error_response(Fault(error))),
    }
}

/// Identifies and judges the asker. A session cookie that is unknown or over counts as nobody; a
/// bearer token that is, is an error.
pub(super) async fn admit(
    permission: Permission,
    request: &HttpRequest,
) -> Result<Identity, Error> {
    let app = request
        .app_data::<web::Data<App>>()
        .ok_or_else(|| Error::internal("the application has no state"))?;
    let bearer = bearer(request);
    let identity = identify(app, request, bearer).await?;
    let writes = is_unsafe(request.method());
    let verdict = if writes && bearer.is_none() && !origin::is_ours(app, request) {
        Err(Error::Foreign)
    } else {
        identity.require(permission)
    };
    match verdict {
        Ok(()) => Ok(identity),
        Err(error) => {
            if writes {
                note_refusal(app, request, &identity, &error).await;
            }
            Err(error)
        }
    }
}

async fn identify(
    app: &App,
    request: &HttpRequest,
    bearer: Option<&str>,
) -> Result<Identity, Error> {
    if let Some(secret) = bearer {
        let found = tokens::lookup(app, secret).await?;
        return found.ok_or(Error::Unauthenticated("a valid token"));
    }
    let nobody = Identity::Anonymous {
        may_read: app.config().master.anonymous_read,
    };
    if !request.headers().contains_key(header::COOKIE) {
        return Ok(nobody);
    }
    let Some(cookie) = request.cookie(session_cookie(app)) else {
        return Ok(nobody);
    };
    let found = sessions::lookup(app, cookie.value()).await?;
    Ok(found.unwrap_or(nobody))
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Writes the refusal down; a database that cannot take it does not change the answer. Somebody
/// who only hammers at the door fills the log of the program, not the database.
async fn note_refusal(app: &App, request: &HttpRequest, identity: &Identity, error: &Error) {
    let path = format!("{} {}", request.method(), request.path());
    tracing::info!(actor = identity.name(), path, %error, "a write was refused");
    let fits = request
        .app_data::<web::Data<Refusals>>()
        .is_none_or(|refusals| refusals.fits(app.clock.now()));
    if !fits {
        return;
    }
    let attempt = Attempt {
        action: "request.write",
        object_kind: "path",
        object_id: &path,
    };
    if let Err(error) = note_refused(app, identity, attempt, &error.to_string()).await {
        tracing::warn!(%error, "a refusal could not be written down");
    }
}

/// How many refusals were written down in this minute.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    minute: AtomicI64,
    count: AtomicU32,
}

impl Refusals {
    /// Counts one more; a race at the turn of a minute only shifts the limit a little.
    fn fits(&self, now: Time) -> bool {
        let minute = now.unix_seconds() / 60;
        if self.minute.swap(minute, Ordering::Relaxed) != minute {
            self.count.store(0, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed) < REFUSALS_PER_MINUTE
    }
}

/// The identity that the door found; handlers take it as an argument.
impl FromRequest for Identity {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Identity>().cloned();
        ready(found.ok_or_else(|| Fault(Error::internal("the route has no door"))))
    }
}
