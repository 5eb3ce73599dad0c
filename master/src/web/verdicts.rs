//! What testers do to products by forms: verdicts, labels, and the same to several at once.

use actix_web::{HttpResponse, web};

use super::fault::Fault;
use super::frame::or_page;
use super::holds::{back, until};
use super::paging::given;
use super::products;
use super::sessions::{local, see};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ids::ProductId;
use crate::model::{NewJudgement, Verdict};
use crate::ops;
use crate::ops::products::bulk::{Deed, Outcome};

/// The fields of a form as they came; boxes of one name stand several times.
type Fields = web::Form<Vec<(String, String)>>;

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found = fields.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

fn every(fields: &[(String, String)], name: &str) -> Vec<String> {
    let with = fields.iter().filter(|(key, _)| key == name);
    with.map(|(_, value)| value.clone()).collect()
}

/// `POST /products/{id}/verdicts`: gives one, or shows the page with what was wrong.
pub async fn judge(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: Fields,
) -> Result<HttpResponse, Fault> {
    let given = match judgement(&form, field(&form, "verdict")) {
        Ok(new) => ops::verdicts::judge(&app, &identity, *id, new).await,
        Err(error) => Err(error),
    };
    match given {
        Ok(_) => Ok(see(&back(field(&form, "back"), *id)).finish()),
        Err(error) => {
            or_page(error, async |text| {
                let mut page = products::page(&app, &identity, *id).await?;
                page.error = Some(text);
                page.comment = field(&form, "comment").to_owned();
                page.bug = field(&form, "bug").to_owned();
                Ok(page)
            })
            .await
        }
    }
}

fn judgement(form: &[(String, String)], verdict: &str) -> Result<NewJudgement, Error> {
    let verdict: Verdict = verdict
        .parse()
        .map_err(|text: String| Error::bad_input("verdict", text))?;
    Ok(NewJudgement {
        verdict,
        comment: field(form, "comment").to_owned(),
        bug: given(field(form, "bug")),
        checklist: every(form, "checklist"),
    })
}

/// The filled-in form of a label.
#[derive(serde::Deserialize)]
pub struct LabelForm {
    label: String,
    reason: String,
    #[serde(default)]
    back: String,
}

/// `POST /products/{id}/labels`.
pub async fn label(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: web::Form<LabelForm>,
) -> Result<HttpResponse, Fault> {
    ops::labels::set(&app, &identity, *id, &form.label, &form.reason).await?;
    Ok(see(&back(&form.back, *id)).finish())
}

/// `POST /products/{id}/labels/remove`.
pub async fn unlabel(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<ProductId>,
    form: web::Form<LabelForm>,
) -> Result<HttpResponse, Fault> {
    ops::labels::remove(&app, &identity, *id, &form.label, &form.reason).await?;
    Ok(see(&back(&form.back, *id)).finish())
}

/// `POST /products/bulk`: the same to every ticked product.
pub async fn bulk(
    app: web::Data<App>,
    identity: Identity,
    form: Fields,
) -> Result<HttpResponse, Fault> {
    let mut products = Vec::new();
    for id in every(&form, "id") {
        let id = id.parse::<ProductId>();
        products.push(id.map_err(|error| Error::bad_input("id", error.to_string()))?);
    }
    let reason = field(&form, "comment").to_owned();
    let deed = match field(&form, "deed") {
        "keep" => Deed::Keep {
            reason,
            until: until(field(&form, "until"))?,
            cascade: given(field(&form, "cascade")).is_some(),
        },
        "lift" => Deed::Lift { reason },
        "label" => Deed::Label {
            label: field(&form, "label").to_owned(),
            reason,
        },
        verdict => Deed::Judge(judgement(&form, verdict)?),
    };
    let outcomes = ops::products::bulk::run(&app, &identity, products, &deed).await?;
    let failed: Vec<&Outcome> = outcomes.iter().filter(|one| one.error.is_some()).collect();
    if failed.is_empty() {
        return Ok(see(&local(field(&form, "back"))).finish());
    }
    let told: Vec<String> = failed
        .iter()
        .map(|one| {
            let error = one.error.as_deref().unwrap_or_default();
            format!("product {}: {error}", one.product)
        })
        .collect();
    let done = outcomes.len() - failed.len();
    let text = format!("{done} done, {} not: {}", failed.len(), told.join("; "));
    Err(Fault(Error::Conflict(text)))
}
