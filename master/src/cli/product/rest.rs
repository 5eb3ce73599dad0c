//! A running master over REST. The client is `reqwest`, which the store's crate brings anyway; it
//! trusts what the system trusts.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use serde_json::Value;

use super::way::Refusal;
use crate::cli::output::Problem;
use crate::model::{Draft, ProductRecord, Upload};

/// Time to reach the master.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Time for one request: some MiB over a slow line.
const REQUEST_MAX: Duration = Duration::from_secs(300);
/// Largest answer that is read: a page of products has some 100 KiB.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A master and who asks it.
pub(super) struct Rest {
    client: Client,
    url: String,
    token: Option<String>,
}

impl Rest {
    /// The master at `url`.
    pub(super) fn new(url: &str, token: Option<&str>) -> Result<Self, Problem> {
        let url = url.trim_end_matches('/').to_owned();
        let is_plain = url.starts_with("http://");
        if !is_plain && !url.starts_with("https://") {
            let text = format!("--url: `{url}` is no address such as https://builds.acme.example");
            return Err(Problem::Usage(text));
        }
        // Another part of the process may have chosen before; all choose this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .timeout(REQUEST_MAX)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("windlass/", env!("CARGO_PKG_VERSION")));
        if is_plain {
            // No certificate is ever looked at, so none of the system's are needed.
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let client = builder
            .build()
            .map_err(|error| Problem::Other(format!("cannot speak HTTP: {error}")))?;
        let token = token.map(str::to_owned);
        Ok(Self { client, url, token })
    }

    pub(super) async fn announce(
        &self,
        record: &ProductRecord,
        key: &str,
    ) -> Result<Draft, Refusal> {
        let body = serde_json::to_vec(record).map_err(broken)?;
        let request = self
            .request(Method::POST, "/api/v1/products")
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key)
            .body(body);
        parsed(answer(request).await?)
    }

    pub(super) async fn upload(&self, upload: &Upload) -> Result<Upload, Refusal> {
        parsed(self.get(&upload.url).await?)
    }

    pub(super) async fn put(
        &self,
        upload: &Upload,
        first: u64,
        bytes: Bytes,
    ) -> Result<Upload, Refusal> {
        let last = first + bytes.len() as u64 - 1;
        let range = format!("bytes {first}-{last}/{}", upload.size);
        let request = self
            .request(Method::PUT, &upload.url)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_RANGE, range)
            .body(bytes);
        parsed(answer(request).await?)
    }

    pub(super) async fn commit(&self, draft: &Draft) -> Result<Value, Refusal> {
        let path = format!("/api/v1/drafts/{}/commit", draft.id);
        answer(self.request(Method::POST, &path)).await
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Refusal> {
        answer(self.request(Method::GET, path)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }
}

async fn answer(request: RequestBuilder) -> Result<Value, Refusal> {
    let mut answer = request.send().await.map_err(away)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(away)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(broken("the answer is too long"));
        }
        body.extend_from_slice(&piece);
    }
    let value: Option<Value> = serde_json::from_slice(&body).ok();
    if status.is_success() {
        return value.ok_or_else(|| broken("the answer is no JSON: is this a Windlass master?"));
    }
    let told = value.as_ref().and_then(|value| value["detail"].as_str());
    let text = match told {
        Some(detail) => detail.to_owned(),
        None => format!("the master answered {status}"),
    };
    let received = value.as_ref().and_then(|value| value["received"].as_u64());
    Err(match (status, received) {
        (StatusCode::CONFLICT, Some(received)) => Refusal::Offset(received),
        (
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT,
            _,
        ) => Refusal::Away(text),
        _ => Refusal::Final(Problem::Other(text)),
    })
}

fn parsed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> Refusal {
    Refusal::Final(Problem::Other(error.to_string()))
}

/// A connection that fails may come back; its cause says more than its kind.
fn away(error: reqwest::Error) -> Refusal {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    Refusal::Away(text)
}
