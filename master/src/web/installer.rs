//! `/agent/…`: the scripts that put an agent onto a machine, and the programs they fetch. A machine
//! has no login: what protects is the token it brings.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::files::{Piece, send};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::model::Program;
use crate::ops;

/// What both scripts are made from. Title, address and names hold plain characters only where
/// they stand in code: the configuration and the folder see to that.
struct Facts {
    /// Title of the master, one line, in comments only.
    title: String,
    /// Address of the pages.
    url: String,
    /// What agents dial.
    master: String,
    programs: Vec<Program>,
}

#[derive(Template)]
#[template(path = "agents/install.sh", escape = "none")]
struct UnixScript {
    facts: Facts,
}

#[derive(Template)]
#[template(path = "agents/install.ps1", escape = "none")]
struct WindowsScript {
    facts: Facts,
}

/// `GET /agent/install.sh`.
pub async fn unix(app: web::Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    let facts = facts(&app, &identity, |os| os != "windows").await?;
    script(&UnixScript { facts }, "text/x-shellscript; charset=utf-8")
}

/// `GET /agent/install.ps1`.
pub async fn windows(app: web::Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    let facts = facts(&app, &identity, |os| os == "windows").await?;
    script(&WindowsScript { facts }, "text/plain; charset=utf-8")
}

/// `GET /agent/bin/{file}`.
pub async fn program(
    app: web::Data<App>,
    identity: Identity,
    file: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let (program, opened) = ops::programs::open(&app, &identity, &file).await?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, format!("\"{}\"", program.sha256)))
        .insert_header((header::CACHE_CONTROL, "public, no-cache"));
    let whole = Piece::Part(0..program.size);
    Ok(send(
        response,
        "application/octet-stream",
        opened,
        vec![whole],
    ))
}

async fn facts(
    app: &App,
    identity: &Identity,
    is_for: impl Fn(&str) -> bool,
) -> Result<Facts, Error> {
    let programs = ops::programs::list(app, identity).await?;
    let master = &app.config().master;
    Ok(Facts {
        title: master.title.chars().filter(|c| !c.is_control()).collect(),
        url: master.url.clone(),
        master: master.dialled_address(),
        programs: programs.into_iter().filter(|one| is_for(&one.os)).collect(),
    })
}

fn script(page: &impl Template, kind: &'static str) -> Result<HttpResponse, Fault> {
    let body = page
        .render()
        .map_err(|error| Fault(Error::internal(error)))?;
    Ok(HttpResponse::Ok().content_type(kind).body(body))
}
