//! Build requests: the queue, asking for a build, taking one back.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::frame::{Frame, html};
use super::paging::{given, links, parsed, query};
use super::rows::first_source;
use super::sessions::see;
use super::{filters, state::Look};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::ids::{BuildId, RequestId};
use crate::model::{RequestFilter, RequestState, RequestSummary};
use crate::ops;

pub mod form;

/// A request as a row.
pub(super) struct RequestRow {
    pub(super) id: RequestId,
    pub(super) builder: String,
    pub(super) look: Look,
    pub(super) pending: bool,
    pub(super) reason: String,
    pub(super) requested_by: String,
    pub(super) wait_reason: String,
    pub(super) branch: String,
    pub(super) revision: String,
    pub(super) created_at: Time,
    pub(super) build: Option<BuildId>,
}

impl RequestRow {
    pub(super) fn new(request: RequestSummary) -> Self {
        let (branch, revision) = first_source(&request.sources);
        Self {
            id: request.id,
            look: Look::of_request(request.state),
            pending: request.state == RequestState::Pending,
            builder: request.builder,
            reason: request.reason,
            requested_by: request.requested_by,
            wait_reason: request.wait_reason,
            branch,
            revision,
            created_at: request.created_at,
            build: request.build,
        }
    }
}

#[derive(Template)]
#[template(path = "requests/list.html")]
struct ListPage {
    frame: Frame,
    state: String,
    builder: String,
    states: &'static [RequestState],
    may_cancel: bool,
    requests: Vec<RequestRow>,
    pages: Vec<(&'static str, String)>,
}

/// The filter of the list.
#[derive(serde::Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    state: String,
    #[serde(default)]
    builder: String,
    #[serde(default)]
    before: String,
}

/// `GET /requests`: what waits, unless `state` asks for others (`all` for all).
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let mut asked = asked.into_inner();
    if asked.state.is_empty() {
        asked.state = RequestState::Pending.as_str().to_owned();
    }
    let filter = RequestFilter {
        state: match asked.state.as_str() {
            "all" => None,
            state => parsed("state", state)?,
        },
        builder: given(&asked.builder),
        before: parsed("before", &asked.before)?,
    };
    let is_first = filter.before.is_none();
    let rest_state = filter.state.map_or("", RequestState::as_str);
    let page = ops::requests::list(&app, &identity, filter).await?;
    let parameters = [
        ("state", asked.state.as_str()),
        ("builder", asked.builder.as_str()),
    ];
    let rest = query(&[("state", rest_state), ("builder", asked.builder.as_str())]);
    html(&ListPage {
        frame: Frame::new(&app, &identity, "/requests", "Queue")
            .rest(format!("/api/v1/requests{rest}"))
            .live("build request agent"),
        pages: links("/requests", &parameters, is_first, page.next),
        requests: page.items.into_iter().map(RequestRow::new).collect(),
        states: RequestState::ALL,
        may_cancel: identity.require(Permission::Cancel).is_ok(),
        state: asked.state.clone(),
        builder: asked.builder.clone(),
    })
}

/// `POST /requests/{id}/cancel`: takes it back.
pub async fn cancel(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<RequestId>,
) -> Result<HttpResponse, Fault> {
    ops::requests::cancel(&app, &identity, *id).await?;
    Ok(see("/requests").finish())
}
