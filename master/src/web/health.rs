//! `/healthz`: whether this master can do its work, for supervisors and load balancers.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::fault::Fault;
use crate::app::App;
use crate::ops;

/// `GET /healthz`: 200 when the database answers, 503 or 500 when it does not.
pub async fn healthz(app: Data<App>) -> Result<HttpResponse, Fault> {
    ops::health::check(&app).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(serde_json::json!({ "status": "ok" })))
}
