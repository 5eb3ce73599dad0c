//! `/api/v1/me`: who the asker is and what they may do.

use actix_web::HttpResponse;

use crate::auth::{Identity, Permission};
use crate::model::Role;

/// Who asks.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Me {
    /// Login name; `anonymous` for nobody.
    name: String,
    /// The role they act in: the lower of user and token. Absent for nobody.
    role: Option<Role>,
    /// What they may do.
    permissions: Vec<&'static str>,
}

/// Tells who the asker is and what they may do.
#[utoipa::path(get, path = "/api/v1/me", responses((status = 200, body = Me)))]
pub async fn show(identity: Identity) -> HttpResponse {
    let role = match &identity {
        Identity::User { role, .. } => Some(*role),
        Identity::Anonymous { .. } | Identity::Local { .. } => None,
    };
    let permissions = Permission::ALL
        .iter()
        .filter(|permission| identity.require(**permission).is_ok())
        .map(|permission| permission.as_str())
        .collect();
    let name = identity.name().to_owned();
    HttpResponse::Ok().json(Me {
        name,
        role,
        permissions,
    })
}
