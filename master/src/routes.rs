//! Every route of the HTTP port: method, path, permission, handler. A row without a permission does
//! not compile; the handlers live in `web` (pages, files, feeds) and `api` (REST).

use actix_web::http::Method;
use actix_web::web::{self as actix, ServiceConfig};
use actix_web::{Resource, guard};

use crate::auth::Permission;
use crate::{api, web};

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`; a GET row answers HEAD too.
    pub method: &'static str,
    /// Path with `{name}` places.
    pub path: &'static str,
    /// What the asker needs.
    pub permission: Permission,
}

/// Declares the table and what it does: paths and handlers side by side.
macro_rules! routes {
    ($($method:ident $path:literal $permission:ident => $handler:path;)*) => {
        /// Every route, in the order in which paths are tried.
        pub const TABLE: &[Route] = &[$(Route {
            method: stringify!($method),
            path: $path,
            permission: Permission::$permission,
        },)*];

        /// Puts every route into an application. Methods of one path become one resource, so that
        /// another method answers 405.
        pub fn configure(config: &mut ServiceConfig) {
            let mut resources: Vec<(&str, Resource)> = Vec::new();
            $(
                let route = actix::route()
                    .guard(method(&Method::$method))
                    .to($handler)
                    .wrap(web::access::require(Permission::$permission));
                match resources.iter().position(|(path, _)| *path == $path) {
                    Some(at) => {
                        let (path, resource) = resources.remove(at);
                        resources.insert(at, (path, resource.route(route)));
                    }
                    None => resources.push(($path, actix::resource($path).route(route))),
                }
            )*
            for (_, resource) in resources {
                config.service(resource);
            }
        }
    };
}

/// A GET route answers HEAD with the same headers.
fn method(method: &Method) -> guard::AnyGuard {
    let any = guard::Any(guard::Method(method.clone()));
    if *method == Method::GET {
        any.or(guard::Head())
    } else {
        any
    }
}

routes! {
    GET "/update/v1/{project}/{feed}/{target}" Public => web::feeds::own::ask;
    GET "/update/tauri/{project}/{feed}/{target}/{arch}/{version}" Public => web::feeds::tauri::ask;
    GET "/update/electron/{project}/{feed}/{name}" Public => web::feeds::electron::ask;
    GET "/update/electron/{project}/{feed}/{version}/{arch}/{name}" Public => web::feeds::electron::file;
    GET "/update/velopack/{project}/{feed}/{name}" Public => web::feeds::velopack::ask;
    GET "/update/manifest/{project}/{feed}/{triple}/manifest.json" Public => web::feeds::manifest::ask;
    GET "/update/zsync/{project}/{feed}/{target}.zsync" Public => web::feeds::zsync::ask;
    GET "/update/appcast/{project}/{feed}/{os}.xml" Public => web::feeds::appcast::ask;
    GET "/" Read => web::home::show;
    GET "/builders" Read => web::builders::list;
    GET "/builders/{name}" Read => web::builders::show;
    GET "/builds" Read => web::builds::list;
    GET "/builds/{id}" Read => web::builds::show;
    POST "/builds/{id}/cancel" Cancel => web::builds::cancel;
    POST "/builds/{id}/rebuild" Force => web::builds::rebuild;
    GET "/logs/{id}" Read => web::logs::show;
    GET "/logs/{id}/raw" Read => web::logs::raw;
    GET "/logs/{id}/follow" Read => web::streams::follow;
    GET "/changes" Read => web::changes::list;
    GET "/agent" Public => web::websocket::upgrade;
    GET "/agents" Read => web::agents::list;
    GET "/agents/{name}" Read => web::agents::show;
    POST "/agents/{name}/pause" Administer => web::agents::pause;
    POST "/agents/{name}/resume" Administer => web::agents::resume;
    POST "/agents/{name}/upgrade" Administer => web::agents::upgrade;
    POST "/agents/{name}/retire-key" Administer => web::agents::retire_key;
    POST "/agents/{name}/remove" Administer => web::agents::remove;
    GET "/agent-tokens" Administer => web::agent_tokens::list;
    POST "/agent-tokens" Administer => web::agent_tokens::create;
    POST "/agent-tokens/{id}/revoke" Administer => web::agent_tokens::revoke;
    GET "/agent/install.sh" Public => web::installer::unix;
    GET "/agent/install.ps1" Public => web::installer::windows;
    GET "/agent/bin/{file}" Public => web::installer::program;
    GET "/requests" Read => web::requests::list;
    POST "/requests" Force => web::requests::form::force;
    POST "/requests/{id}/cancel" Cancel => web::requests::cancel;
    GET "/requests/new" Force => web::requests::form::new;
    GET "/qa" Read => web::desks::show;
    POST "/qa/desks" Keep => web::desks::keep;
    POST "/qa/desks/{id}/remove" Keep => web::desks::remove;
    GET "/products" Read => web::products::list;
    GET "/products/compare" Read => web::products::compare::show;
    GET "/products/find" Read => web::products::find::show;
    POST "/products/bulk" Keep => web::verdicts::bulk;
    POST "/products/{id}/verdicts" Keep => web::verdicts::judge;
    POST "/products/{id}/labels" Keep => web::verdicts::label;
    POST "/products/{id}/labels/remove" Keep => web::verdicts::unlabel;
    GET "/holds" Read => web::holds::list;
    GET "/products/{id}" Read => web::products::show;
    POST "/products/{id}/holds" Keep => web::holds::keep;
    POST "/holds/{id}/lift" Keep => web::holds::lift;
    POST "/products/{id}/withdraw" Release => web::releases::forms::withdraw_product;
    POST "/products/{id}/reinstate" Release => web::releases::forms::reinstate_product;
    GET "/releases" Read => web::releases::list;
    POST "/releases" Release => web::releases::forms::create;
    GET "/releases/new" Release => web::releases::forms::new;
    GET "/releases/{id}" Read => web::releases::show;
    POST "/releases/{id}/sign" Keep => web::releases::forms::sign;
    POST "/releases/{id}/{step}" Release => web::releases::forms::step;
    GET "/branches" Read => web::branches::list;
    GET "/branches/{id}" Read => web::branches::show;
    GET "/branches/{id}/guide" Read => web::branches::guide;
    POST "/branches/{id}/follow" Release => web::branches::follow;
    POST "/branches/{id}/state" Release => web::branches::set_state;
    POST "/branches/{id}/shut-off" Release => web::branches::shut_off;
    POST "/shutoffs" Release => web::branches::shut_off_project;
    POST "/shutoffs/{id}/lift" Release => web::branches::lift;
    GET "/explain" Read => web::branches::explain;
    GET "/stores" Collect => web::stores::show;
    POST "/stores/move" Administer => web::stores::relocate;
    GET "/products/{id}/why-kept" Read => web::retention::why;
    POST "/products/{id}/restore" Collect => web::retention::restore;
    POST "/products/{id}/collect" Collect => web::retention::collect;
    GET "/retention" Read => web::retention::show;
    POST "/retention/plans" Collect => web::retention::make;
    GET "/retention/plans/{id}" Read => web::retention::plan;
    POST "/retention/plans/{id}/apply" Collect => web::retention::apply;
    GET "/retention/trash" Read => web::retention::trash;
    POST "/retention/scrub" Collect => web::retention::scrub;
    GET "/login" Public => web::sessions::form;
    POST "/login" Public => web::sessions::login;
    POST "/logout" Public => web::sessions::logout;
    GET "/events" Read => web::streams::events;
    GET "/assets/{file}" Public => web::assets::file;
    GET "/robots.txt" Public => web::assets::robots;
    GET "/healthz" Public => web::health::healthz;
    GET "/files/{sha256}/{name}" Public => web::files::file;
    GET "/p/{project}/{feed}/feed.atom" Public => web::feeds::links::branch_feed;
    GET "/p/{project}/{feed}/{target}/{what}" Public => web::feeds::links::short;
    GET "/p/{project}/{feed}/{target}/{what}/{which}" Public => web::feeds::links::long;
    GET "/p/{project}/{feed}/{target}/{what}/{which}/{role}" Public => web::feeds::links::longest;
    GET "/api/v1/openapi.json" Public => api::openapi::document;
    GET "/api/v1/me" Public => api::me::show;
    GET "/api/v1/audit" Administer => api::audit::list;
    GET "/api/v1/builders" Read => api::builders::list;
    GET "/api/v1/builders/{name}" Read => api::builders::show;
    GET "/api/v1/builds" Read => api::builds::list;
    GET "/api/v1/builds/{id}" Read => api::builds::show;
    GET "/api/v1/builds/{id}/steps" Read => api::builds::steps;
    GET "/api/v1/builds/{id}/artifacts" Read => api::builds::artifacts;
    POST "/api/v1/builds/{id}/cancel" Cancel => api::builds::cancel;
    POST "/api/v1/builds/{id}/rebuild" Force => api::builds::rebuild;
    GET "/api/v1/logs/{id}" Read => api::logs::show;
    GET "/api/v1/logs/{id}/text" Read => api::logs::text;
    GET "/api/v1/changes" Read => api::changes::list;
    GET "/api/v1/changes/{id}" Read => api::changes::show;
    GET "/api/v1/agents" Read => api::agents::list;
    GET "/api/v1/agents/{name}" Read => api::agents::show;
    POST "/api/v1/agents/{name}/pause" Administer => api::agents::pause;
    POST "/api/v1/agents/{name}/resume" Administer => api::agents::resume;
    POST "/api/v1/agents/{name}/key" Administer => api::agents::key;
    POST "/api/v1/agents/{name}/retire-key" Administer => api::agents::retire_key;
    POST "/api/v1/agents/{name}/upgrade" Administer => api::agents::upgrade;
    POST "/api/v1/agents/{name}/remove" Administer => api::agents::remove;
    GET "/api/v1/agent-tokens" Administer => api::agent_tokens::list;
    POST "/api/v1/agent-tokens" Administer => api::agent_tokens::create;
    POST "/api/v1/agent-tokens/{id}/revoke" Administer => api::agent_tokens::revoke;
    GET "/api/v1/agent-programs" Public => api::agent_tokens::programs;
    GET "/api/v1/requests" Read => api::requests::list;
    GET "/api/v1/requests/{id}" Read => api::requests::show;
    POST "/api/v1/requests" Force => api::requests::force;
    POST "/api/v1/requests/{id}/cancel" Cancel => api::requests::cancel;
    GET "/api/v1/products" Read => api::products::list;
    POST "/api/v1/products" Record => api::drafts::create;
    GET "/api/v1/drafts" Record => api::drafts::list;
    GET "/api/v1/drafts/{id}" Record => api::drafts::show;
    DELETE "/api/v1/drafts/{id}" Record => api::drafts::abandon;
    POST "/api/v1/drafts/{id}/commit" Record => api::drafts::commit;
    GET "/api/v1/uploads/{id}" Record => api::uploads::show;
    PUT "/api/v1/uploads/{id}" Record => api::uploads::receive;
    GET "/api/v1/products/compare" Read => api::products::compare;
    GET "/api/v1/products/find" Read => api::products::find;
    POST "/api/v1/products/bulk" Keep => api::products::bulk;
    GET "/api/v1/qa" Read => api::desks::show;
    GET "/api/v1/qa/desks" Keep => api::desks::list;
    POST "/api/v1/qa/desks" Keep => api::desks::keep;
    DELETE "/api/v1/qa/desks/{id}" Keep => api::desks::remove;
    GET "/api/v1/projects/{name}/checklist" Read => api::verdicts::checklist;
    GET "/api/v1/products/{id}" Read => api::products::show;
    GET "/api/v1/products/{id}/verdicts" Read => api::verdicts::list;
    POST "/api/v1/products/{id}/verdicts" Keep => api::verdicts::judge;
    GET "/api/v1/products/{id}/labels" Read => api::verdicts::labels;
    POST "/api/v1/products/{id}/labels" Keep => api::verdicts::label;
    POST "/api/v1/products/{id}/labels/remove" Keep => api::verdicts::unlabel;
    POST "/api/v1/products/{id}/holds" Keep => api::holds::keep;
    POST "/api/v1/products/{id}/withdraw" Release => api::withdrawals::withdraw;
    POST "/api/v1/products/{id}/reinstate" Release => api::withdrawals::reinstate;
    GET "/api/v1/releases" Read => api::releases::list;
    POST "/api/v1/releases" Release => api::releases::create;
    GET "/api/v1/releases/{id}" Read => api::releases::show;
    POST "/api/v1/releases/{id}/signoffs" Keep => api::releases::sign;
    POST "/api/v1/releases/{id}/schedule" Release => api::releases::schedule;
    POST "/api/v1/releases/{id}/unschedule" Release => api::releases::unschedule;
    POST "/api/v1/releases/{id}/go" Release => api::releases::go;
    POST "/api/v1/releases/{id}/rollout" Release => api::releases::rollout;
    POST "/api/v1/releases/{id}/pause" Release => api::releases::pause;
    POST "/api/v1/releases/{id}/resume" Release => api::releases::resume;
    POST "/api/v1/releases/{id}/withdraw" Release => api::releases::withdraw;
    POST "/api/v1/releases/{id}/rollback" Release => api::releases::rollback;
    GET "/api/v1/branches" Read => api::branches::list;
    GET "/api/v1/branches/{id}" Read => api::branches::show;
    GET "/api/v1/branches/{id}/guide" Read => api::branches::guide;
    GET "/api/v1/branches/{id}/counts" Read => api::branches::counts;
    POST "/api/v1/branches/{id}/follow" Release => api::branches::follow;
    POST "/api/v1/branches/{id}/state" Release => api::branches::set_state;
    GET "/api/v1/shutoffs" Read => api::shutoffs::list;
    POST "/api/v1/shutoffs" Release => api::shutoffs::create;
    POST "/api/v1/shutoffs/{id}/lift" Release => api::shutoffs::lift;
    GET "/api/v1/updates/explain" Read => api::updates::explain;
    GET "/api/v1/stores" Collect => api::stores::show;
    POST "/api/v1/stores/move" Administer => api::stores::relocate;
    GET "/api/v1/projects/{name}/feed-keys" Release => api::privacy::feed_keys;
    POST "/api/v1/projects/{name}/feed-keys" Release => api::privacy::rotate;
    POST "/api/v1/file-links" Keep => api::privacy::sign;
    POST "/api/v1/file-links/rotate-key" Administer => api::privacy::rotate_key;
    GET "/api/v1/products/{id}/why-kept" Read => api::retention::why;
    POST "/api/v1/products/{id}/restore" Collect => api::retention::restore;
    DELETE "/api/v1/products/{id}" Collect => api::retention::collect;
    GET "/api/v1/retention" Read => api::retention::show;
    GET "/api/v1/retention/plans" Read => api::retention::plans;
    POST "/api/v1/retention/plans" Collect => api::retention::make;
    GET "/api/v1/retention/plans/{id}" Read => api::retention::plan;
    GET "/api/v1/retention/plans/{id}/items" Read => api::retention::items;
    POST "/api/v1/retention/plans/{id}/apply" Collect => api::retention::apply;
    GET "/api/v1/retention/trash" Read => api::retention::trash;
    POST "/api/v1/retention/scrub" Collect => api::retention::scrub;
    GET "/api/v1/holds" Read => api::holds::list;
    GET "/api/v1/holds/{id}" Read => api::holds::show;
    POST "/api/v1/holds/{id}/lift" Keep => api::holds::lift;
}

#[cfg(test)]
mod tests;
