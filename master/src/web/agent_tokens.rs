//! Tokens that machines enrol with: the form, the lines to paste, shown once, and the list.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::{Fault, status_of};
use super::filters;
use super::frame::Frame;
use super::sessions::see;
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::error::Error;
use crate::ids::AgentTokenId;
use crate::model::{AgentToken, Program};
use crate::ops;
use crate::ops::agent_tokens::{Created, NewToken};

struct TokenRow {
    id: AgentTokenId,
    names: String,
    state: &'static str,
    agent: Option<String>,
    created_by: String,
    created_at: Time,
    expires_at: Time,
    is_open: bool,
}

impl TokenRow {
    fn new(token: AgentToken, now: Time) -> Self {
        let state = match (token.revoked_at, token.used_at) {
            (Some(_), _) => "taken back",
            (None, Some(_)) => "used",
            (None, None) if token.expires_at <= now => "expired",
            (None, None) => "valid",
        };
        Self {
            id: token.id,
            names: token.names,
            agent: token.agent,
            created_by: token.created_by,
            created_at: token.created_at,
            expires_at: token.expires_at,
            is_open: state == "valid",
            state,
        }
    }
}

/// The form as it was sent.
#[derive(Debug, Default, Clone, serde::Deserialize)]
pub struct TokenForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: String,
    #[serde(default)]
    slots: String,
}

#[derive(Template)]
#[template(path = "agent_tokens/list.html")]
struct ListPage {
    frame: Frame,
    tokens: Vec<TokenRow>,
    programs: Vec<Program>,
    made: Option<Created>,
    form: TokenForm,
    wrong: Option<String>,
}

/// What to answer with besides the list.
#[derive(Default)]
struct Outcome {
    made: Option<Created>,
    form: TokenForm,
    wrong: Option<Error>,
}

/// `GET /agent-tokens`.
pub async fn list(app: web::Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    page(&app, &identity, Outcome::default()).await
}

/// `POST /agent-tokens`: makes one; this answer alone shows it.
pub async fn create(
    app: web::Data<App>,
    identity: Identity,
    form: web::Form<TokenForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let outcome = match make(&app, &identity, &form).await {
        Ok(made) => Outcome {
            made: Some(made),
            ..Outcome::default()
        },
        Err(error @ Error::BadInput { .. }) => Outcome {
            made: None,
            form,
            wrong: Some(error),
        },
        Err(error) => return Err(Fault(error)),
    };
    page(&app, &identity, outcome).await
}

async fn make(app: &App, identity: &Identity, form: &TokenForm) -> Result<Created, Error> {
    let slots = match form.slots.trim() {
        "" => 1,
        text => text
            .parse()
            .map_err(|_| Error::bad_input("slots", "write a whole number"))?,
    };
    let new = NewToken {
        names: form.name.trim().to_owned(),
        labels: labels(&form.labels)?,
        slots,
    };
    ops::agent_tokens::create(app, identity, new).await
}

/// `pool=lab gpu=yes`.
fn labels(text: &str) -> Result<BTreeMap<String, String>, Error> {
    let words = text.split_whitespace();
    let label = |word: &str| {
        let (name, value) = word.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let wrong = || Error::bad_input("labels", "write them as NAME=VALUE with spaces between");
    words.map(|word| label(word).ok_or_else(wrong)).collect()
}

/// `POST /agent-tokens/{id}/revoke`: takes one back that was not used.
pub async fn revoke(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<AgentTokenId>,
) -> Result<HttpResponse, Fault> {
    ops::agent_tokens::revoke(&app, &identity, *id).await?;
    Ok(see("/agent-tokens").finish())
}

async fn page(app: &App, identity: &Identity, outcome: Outcome) -> Result<HttpResponse, Fault> {
    let now = app.clock.now();
    let tokens = ops::agent_tokens::list(app, identity).await?;
    let programs = ops::programs::list(app, identity).await?;
    let mut response = match &outcome.wrong {
        Some(error) => HttpResponse::build(status_of(error)),
        None => HttpResponse::Ok(),
    };
    let page = ListPage {
        frame: Frame::new(app, identity, "/agents", "Add a machine").rest("/api/v1/agent-tokens"),
        tokens: tokens
            .into_iter()
            .map(|token| TokenRow::new(token, now))
            .collect(),
        programs,
        made: outcome.made,
        form: outcome.form,
        wrong: outcome.wrong.map(|error| error.to_string()),
    };
    let body = page
        .render()
        .map_err(|error| Fault(Error::internal(error)))?;
    Ok(response
        // The token on it is shown once.
        .insert_header(("cache-control", "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(body))
}
