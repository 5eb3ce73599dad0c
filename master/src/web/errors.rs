//! The page of an error: what happened, the request's id, and who may fix it.

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, web};
use askama::Template;

use super::frame::Frame;
use super::{filters, state::Look};
use crate::app::App;
use crate::auth::Identity;
use crate::model::BuildResult;

#[derive(Template)]
#[template(path = "errors/error.html")]
struct ErrorPage {
    frame: Frame,
    heading: &'static str,
    detail: String,
    who: &'static str,
    login: bool,
    request_id: String,
    status: u16,
}

/// Renders the page; plain text where even that fails.
pub(super) fn page(
    request: &HttpRequest,
    status: StatusCode,
    detail: &str,
    request_id: &str,
) -> String {
    let Some(app) = request.app_data::<web::Data<App>>() else {
        return format!("{status}\n");
    };
    let nobody = Identity::Anonymous { may_read: false };
    let identity = request.extensions().get::<Identity>().cloned();
    let identity = identity.unwrap_or(nobody);
    let heading = heading(status);
    let page = ErrorPage {
        frame: Frame::new(app, &identity, request.path(), heading)
            .look(Look::of_result(BuildResult::Failure)),
        heading,
        detail: detail.to_owned(),
        who: remedy(status),
        login: status == StatusCode::UNAUTHORIZED,
        request_id: request_id.to_owned(),
        status: status.as_u16(),
    };
    page.render().unwrap_or_else(|_| format!("{status}\n"))
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Please log in",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::GONE => "Gone",
        StatusCode::CONFLICT => "That came too late",
        StatusCode::METHOD_NOT_ALLOWED => "This address does something else",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        status if status.is_server_error() => "A fault of ours",
        _ => "That did not work",
    }
}

fn remedy(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Once logged in you come back to this page.",
        StatusCode::FORBIDDEN => {
            "An administrator of this master can give you another role. If you came from another \
             site, open the page here and try again."
        }
        StatusCode::NOT_FOUND => "Check the address, or look for the thing from the home page.",
        StatusCode::GONE => "It will not come back.",
        StatusCode::CONFLICT => "Go back, load the page again and look at what has changed.",
        StatusCode::SERVICE_UNAVAILABLE => "Load the page again in a moment.",
        status if status.is_server_error() => {
            "Tell whoever runs this master the request number below: the master's log holds the \
             cause beside it."
        }
        _ => "Go back, correct what is named above and send it again.",
    }
}
