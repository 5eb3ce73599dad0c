//! The stores of files: what lies where, and the form that moves it all.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::filters;
use super::frame::{Frame, html};
use super::sessions::see;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::error::Error;
use crate::model::{BlobStore, StoreContent};
use crate::ops;

#[derive(Template)]
#[template(path = "stores/show.html")]
struct ShowPage {
    frame: Frame,
    contents: Vec<StoreContent>,
    new_files: BlobStore,
    moving_to: Option<BlobStore>,
    left: i64,
    has_bucket: bool,
    may_move: bool,
}

/// The form.
#[derive(Debug, serde::Deserialize)]
pub struct MoveForm {
    #[serde(default)]
    to: String,
}

/// `GET /stores`.
pub async fn show(app: web::Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    let stores = ops::stores::show(&app, &identity).await?;
    let elsewhere = |content: &&StoreContent| Some(content.store) != stores.moving_to;
    let left = stores.contents.iter().filter(elsewhere);
    html(&ShowPage {
        frame: Frame::new(&app, &identity, "/stores", "Stores").rest("/api/v1/stores"),
        left: left.map(|content| content.files).sum(),
        contents: stores.contents,
        new_files: stores.new_files,
        moving_to: stores.moving_to,
        has_bucket: stores.has_bucket,
        may_move: identity.require(Permission::Administer).is_ok(),
    })
}

/// `POST /stores/move`: begins a move, or stops it when nothing is chosen.
pub async fn relocate(
    app: web::Data<App>,
    identity: Identity,
    form: web::Form<MoveForm>,
) -> Result<HttpResponse, Fault> {
    let to = match form.to.as_str() {
        "" => None,
        word => Some(
            word.parse()
                .map_err(|text: String| Error::bad_input("to", text))?,
        ),
    };
    ops::stores::move_to(&app, &identity, to).await?;
    Ok(see("/stores").finish())
}
