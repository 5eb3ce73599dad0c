//! What the pages of releases send: preparing, signing, and every step after.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::others::others;
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::error::Error;
use crate::ids::{ProductId, ReleaseId};
use crate::model::{Product, Role};
use crate::ops;
use crate::ops::releases::{Preparation, Rollback, Step};
use crate::web::fault::Fault;
use crate::web::filters;
use crate::web::frame::{Frame, html, or_page};
use crate::web::paging::{given, parsed};
use crate::web::sessions::see;

#[derive(Template)]
#[template(path = "releases/new.html")]
struct NewPage {
    frame: Frame,
    product: Product,
    others: Vec<Product>,
    form: CreateForm,
    error: Option<String>,
}

/// Which product to release.
#[derive(serde::Deserialize)]
pub struct NewQuery {
    product: ProductId,
}

/// The filled-in form of a release.
#[derive(serde::Deserialize)]
pub struct CreateForm {
    product: ProductId,
    #[serde(default)]
    fallback: String,
    #[serde(default)]
    percent: String,
    #[serde(default)]
    watershed: Option<String>,
    #[serde(default)]
    critical: Option<String>,
    #[serde(default)]
    override_reason: String,
}

/// `GET /releases/new?product=`.
pub async fn new(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<NewQuery>,
) -> Result<HttpResponse, Fault> {
    let form = CreateForm {
        product: asked.product,
        fallback: String::new(),
        percent: "100".to_owned(),
        watershed: None,
        critical: None,
        override_reason: String::new(),
    };
    html(&new_page(&app, &identity, form, None).await?)
}

async fn new_page(
    app: &App,
    identity: &Identity,
    form: CreateForm,
    error: Option<String>,
) -> Result<NewPage, Error> {
    let detail = ops::products::show(app, identity, form.product).await?;
    let product = &detail.product;
    let place = [&product.project, &product.branch, &product.target].map(String::as_str);
    Ok(NewPage {
        frame: Frame::new(app, identity, "/releases", "Prepare a release").rest("/api/v1/releases"),
        others: others(app, identity, form.product, place).await?,
        product: detail.product,
        form,
        error,
    })
}

/// `POST /releases`: prepares one, or shows the form with what was wrong.
pub async fn create(
    app: web::Data<App>,
    identity: Identity,
    form: web::Form<CreateForm>,
) -> Result<HttpResponse, Fault> {
    let form = form.into_inner();
    let made = match preparation(&form) {
        Ok(wanted) => ops::releases::create(&app, &identity, wanted).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => Ok(see(&format!("/releases/{}", made.release.id)).finish()),
        Err(error) => {
            or_page(error, async |text| {
                new_page(&app, &identity, form, Some(text)).await
            })
            .await
        }
    }
}

fn preparation(form: &CreateForm) -> Result<Preparation, Error> {
    Ok(Preparation {
        product: form.product,
        fallback: parsed("fallback", &form.fallback)?,
        rollout_percent: percent(&form.percent)?,
        watershed: form.watershed.is_some(),
        critical: form.critical.is_some(),
        override_reason: form.override_reason.clone(),
    })
}

fn percent(text: &str) -> Result<i64, Error> {
    let wrong = || Error::bad_input("rollout_percent", "write a whole number from 0 to 100");
    text.trim().parse().map_err(|_| wrong())
}

/// A sign-off from the page.
#[derive(serde::Deserialize)]
pub struct SignForm {
    #[serde(default)]
    role: String,
    #[serde(default)]
    comment: String,
}

/// `POST /releases/{id}/sign`.
pub async fn sign(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ReleaseId>,
    form: web::Form<SignForm>,
) -> Result<HttpResponse, Fault> {
    let done = match parsed::<Role>("role", &form.role) {
        Ok(role) => ops::releases::sign(&app, &identity, *id, role, &form.comment).await,
        Err(error) => Err(error),
    };
    answer(&app, &identity, *id, done.map(|_| *id)).await
}

/// What the buttons of a release's page send.
#[derive(Default, serde::Deserialize)]
pub struct StepForm {
    #[serde(default)]
    row_version: String,
    #[serde(default)]
    starts_at: String,
    #[serde(default)]
    percent: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    override_reason: String,
}

/// `POST /releases/{id}/{step}`: does it, or shows the page with what was wrong.
pub async fn step(
    app: web::Data<App>,
    identity: Identity,
    place: web::Path<(ReleaseId, String)>,
    form: web::Form<StepForm>,
) -> Result<HttpResponse, Fault> {
    let (id, name) = place.into_inner();
    let done = perform(&app, &identity, id, &name, form.into_inner()).await;
    answer(&app, &identity, id, done).await
}

/// The release to show then.
async fn perform(
    app: &App,
    identity: &Identity,
    id: ReleaseId,
    name: &str,
    form: StepForm,
) -> Result<ReleaseId, Error> {
    let guard = parsed::<i64>("row_version", &form.row_version)?;
    let step = match name {
        "schedule" => Step::Schedule(moment(&form.starts_at)?),
        "unschedule" => Step::Unschedule,
        "go" => Step::Go,
        "rollout" => Step::Rollout(percent(&form.percent)?),
        "pause" => Step::Pause(form.reason),
        "resume" => Step::Resume,
        "withdraw" => Step::Withdraw(form.reason),
        "rollback" => {
            let to = parsed("product", &form.product)?;
            let wanted = Rollback {
                to: to.ok_or_else(|| Error::bad_input("product", "name the lower product"))?,
                reason: form.reason,
                override_reason: form.override_reason,
            };
            let made = ops::releases::rollback(app, identity, id, guard, wanted).await?;
            return Ok(made.release.id);
        }
        _ => {
            let text = format!(
                "nothing called `{}` is done to releases",
                name.escape_debug()
            );
            return Err(Error::NotFound(text));
        }
    };
    ops::releases::step(app, identity, id, guard, step).await?;
    Ok(id)
}

/// A moment of a `datetime-local` field, in UTC.
fn moment(text: &str) -> Result<Time, Error> {
    let wrong = || {
        Error::bad_input(
            "starts_at",
            "give a moment such as 2027-03-31T09:00, in UTC",
        )
    };
    let text = given(text).ok_or_else(wrong)?;
    let moment: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    let moment = moment.in_tz("UTC").map_err(|_| wrong())?;
    Ok(Time::from_unix_seconds(moment.timestamp().as_second()))
}

/// To the page of the release that came of it; else the page with what was wrong.
async fn answer(
    app: &App,
    identity: &Identity,
    id: ReleaseId,
    done: Result<ReleaseId, Error>,
) -> Result<HttpResponse, Fault> {
    match done {
        Ok(id) => Ok(see(&format!("/releases/{id}")).finish()),
        Err(error) => {
            or_page(error, async |text| {
                let mut page = super::page(app, identity, id).await?;
                page.error = Some(text);
                Ok(page)
            })
            .await
        }
    }
}

/// Why a product is withdrawn, or not any more.
#[derive(serde::Deserialize)]
pub struct WithdrawForm {
    reason: String,
}

/// `POST /products/{id}/withdraw`.
pub async fn withdraw_product(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: web::Form<WithdrawForm>,
) -> Result<HttpResponse, Fault> {
    ops::withdrawals::withdraw(&app, &identity, *id, None, &form.reason).await?;
    Ok(see(&format!("/products/{id}")).finish())
}

/// `POST /products/{id}/reinstate`.
pub async fn reinstate_product(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: web::Form<WithdrawForm>,
) -> Result<HttpResponse, Fault> {
    ops::withdrawals::reinstate(&app, &identity, *id, None, &form.reason).await?;
    Ok(see(&format!("/products/{id}")).finish())
}
