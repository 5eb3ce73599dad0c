//! What all lists have in common: the JSON of a page, and the address of the next.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web};
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::future::{Ready, ready};

use crate::model::Page;
use crate::updates::encode;
use crate::web::envelope::bad_query;
use crate::web::fault::Fault;

/// One page of a list.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(super) struct List<T> {
    /// The rows, at most 50.
    items: Vec<T>,
    /// Path of the next page; absent on the last. The header `Link` says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The query of a list. A key that is not known is an error, since a filter that does nothing would
/// give rows nobody asked for.
pub struct Filter<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest for Filter<T> {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = web::Query::<T>::from_query(request.query_string());
        ready(query.map(|query| Self(query.0)).map_err(bad_query))
    }
}

/// A page as an answer.
pub(super) fn answer<T, K>(request: &HttpRequest, page: Page<T, K>) -> HttpResponse
where
    T: serde::Serialize,
    K: Display,
{
    let next = page.next.map(|key| next(request, &key.to_string()));
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header((header::LINK, format!("<{next}>; rel=\"next\"")));
    }
    let items = page.items;
    response.json(List { items, next })
}

/// The same request with another `before`.
fn next(request: &HttpRequest, before: &str) -> String {
    type Pairs = Vec<(String, String)>;
    let pairs = web::Query::<Pairs>::from_query(request.query_string());
    let mut next = format!("{}?", request.path());
    for (key, value) in pairs.map_or_else(|_| Vec::new(), |pairs| pairs.0) {
        if key != "before" {
            next.push_str(&format!("{}={}&", encode(&key), encode(&value)));
        }
    }
    next + "before=" + before
}
